import { tmpdir } from 'node:os';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseNetDev, systemSampler } from '../../src/main/telemetry/system.ts';

const FIGURES = {
  probeSentBps: null,
  probeReceivedBps: null,
  droppedSamples: 0,
  droppedLately: 0,
  threads: [],
};

test('a sample has the figures of this process and this machine', async () => {
  const sampler = systemSampler(tmpdir());
  const first = await sampler.sample(1, FIGURES);
  sampler.close();
  expect(first.rssBytes).toBeGreaterThan(first.heapUsedBytes);
  expect(first.memoryFreeBytes).toBeLessThan(first.memoryTotalBytes);
  expect(first.diskFreeBytes).toBeLessThanOrEqual(first.diskTotalBytes!);
  expect(first.processCpu).toBeGreaterThan(0);
});

test('a folder that is not there has no disk', async () => {
  const sampler = systemSampler('/no/such/folder');
  expect(await sampler.sample(1, FIGURES)).toMatchObject({ diskFreeBytes: null, diskTotalBytes: null });
  sampler.close();
});

test('the counters of interfaces are read as Linux writes them', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 1500     10    0    0    0     0          0         0     1600      12    0    0    0     0       0          0
  eth0:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
wlan0:7 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0
`;
  expect(parseNetDev(text)).toEqual([
    { name: 'lo', receivedBytes: 1500, sentBytes: 1600 },
    { name: 'wlan0', receivedBytes: 7, sentBytes: 9 },
  ]);
});

test('whatever stands there, interfaces have names and whole counts', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', ':', ' ', '9', '\n', '-', '\t') }), (text) => {
      for (const { name, receivedBytes, sentBytes } of parseNetDev(text)) {
        expect(name).not.toBe('');
        expect(Number.isSafeInteger(receivedBytes) && Number.isSafeInteger(sentBytes)).toBe(true);
      }
    }),
  );
});
