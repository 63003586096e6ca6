import { parseNetDev } from '../../src/main/telemetry/system.ts';
import type { FuzzTarget } from './target.ts';

/** Reads bytes as /proc/net/dev: never a count that is not whole. */
function run(data: Buffer): void {
  for (const { receivedBytes, sentBytes } of parseNetDev(data.toString()))
    if (!Number.isSafeInteger(receivedBytes) || !Number.isSafeInteger(sentBytes))
      throw new Error('not a count');
}

export const netDev: FuzzTarget = {
  name: 'net-dev',
  seeds: ['  lo: 1500 10 0 0 0 0 0 0 1600 12 0 0 0 0 0 0\nwlan0:7 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0\n'].map(
    (text) => Buffer.from(text),
  ),
  run,
};
