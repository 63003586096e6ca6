/** Path emulators in a process of their own, as the lab has them in a thread of their own. */
import { spawnSync } from 'node:child_process';
import type { Emulation } from '../../../../shared/domain.ts';
import { measureCapacity } from '../../../path/relay/capacity.ts';
import { Relay } from '../../../path/relay/relay.ts';

export interface Pinned {
  /** Keeps the process to some processors, `0,1`; false where the system cannot. */
  pin(options: { cores: string }): boolean;
}

export interface RelayMethods extends Pinned {
  /** A relay for each target port, in order: the ports they listen on. Those before are closed. */
  open(options: { ports: readonly number[]; emulation: Emulation; seed: number }): Promise<number[]>;
  /** Bits per second that an unrestricted relay carries here. */
  capacity(): Promise<number>;
}

/** util-linux's taskset, on every thread there is; later ones inherit it. */
export const pin: Pinned['pin'] = ({ cores }) =>
  spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', cores, String(process.pid)]).status === 0;

export const relay = (): RelayMethods => {
  let relays: Relay[] = [];
  return {
    pin,
    open: async ({ ports, emulation, seed }) => {
      await Promise.all(relays.map((before) => before.close()));
      relays = await Promise.all(
        ports.map((port, i) =>
          Relay.open({
            listen: { host: '127.0.0.1', port: 0 },
            to: { host: '127.0.0.1', port },
            emulation,
            seed: seed + i,
          }),
        ),
      );
      return relays.map(({ port }) => port);
    },
    capacity: measureCapacity,
  };
};
