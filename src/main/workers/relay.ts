/** Worker entry: emulated paths, each a UDP relay on a loopback port of its own (RelayWorkerMethods). */
import { LabError } from '../../shared/errors.ts';
import { measureCapacity } from '../path/relay/capacity.ts';
import { Relay } from '../path/relay/relay.ts';
import { serve } from './port.ts';
import type { RelayWorkerMethods } from './protocol.ts';

/** Promises, so that a `close` that overtakes its `open` still finds the relay. */
const relays = new Map<string, Promise<Relay>>();

serve<RelayWorkerMethods>({
  async open({ id, to, emulation, seed }) {
    if (relays.has(id))
      throw new LabError('RL_CONFLICT', `There is already a relay "${id}"`, { field: 'id' });
    const opening = Relay.open({ listen: { host: '127.0.0.1', port: 0 }, to, emulation, seed });
    relays.set(id, opening);
    try {
      const { host, port } = await opening;
      return { host, port };
    } catch (error) {
      relays.delete(id);
      throw error;
    }
  },
  async close({ id }) {
    const relay = relays.get(id);
    if (relay === undefined) throw new LabError('RL_NOT_FOUND', `There is no relay "${id}"`, { field: 'id' });
    relays.delete(id);
    await (await relay).close();
    return null;
  },
  measureCapacity,
});
