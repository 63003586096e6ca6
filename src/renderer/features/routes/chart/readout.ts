/** One bucket of a series as names and values: what the cursor points at, on screen and for screen readers. */
import type { Series } from '../../../../shared/domain.ts';
import { formatDuration, formatRate } from '../../../../shared/units.ts';

export interface Reading {
  name: string;
  value: number | null;
  text: string;
  absent: string;
}

const UNANSWERED = 'No ping of this bucket was answered.';
const NO_TRANSFER = 'No transfer began in this bucket.';

/** The readings of the bucket at `index`; all absent when there is none. */
export function readBucket(series: Series | null, index: number): Reading[] {
  const at = (column: readonly (number | null)[] | undefined): number | null => column?.[index] ?? null;
  const duration = (name: string, value: number | null, digits = 1): Reading => ({
    name,
    value,
    text: formatDuration(value, digits),
    absent: index < 0 ? 'Nothing was measured at this moment.' : UNANSWERED,
  });
  const rate = (name: string, value: number | null): Reading => ({
    name,
    value,
    text: formatRate(value),
    absent: NO_TRANSFER,
  });
  const lost = at(series?.lost);
  return [
    duration('min', at(series?.rttMin)),
    duration('p50', at(series?.rttP50)),
    duration('p95', at(series?.rttP95)),
    duration('p99', at(series?.rttP99)),
    duration('max', at(series?.rttMax)),
    duration('jitter', at(series?.jitter), 2),
    {
      name: 'lost',
      value: lost,
      text: `${lost}/${at(series?.sent)}`,
      absent: 'Nothing was sent at this moment.',
    },
    rate('down', at(series?.goodputDown)),
    rate('up', at(series?.goodputUp)),
  ];
}
