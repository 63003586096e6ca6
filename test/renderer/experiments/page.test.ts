import { describe, expect, it } from 'vitest';
import { manifestFacts } from '../../../src/renderer/features/experiments/manifest.ts';
import {
  exactly,
  parameterText,
  parameterTitle,
} from '../../../src/renderer/features/experiments/parameters.ts';
import { idsOf, readExperimentsSearch } from '../../../src/renderer/features/experiments/view.ts';
import {
  differenceText,
  etaS,
  marksOf,
  metricText,
  summariseRuns,
} from '../../../src/renderer/features/experiments/words.ts';
import { Run } from '../../../src/shared/experiments.ts';

const run = (id: number, rtt: number | null, rest: Partial<Run> = {}): Run =>
  Run.parse({
    source: 'run',
    id,
    experimentId: 1,
    key: '',
    repetition: id,
    routeId: null,
    state: 'done',
    createdAtMs: 0,
    startedAtMs: 1000 * id,
    endedAtMs: 1000 * id + 4000,
    parameters: {},
    result: { rtt_p50: { value: rtt, unit: 'us', better: 'lower' } },
    error: null,
    samples: null,
    ...rest,
  });

describe('the address of the Experiments page', () => {
  it('drops what makes no sense', () => {
    const search = {
      text: '',
      kind: 'cake',
      tag: 7,
      state: 'asleep',
      order: 'newest',
      marked: 'x',
      base: -1,
    };
    expect(readExperimentsSearch({ ...search, compare: 'yes', metric: {}, table: 1 })).toEqual({});
    const kept = { text: 'a', kind: 'probe', tag: 'wifi', state: 'failed', order: 'runs', compare: true };
    expect(readExperimentsSearch({ ...kept, marked: 5 })).toEqual({ ...kept, marked: '5' });
  });

  it('names each of at most eight experiments once', () => {
    expect(idsOf('3,1,3,-2,1e3, 4,2')).toEqual([3, 1, 2]);
    expect(idsOf('1,2,3,4,5,6,7,8,9')).toHaveLength(8);
    expect(idsOf(undefined)).toEqual([]);
  });
});

describe('the metrics of runs', () => {
  it('are medians of what is done, with an interval from six runs on', () => {
    const five = [5, 1, 4, 2, 3].map((rtt, id) => run(id, rtt));
    const failed = run(9, 1000, { state: 'failed' });
    expect(summariseRuns([...five, failed])).toEqual([
      { key: null, name: 'rtt_p50', unit: 'us', n: 5, median: 3, interval: null, min: 1, max: 5 },
    ]);
    expect(summariseRuns([...five, run(6, 6)])[0]).toMatchObject({ n: 6, interval: { low: 1, high: 6 } });
  });

  it('that could not be measured are absent, not zero', () => {
    expect(summariseRuns([run(1, null)])[0]).toMatchObject({ n: 0, median: null, min: null, max: null });
  });

  it('stand apart for each part of an experiment', () => {
    const rows = summariseRuns([run(1, 1, { key: 'a' }), run(2, 2, { key: 'b' })]);
    expect(rows.map(({ key, median }) => [key, median])).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
  });

  it('are written in their unit, differences with their sign', () => {
    expect(metricText(12_345, 'us')).toBe('12.35 ms');
    expect(metricText(null, 'us')).toBe('–');
    expect(metricText(0.0123, 'ratio')).toBe('1.23 %');
    expect(differenceText(3e6, 'bps')).toBe('+3.00 Mbit/s');
    expect(differenceText(-2_000_000, 'bytes')).toBe('−2.0 MB');
    expect(differenceText(0, 'us')).toBe('0.00 ms');
  });
});

it('what is left takes as long as the runs before took, less what the running one has spent', () => {
  const running = run(3, null, { state: 'running', startedAtMs: 10_000, endedAtMs: null });
  expect(etaS([run(1, 1), run(2, 1), running], 3, 11_000)).toBe(11);
  expect(etaS([run(1, 1), running], 1, 99_000), 'late, but never below nothing').toBe(0);
  expect(etaS([running], 1, 11_000), 'nothing is known yet').toBeNull();
});

it('a manifest says whether a path was emulated, or its certificate not checked', () => {
  const marks = (manifest: Record<string, unknown>) => marksOf({ kind: 'probe', imported: false, manifest });
  const none = { emulated: false, insecure: false, imported: false };
  expect(marks({})).toEqual(none);
  expect(marks({ routes: [{ emulation: null }, { insecure: true }] })).toEqual({ ...none, insecure: true });
  expect(marks({ parameters: { target: { emulation: {} } } })).toEqual({ ...none, emulated: true });
  expect(marksOf({ kind: 'import', imported: true, manifest: {} }).imported).toBe(true);
  expect(marksOf({ kind: 'matrix', imported: false, manifest: {} }).emulated).toBe(true);
});

it('a manifest of any form is read as far as it goes', () => {
  expect(manifestFacts({ version: 1, routes: 'none' })).toEqual({ facts: [], routes: [], parameters: [] });
  const told = manifestFacts({
    app: { version: '0.1.0', commit: null },
    os: { type: 'Linux', release: '6.1' },
    seed: 7,
    routes: [{ id: 'lan', name: 'LAN', port: 443, emulation: { down: { delayMs: 5 } } }],
    parameters: { mode: 'ping', serverName: '' },
  });
  expect(told).toEqual({
    facts: [
      ['RouteLab', '0.1.0'],
      ['System', 'Linux 6.1'],
      ['Seed', '7'],
    ],
    routes: [
      {
        id: 'lan',
        name: 'LAN',
        told: [
          ['port', 443],
          ['emulation.down.delayMs', 5],
        ],
      },
    ],
    parameters: [['mode', 'ping']],
  });
});

describe('the settings of a manifest', () => {
  it('are called by words', () => {
    const titles = {
      'target.emulation.up.delayMs': 'Delay up',
      'emulation.down.lossRatio': 'Loss down',
      'target.kind': 'Target',
      'emulation.flap.downMs': 'Flap down',
      'emulation.up.loss.model': 'Loss model up',
      'emulation.up.codelTargetMs': 'CoDel target up',
      'target.emulation.profile': 'Profile',
      durationS: 'Duration',
      transferBytes: 'Transfer',
      rttsMs: 'RTTs',
      tcpCongestion: 'TCP congestion',
      serverName: 'Server name',
      'os.release': 'OS release',
      'parameters.StartupPacingGain': 'StartupPacingGain',
    };
    for (const [path, title] of Object.entries(titles)) expect(parameterTitle(path)).toBe(title);
  });

  it('have units, and no more digits than say something', () => {
    const texts: [string, unknown, string][] = [
      ['emulation.up.lossRatio', 0.015_113_874_5, '1.511 %'],
      ['emulation.up.rateBps', 1.5e6, '1.5 Mbit/s'],
      ['emulation.up.delayMs', 0.1 + 0.2, '0.3 ms'],
      ['emulation.up.bufferBytes', 64_000, '64.0 kB'],
      ['emulation.up.bufferBdp', 2, '2 × BDP'],
      ['emulation.up.rateSchedule', [[2, 1e6]], '1 step'],
      ['parameters.lossRatios.1', 0.03, '3 %'],
      ['lossRatios', [0, 0.03], '0 %, 3 %'],
      ['rttsMs', [5, 100], '5 ms, 100 ms'],
      ['rates', [100], '100 per s'],
      ['durationS', 30, '30 s'],
      ['port', 65_535, '65535'],
      ['ratePerS', 10, '10 per s'],
      ['insecure', true, 'yes'],
      ['tcpCongestion', null, '–'],
      ['mode', 'ping', 'ping'],
      ['parameters.Beta', 0.7, '0.7'],
    ];
    for (const [path, value, text] of texts) expect(parameterText(path, value)).toBe(text);
    expect(exactly(0.015_113_874_5)).toBe('0.0151138745');
    expect(exactly([0, 0.03])).toBe('[0,0.03]');
  });
});
