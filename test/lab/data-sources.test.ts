/** Against the real Prometheus, where it is installed. */
import { expect, onTestFinished, test } from 'vitest';
import { DataSources } from '../../src/main/lab/data-sources.ts';
import { openStore } from '../../src/main/store/index.ts';
import { needs, startPrometheus } from '../telemetry/real-prometheus.ts';
import { silentLog, temporaryDir } from './open-lab.ts';

function open() {
  const store = openStore({ dataDir: temporaryDir() });
  const sources = new DataSources({ store, log: silentLog });
  onTestFinished(() => {
    sources.close();
    store.close();
  });
  return { store, sources };
}
const source = (url: string, metric = 'up') => ({
  type: 'prometheus' as const,
  url,
  metrics: [metric],
  scrape_interval: 1000,
});

test('what a Prometheus has is read at the interval, and kept', async (context) => {
  needs(context, 'prometheus');
  // A port that nothing listens on: `up` is 0 there, which is a value like any other.
  const { url } = await startPrometheus({ targets: ['127.0.0.1:1'] });
  const { sources } = open();
  sources.use([source(url)]);
  const read = () => sources.values('up', 0, Date.now() + 1000);
  await expect.poll(() => read()[0]?.values.length ?? 0, { timeout: 30_000 }).toBeGreaterThan(1);
  expect(read()[0]).toMatchObject({ source: url, labels: { instance: '127.0.0.1:1', job: 'routelab' } });
  expect(new Set(read()[0]!.values)).toEqual(new Set([0]));
  expect(sources.list()[0]).toMatchObject({ url, error: null, readAtMs: expect.any(Number) });
  expect(sources.failure).toBeNull();
});

test('what was missed is made good from the newest stored value on, and what is no longer measured does not look fresh', async (context) => {
  needs(context, 'prometheus', 'promtool');
  // A sample in each second until three minutes ago, less than the five for which Prometheus repeats the last.
  const endS = Math.floor(Date.now() / 1000) - 180;
  const lines = Array.from({ length: 1200 }, (_, i) => `m{a="b"} ${i} ${endS - 1199.5 + i}`);
  const data = `# TYPE m gauge\n${lines.join('\n')}\n# EOF\n`;
  const { url } = await startPrometheus({ data });
  const { store, sources } = open();
  const from = (endS - 1000) * 1000;
  store.collected.add(url, 'm', [{ labels: '{"a":"b"}', atMs: from, value: 199 }]);
  sources.use([source(url, 'm')]);
  const last = () => sources.values('m', 0, Date.now() + 1000)[0]!.tMs.at(-1);
  await expect.poll(last, { timeout: 30_000 }).toBe(endS * 1000);
  const read = sources.list()[0]!.readAtMs;
  await expect.poll(() => sources.list()[0]!.readAtMs, { timeout: 30_000 }).not.toBe(read);
  const { tMs, values } = sources.values('m', 0, Date.now() + 1000)[0]!;
  // Two steps before, in case they came late.
  expect(tMs).toEqual(Array.from({ length: 1003 }, (_, i) => from + (i - 2) * 1000));
  expect(values).toEqual(Array.from({ length: 1003 }, (_, i) => 197 + i));
  expect(sources.failure).toBeNull();
});

test('a metric that nobody measures has no values, however often it is read', async (context) => {
  needs(context, 'prometheus', 'promtool');
  const data = `# TYPE m gauge\nm 1 ${Math.floor(Date.now() / 1000) - 60}\n# EOF\n`;
  const { url } = await startPrometheus({ data });
  const { sources } = open();
  sources.use([source(url, 'm')]);
  await expect.poll(() => sources.list()[0]!.readAtMs, { timeout: 30_000 }).not.toBeNull();
  expect(sources.list()[0]).toMatchObject({ values: 0, error: null });
  expect(sources.values('m', 0, Date.now() + 1000)).toEqual([]);
});

test('a source that is down is a failure with its address, until it is no source any more', async () => {
  const { sources } = open();
  sources.use([source('http://127.0.0.1:1')]);
  await expect.poll(() => sources.list()[0]?.error?.code).toBe('RL_PROMETHEUS_DOWN');
  expect(sources.failure?.message).toContain('http://127.0.0.1:1');
  expect(sources.list()[0]!.readAtMs).toBeNull();
  sources.use([]);
  expect(sources.list()).toEqual([]);
  expect(sources.failure).toBeNull();
});

test('a value that comes twice is one', () => {
  const { store } = open();
  const at = (atMs: number) => ({ labels: '{}', atMs, value: atMs });
  store.collected.add('s', 'm', [at(1), at(2), at(3), at(2)]);
  expect(store.collected.read('m', 0, 10, 10).map(({ atMs }) => atMs)).toEqual([1, 2, 3]);
});
