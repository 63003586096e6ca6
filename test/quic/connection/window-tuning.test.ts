/** Receive windows begin small and grow with what is read of them in an RTT. */
import { expect, it } from 'vitest';
import { WINDOWS } from '../../../src/main/quic/connection/config.ts';
import { connected } from './violations.ts';
import type { Wiretap } from './wiretap.ts';

const MIB = 1024 * 1024;

/** The client downloads on one stream and reads at most so much each millisecond; returns how long that took, in seconds. */
function download(tap: Wiretap, bytes: number, perMs = Number.POSITIVE_INFINITY): number {
  const { pair } = tap;
  const id = pair.client.openStream(false)!;
  pair.client.finish(id);
  pair.run(300_000);
  const startUs = pair.nowUs;
  pair.server!.write(id, Buffer.alloc(bytes));
  pair.server!.finish(id);
  let received = 0;
  while (received < bytes) {
    let budget = perMs;
    pair.client.setPaused(id, false);
    const sink = (data: Buffer): void => {
      received += data.length;
      budget -= data.length;
      if (budget <= 0) pair.client.setPaused(id, true);
    };
    pair.run(1_000, () => {
      if (budget > 0) pair.client.read(id, sink, pair.nowUs);
      return false;
    });
    if (pair.nowUs - startUs > 120_000_000) throw new Error('no end to it');
  }
  return (pair.nowUs - startUs) / 1e6;
}

/** The widest the peer was ever allowed to be ahead. */
const widest = (tap: Wiretap, type: 'max_stream_data' | 'max_data'): number => {
  const limits = tap.frames('up', type).map(({ max }) => max);
  return Math.max(0, ...limits.map((max, i) => max - (limits[i - 1] ?? max)));
};

it('grow to the cap on a long path that is read as fast as it delivers', () => {
  const tap = connected({ delayUs: 200_000 });
  const seconds = download(tap, 120 * MIB);
  // The last steps between limits are half a window of the full size.
  expect(widest(tap, 'max_stream_data')).toBeGreaterThanOrEqual(WINDOWS.streamCap / 2 - 64 * 1024);
  expect(widest(tap, 'max_data')).toBeGreaterThan(WINDOWS.connection);
  // A window of the first size would allow 5 MiB/s here.
  expect(120 / seconds).toBeGreaterThan(6);
});

it('stay small where the reader is slow', () => {
  const tap = connected({ delayUs: 10_000 });
  download(tap, 16 * MIB, 2_000);
  const limits = tap.frames('up', 'max_stream_data').map(({ max }) => max);
  for (let i = 1; i < limits.length; i++)
    expect(limits[i]! - limits[i - 1]!).toBeLessThanOrEqual(WINDOWS.stream);
  expect(limits.length).toBeGreaterThan(10);
});
