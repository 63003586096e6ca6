/** Worker entry: emulated paths, each a UDP relay on a loopback port of its own, TCP beside it (RelayWorkerMethods). */
import { LabError } from '../../shared/errors.ts';
import { measureCapacity } from '../path/relay/capacity.ts';
import { Relay, type RelayOptions } from '../path/relay/relay.ts';
import { StreamRelay } from '../path/relay/stream-relay.ts';
import { serve } from './port.ts';
import type { RelayWorkerMethods } from './protocol.ts';

const HOST = '127.0.0.1';

/** Promises, so that a `close` that overtakes its `open` still finds the relay. */
const relays = new Map<string, Promise<{ relay: Relay; streams: StreamRelay | null }>>();

async function openPath(
  options: Pick<RelayOptions, 'to' | 'emulation' | 'seed'>,
  tcp: boolean,
): Promise<{ relay: Relay; streams: StreamRelay | null }> {
  const { to } = options;
  const relay = await Relay.open({ listen: { host: HOST, port: 0 }, ...options });
  try {
    return {
      relay,
      streams: tcp ? await StreamRelay.open({ listen: { host: HOST, port: 0 }, to, relay }) : null,
    };
  } catch (error) {
    await relay.close();
    throw error;
  }
}

serve<RelayWorkerMethods>({
  async open({ id, to, emulation, seed, tcp = false }) {
    if (relays.has(id))
      throw new LabError('RL_CONFLICT', `There is already a relay "${id}"`, { field: 'id' });
    const opening = openPath({ to, emulation, seed }, tcp);
    relays.set(id, opening);
    try {
      const { relay, streams } = await opening;
      return { host: relay.host, port: relay.port, tcpPort: streams?.port ?? null };
    } catch (error) {
      relays.delete(id);
      throw error;
    }
  },
  async close({ id }) {
    const relay = relays.get(id);
    if (relay === undefined) throw new LabError('RL_NOT_FOUND', `There is no relay "${id}"`, { field: 'id' });
    relays.delete(id);
    const path = await relay;
    await path.streams?.close();
    await path.relay.close();
    return null;
  },
  measureCapacity,
});
