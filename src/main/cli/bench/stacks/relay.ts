/** Path emulators in a process of their own, as the lab has them in a thread of their own. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { Emulation } from '../../../../shared/domain.ts';
import { measureCapacity } from '../../../path/relay/capacity.ts';
import { Relay } from '../../../path/relay/relay.ts';
import { bindUdpSocket, createUdpSocket } from '../../../path/relay/sockets.ts';

export interface Pinned {
  /** Keeps the process to some processors, `0,1`; false where the system cannot. */
  pin(options: { cores: string }): boolean;
}

export interface RelayMethods extends Pinned {
  /** For each target port, in order, a relay, or without emulation a plain forwarder: their ports. Those before are closed. */
  open(options: { ports: readonly number[]; emulation: Emulation | null; seed: number }): Promise<number[]>;
  /** Bits per second that an unrestricted relay carries here. */
  capacity(): Promise<number>;
}

/** util-linux's taskset, on every thread there is; later ones inherit it. */
export const pin: Pinned['pin'] = ({ cores }) =>
  spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(process.pid)]).status === 0;

interface Carrier {
  port: number;
  close(): Promise<unknown>;
}

/** What a relay would be without a path: one socket hears, another sends on. */
async function forwarder(to: number): Promise<Carrier> {
  const near = await bindUdpSocket({ address: '127.0.0.1', family: 4, port: 0 }, 'listen');
  const far = createUdpSocket(4);
  // A sink that has ended answers with ICMP.
  far.on('error', () => undefined);
  far.connect(to, '127.0.0.1');
  await once(far, 'connect');
  near.on('message', (data) => far.send(data));
  const closed = [near, far].map((socket) => once(socket, 'close'));
  return {
    port: near.address().port,
    close: () => {
      for (const socket of [near, far]) socket.close();
      return Promise.all(closed);
    },
  };
}

export const relay = (): RelayMethods => {
  let relays: Carrier[] = [];
  return {
    pin,
    open: async ({ ports, emulation, seed }) => {
      await Promise.all(relays.map((before) => before.close()));
      relays = await Promise.all(
        ports.map((port, i): Promise<Carrier> => {
          if (emulation === null) return forwarder(port);
          const listen = { host: '127.0.0.1', port: 0 };
          return Relay.open({ listen, to: { host: '127.0.0.1', port }, emulation, seed: seed + i });
        }),
      );
      return relays.map(({ port }) => port);
    },
    capacity: measureCapacity,
  };
};
