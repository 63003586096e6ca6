import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readInto } from '../../../src/main/store/archive/files.ts';
import { readIperf3 } from '../../../src/main/store/archive/iperf3.ts';
import { tempDir, tempStore } from '../temp.ts';
import { TCP, UDP } from './iperf3.ts';

test('a TCP test is a run with what the receiver counted', async () => {
  const path = join(tempDir(), 'tcp.json');
  writeFileSync(path, JSON.stringify(TCP, null, '\t'));
  const store = tempStore();
  const into = store.unarchive();
  expect(await readInto(into, path, 'tcp.json', 0)).toBe(true);
  const id = into.commit();
  expect(store.experiments.get(id)).toMatchObject({
    name: 'tcp.json',
    kind: 'import',
    tags: ['iperf3'],
    createdAtMs: 1_795_266_000_000,
    manifest: { parameters: { file: 'tcp.json', host: 'lab.example', protocol: 'TCP', controller: 'cubic' } },
  });
  expect(store.runs.ofExperiment(id)).toMatchObject([
    {
      state: 'done',
      startedAtMs: 1_795_266_000_000,
      endedAtMs: 1_795_266_001_020,
      parameters: { intervals: [{ end: 1.0001, retransmits: 2 }] },
      result: {
        goodput_up: { value: 97_254_901.9, unit: 'bps', better: 'higher' },
        bytes_up: { value: 12_400_000 },
        retransmits: { value: 2 },
        rtt_min: { value: 19_000, unit: 'us' },
        rtt_mean: { value: 20_100 },
        rtt_max: { value: 25_000 },
      },
    },
  ]);
});

test('a UDP test the other way has jitter and loss, and no round trips', () => {
  const { result, error } = readIperf3(UDP);
  expect(error).toBe(null);
  expect(result).toMatchObject({
    goodput_down: { value: 1_048_576 },
    jitter: { value: 250, unit: 'us' },
    loss_ratio: { value: 0.01 },
    packets: { value: 100 },
  });
  expect(Object.keys(result)).not.toContain('rtt_min');
  expect(Object.keys(result)).not.toContain('goodput_up');
});

test('one that failed, or is none of iperf3, is refused in words', () => {
  const failed = {
    start: {},
    intervals: [],
    end: {},
    error: 'unable to connect to server: Connection refused',
  };
  expect(() => readIperf3(failed)).toThrow(/measured nothing: unable to connect/);
  expect(() => readIperf3({ start: {}, intervals: [], end: {} })).toThrow(/end.sum_received/);
  expect(() => readIperf3({ ...TCP, end: { sum_received: { bytes: 'many' } } })).toThrow(
    /end.sum_received.bytes/,
  );
});

test('one of a time that no date has is refused', async () => {
  const path = join(tempDir(), 'late.json');
  const late = { ...TCP, start: { ...TCP.start, timestamp: { timesecs: Number.MAX_SAFE_INTEGER } } };
  writeFileSync(path, JSON.stringify(late));
  await expect(readInto(tempStore().unarchive(), path, 'late.json', 0)).rejects.toThrow(
    /experiment.created_at_ms: .* is over/,
  );
});
