/** Congestion series of any content. */
import fc from 'fast-check';
import {
  CONGESTION_COLUMNS,
  type CongestionSeries,
  emptySeries,
} from '../../src/shared/congestion-series.ts';

const row = fc.record({
  gapUs: fc.integer({ min: 0, max: 5000 }),
  values: fc.tuple(...CONGESTION_COLUMNS.map(() => fc.option(fc.integer({ min: 0, max: 1e12 })))),
  state: fc.option(fc.constantFrom('startup', 'drain', 'probe-bw'), { freq: 4 }),
});

export const anySeries: fc.Arbitrary<CongestionSeries> = fc.array(row, { maxLength: 200 }).map((rows) => {
  const series = emptySeries();
  let tUs = 0;
  for (const { gapUs, values, state } of rows) {
    tUs += gapUs;
    series.tUs.push(tUs);
    for (const [i, name] of CONGESTION_COLUMNS.entries()) series[name].push(values[i]!);
    if (state !== null) series.phases.push({ fromUs: tUs, state });
  }
  return series;
});
