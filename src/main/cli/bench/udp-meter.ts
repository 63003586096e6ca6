/**
 * Moments of datagrams as the kernel saw them leave and come (resources/bench/udp-meter.c): whatever keeps the measuring
 * processes from running, it is not in what they measure.
 */
import { LabError } from '../../../shared/errors.ts';
import { build, Child, canStart } from './native.ts';
import type { Load } from './one-way.ts';

/** Of one path: microseconds of the machine's time by number of the datagram. */
interface Moments {
  sentUs: number[];
  arrivedUs: (number | null)[];
}

export const kernelTimes = (): boolean => process.platform === 'linux' && canStart('cc');

interface Metered {
  paths: number;
  load: Load;
  /** Called when all is sent; resolves when nothing more comes. */
  quiet: () => Promise<unknown>;
  /** Processors to be measured on; null for all. */
  cores: string | null;
  /** Opens the paths to `ports` of 127.0.0.1, and says which ports lead there. */
  open: (ports: number[]) => Promise<number[]>;
}

const LONGEST_S = 600;

export async function meter({ paths, load, quiet, cores, open }: Metered): Promise<Moments[]> {
  const program = build('udp-meter.c', 'cc');
  const start = (...args: readonly (string | number)[]): Child =>
    cores === null
      ? new Child(program, args.map(String))
      : new Child('taskset', ['--cpu-list', cores, program, ...args.map(String)]);
  const ears = start('hear', paths, load.packets, LONGEST_S);
  try {
    const [, ...ports] = (await ears.ready()).split(' ').map(Number);
    const via = await open(ports);
    const sent = await start('send', load.everyUs, load.bytes, load.packets, ...via).finish();
    await quiet();
    const said = await ears.end();
    const sentUs = JSON.parse(sent) as number[][];
    const arrivedUs = JSON.parse(said.slice(said.indexOf('\n'))) as (number | null)[][];
    if (sentUs.some((moments) => moments.some((atUs) => atUs === null)))
      throw new LabError('RL_INTERNAL', 'The kernel did not tell when each datagram left');
    return sentUs.map((moments, path) => ({ sentUs: moments, arrivedUs: arrivedUs[path]! }));
  } catch (error) {
    await ears.end().catch(() => {});
    throw error;
  }
}
