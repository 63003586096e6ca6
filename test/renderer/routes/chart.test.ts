import { describe, expect, it } from 'vitest';
import { type ChartModel, datasetsOf } from '../../../src/renderer/features/routes/chart/config.ts';
import { readBucket } from '../../../src/renderer/features/routes/chart/readout.ts';
import { sourceNote, summarise } from '../../../src/renderer/features/routes/chart/summary.ts';
import { logTicks, timeTicks } from '../../../src/renderer/features/routes/chart/ticks.ts';
import { seriesOf } from './fixtures.ts';

const modelOf = (names: string[]): ChartModel => ({
  plots: names.map((name) => ({ name, colour: '#0072b2', series: seriesOf([0, 1000]) })),
  fromMs: 0,
  toMs: 2000,
  log: false,
  cursorMs: null,
  colours: {
    ink: '#000000',
    dim: '#000000',
    paper: '#ffffff',
    line: '#000000',
    grid: '#000000',
    fault: '#000000',
  },
});

describe('the data of the chart', () => {
  it('shows one route with its percentile bands and both directions of throughput', () => {
    expect(datasetsOf(modelOf(['LAN'])).map(({ label }) => label)).toEqual([
      'min',
      'p50',
      'p95',
      'p99',
      'max',
      'down',
      'up',
    ]);
  });

  it('compares several routes by their p50', () => {
    expect(datasetsOf(modelOf(['LAN', 'LTE'])).map(({ label }) => label)).toEqual([
      'LAN',
      'down',
      'LTE',
      'down',
    ]);
  });

  it('never fills across a gap', () => {
    for (const set of datasetsOf(modelOf(['LAN'])).filter(({ yAxisID }) => yAxisID === 'rtt')) {
      expect(set.spanGaps).toBe(false);
    }
  });
});

describe('ticks', () => {
  it('of time are round and no more than asked for', () => {
    expect(timeTicks(61_500, 121_500, 6)).toEqual([70_000, 80_000, 90_000, 100_000, 110_000, 120_000]);
    expect(timeTicks(0, 3_600_000, 4)).toEqual([0, 900_000, 1_800_000, 2_700_000, 3_600_000]);
  });

  it('of a logarithmic axis are 1, 2 and 5 times powers of ten', () => {
    expect(logTicks(300, 60_000)).toEqual([500, 1000, 2000, 5000, 10_000, 20_000, 50_000]);
    expect(logTicks(0.001, 0.004)).toEqual([0.001, 0.002]);
  });
});

describe('the readout of a bucket', () => {
  it('writes every column with its unit', () => {
    const texts = Object.fromEntries(
      readBucket(seriesOf([0], { lost: 2 }), 0).map(({ name, text }) => [name, text]),
    );
    expect(texts).toMatchObject({ p50: '10.0 ms', p95: '12.0 ms', jitter: '0.10 ms', lost: '2/10' });
  });

  it('says why a value is absent', () => {
    const [first] = readBucket(seriesOf([0]), -1);
    expect(first).toMatchObject({ value: null, absent: 'Nothing was measured at this moment.' });
    const down = readBucket(seriesOf([0]), 0).find(({ name }) => name === 'down');
    expect(down).toMatchObject({ value: null, absent: 'No transfer began in this bucket.' });
  });
});

describe('the chart in words', () => {
  it('counts losses exactly and names percentiles as those of buckets', () => {
    const text = summarise([{ name: 'LTE', series: seriesOf([0, 1000, 5000], { lost: 1, p50: 50_000 }) }]);
    expect(text).toContain('in buckets of 1 s: p50 between 50.0 ms and 50.0 ms, highest p95 60.0 ms;');
    expect(text).toContain('3 of 30 pings lost (10.0 %); 1 gap without measurement.');
  });

  it('compares several routes by their newest bucket and their losses', () => {
    const text = summarise([
      { name: 'LTE', series: seriesOf([0], { lost: 1, p50: 50_000 }) },
      { name: 'LAN', series: seriesOf([0], { p50: 900 }) },
    ]);
    expect(text).toBe('Newest p50: lowest LAN 0.9 ms, highest LTE 50.0 ms. Lost in this window: LTE 10.0 %.');
  });

  it('does not invent a summary of nothing', () => {
    expect(summarise([{ name: 'LTE', series: seriesOf([]) }])).toBe('Nothing measured in this window yet.');
    const unanswered = { ...seriesOf([0], { lost: 10 }), rttP50: [null], rttP95: [null] };
    expect(summarise([{ name: 'LTE', series: unanswered }])).toContain(
      'no ping was answered; 10 of 10 pings lost',
    );
  });
});

it('says how exact percentiles are that come from roll-ups, and nothing where they come from samples', () => {
  expect(sourceNote([{ source: 'raw' }])).toBe('');
  expect(sourceNote([{ source: 'raw' }, { source: 'hour' }])).toContain(
    'sketches of each hour, within 0.5 %',
  );
});

it('ticks of days are at midnight where the clock is', () => {
  const hour = 3_600_000;
  expect(timeTicks(0, 72 * hour, 4, 2 * hour)).toEqual([22 * hour, 46 * hour, 70 * hour]);
});
