/** A load through emulated paths, and when each of its datagrams left and came. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Emulation, LinkSettings } from '../../../shared/domain.ts';
import type { Endpoints } from './context.ts';
import type { Endpoint } from './endpoint.ts';
import type { Load } from './one-way.ts';
import type { MeterMethods } from './stacks/meter.ts';
import type { RelayMethods } from './stacks/relay.ts';
import { kernelTimes, meter } from './udp-meter.ts';

/** Of the first relay's link; those after it count up. */
export const SEED = 1;
export const CLEAR: LinkSettings = {
  rateBps: null,
  delayMs: 0,
  jitterMs: 0,
  lossRatio: 0,
  bufferBytes: null,
};
/** Until code is compiled that is run for every packet. */
const WARM_UP = 1500;
/** Longer than anything stays under way beyond its path's delay. */
const QUIET_MS = 400;

export interface Bench {
  relay: Endpoint<RelayMethods>;
  /** Sources and sinks; null where the kernel tells the moments. */
  ends: Endpoint<MeterMethods> | null;
}

export async function openBench(endpoints: Endpoints): Promise<Bench> {
  return {
    relay: await endpoints.start<RelayMethods>('relay'),
    ends: kernelTimes() ? null : await endpoints.start<MeterMethods>('meter'),
  };
}

/** What one path carried, by number of the datagram, on one clock. */
export interface Carried {
  /** The first ones, which are not to be judged. */
  warm: number;
  sentUs: number[];
  /** Null has not come. */
  arrivedUs: (number | null)[];
  /** Numbers of those whose moment is not known, as the process that measures did not run. */
  unsure: Set<number>;
}

interface Options {
  paths?: number;
  /** Processors for the measuring; the relay keeps to what it was told. */
  cores?: string | null;
}

/** A load through paths with `link`, a relay each, or through plain forwarders where it is null; code is warm by then. */
export async function carry(
  { relay, ends }: Bench,
  link: Partial<LinkSettings> | null,
  load: Load,
  { paths = 1, cores = null }: Options = {},
): Promise<Carried[]> {
  const each = { ...CLEAR, ...link };
  const emulation: Emulation = { profile: 'bench', up: each, down: each, flap: null };
  const open = (ports: readonly number[]): Promise<number[]> =>
    relay.ask('open', { ports, emulation: link && emulation, seed: SEED });
  const warm = Math.min(WARM_UP, load.packets);
  const quietMs = QUIET_MS + each.delayMs;
  if (ends === null) {
    const whole = { ...load, packets: warm + load.packets };
    const moments = await meter({ paths, load: whole, quiet: () => sleep(quietMs), cores, open });
    return moments.map((of) => ({ warm, ...of, unsure: new Set() }));
  }
  const sinks = await ends.ask('sinks', { paths });
  await ends.ask('sources', { ports: await open(sinks) });
  const pass = async (packets: number) => {
    await ends.ask('hear', { packets });
    const sent = await ends.ask('send', { ...load, packets });
    return { sent, heard: await ends.ask('heard', { quietMs }) };
  };
  const before = await pass(warm);
  const { sent, heard } = await pass(load.packets);
  return sent.map(({ sentUs, unsure }, path) => ({
    warm,
    sentUs: [...before.sent[path]!.sentUs, ...sentUs],
    arrivedUs: [...before.heard[path]!.arrivedUs, ...heard[path]!.arrivedUs],
    unsure: new Set([...unsure, ...heard[path]!.unsure].map((number) => warm + number)),
  }));
}
