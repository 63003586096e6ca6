import {
  CONGESTION_COLUMNS,
  type CongestionSeries,
  emptySeries,
} from '../../../src/shared/congestion-series.ts';

/** A series with a sample at each moment; columns not given are null throughout. */
export function traceOf(
  tUs: readonly number[],
  columns: Partial<Record<(typeof CONGESTION_COLUMNS)[number], readonly (number | null)[]>> = {},
  phases: CongestionSeries['phases'] = [],
): CongestionSeries {
  const series = { ...emptySeries(), tUs: [...tUs], phases };
  for (const name of CONGESTION_COLUMNS) series[name] = [...(columns[name] ?? tUs.map(() => null))];
  return series;
}
