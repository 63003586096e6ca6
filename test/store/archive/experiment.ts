/** Experiments with everything there can be of one, for archives. */
import fc from 'fast-check';
import type { Store } from '../../../src/main/store/index.ts';
import { ProbeInput, type ProbeSeries } from '../../../src/shared/probes.ts';
import { anySeries } from '../../shared/series-arbitrary.ts';
import { routeNamed } from '../temp.ts';

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom(...'=+-@\t\r\n\'",|a ') }),
);
const atMs = fc.integer({ min: 0, max: 2e15 }).map((us) => us / 1000);
const real = fc.double({ min: 0, max: 1e15, noNaN: true }).map((value) => (value === 0 ? 0 : value));
const micros = <T extends { atMs: number }>(values: T[]): T[] => [
  ...new Map(values.map((value) => [Math.round(value.atMs * 1000), value])).values(),
];

export const anyMeasured = fc.record({
  name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }).filter((name) => name.trim() === name),
  notes: text,
  pings: fc.array(fc.record({ atMs, rttUs: fc.option(fc.nat({ max: 1e9 })), loaded: fc.boolean() }), {
    maxLength: 20,
  }),
  skips: fc.array(fc.record({ atMs, count: fc.nat({ max: 1000 }) }), { maxLength: 5 }),
  transfers: fc.array(
    fc.record({
      atMs,
      direction: fc.constantFrom('up' as const, 'down' as const),
      bytes: fc.nat(),
      durationUs: real,
      errorCode: fc.option(text),
    }),
    { maxLength: 5 },
  ),
  handshakes: fc.array(
    fc.record({
      atMs,
      durationUs: fc.option(real),
      errorCode: fc.option(text),
      purpose: fc.constant('ping' as const),
    }),
    { maxLength: 5 },
  ),
  cell: fc.record({ key: text, parameters: fc.dictionary(text, fc.jsonValue(), { maxKeys: 4 }) }),
  series: fc.array(anySeries, { maxLength: 2 }),
});
type Measured = typeof anyMeasured extends fc.Arbitrary<infer T> ? T : never;

/** Stores it and returns the experiment's id. */
export function storeMeasured(store: Store, measured: Measured): number {
  const { name, notes, pings, skips, transfers, handshakes, cell } = measured;
  const manifest = { manifest: 0, note: notes, deep: [{ a: null }] };
  const { id } = store.experiments.create({ name, kind: 'matrix', manifest, notes, tags: ['a', '=b'] });
  const route = store.routes.create(routeNamed('r'), { demo: false, enabled: true });
  const run = store.runs.start(id, route.id);
  store.writer.add(run.id, {
    pings: micros(pings),
    skips: micros(skips),
    transfers: micros(transfers),
    handshakes: micros(handshakes),
    transport: {
      atMs: 5,
      controller: 'cubic',
      cwndBytes: 1.5,
      pacingBps: null,
      bytesInFlight: 0,
      smoothedRttUs: 0.1 + 0.2,
      rttVarUs: null,
      minRttUs: 7,
      packetsSent: 1,
      packetsReceived: 2,
      packetsLost: 3,
      bytesSent: 4,
      bytesReceived: 5,
    },
  });
  store.writer.flush();
  store.runs.end(run.id, 'done', { result: { rtt_p50: { value: -0.1, unit: 'us', better: 'lower' } } });
  store.runs.queue(id, [{ ...cell, repetition: 3 }]);
  const queued = store.runs.ofExperiment(id).find(({ state }) => state === 'queued')!;
  store.runs.end(queued.id, 'failed', { error: { code: 'RL_INTERNAL', message: notes, hint: '' } });
  const input = ProbeInput.parse({ target: { kind: 'address', host: 'h', port: 1 }, mode: 'upload' });
  const probe = store.probes.create(
    {
      name,
      state: 'done',
      input,
      target: 'h:1',
      controller: null,
      startedAtMs: 1.25,
      endedAtMs: null,
      emulated: true,
      insecure: false,
      error: null,
      result: null,
    },
    id,
  );
  const parts = measured.series.map(
    (each, i): ProbeSeries => ({ vantage: i === 0 ? 'client' : 'server', series: each }),
  );
  store.probes.append(probe.id, parts);
  return id;
}
