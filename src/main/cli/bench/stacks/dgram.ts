/** node:dgram alone, and with sealed packets: what any transport in this runtime is built on. */
import type { Stack } from '../endpoint.ts';
import { RawProbe, rawPeer } from '../raw.ts';

export interface DgramMethods {
  stream(options: { port: number; bytes: number; sealed: boolean }): Promise<{ goodputBps: number }>;
  /** RTTs in microseconds, ascending. */
  pingPong(options: { port: number; count: number; everyMs: number }): Promise<number[]>;
}

export const dgram = (): Stack & DgramMethods => {
  let probe: Promise<RawProbe> | null = null;
  const open = (port: number): Promise<RawProbe> => {
    probe ??= RawProbe.open(port);
    return probe;
  };
  return {
    listen: () => rawPeer(),
    stream: async ({ port, bytes, sealed }) => ({
      goodputBps: await (await open(port)).stream(bytes, sealed),
    }),
    pingPong: async ({ port, count, everyMs }) => (await open(port)).pingPong(count, everyMs),
  };
};
