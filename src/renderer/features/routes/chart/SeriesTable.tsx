import { formatDuration } from '../../../../shared/units.ts';
import { Numbers, NumberTable } from '../../../parts/NumberTable.tsx';
import { Quantity } from '../../../parts/Quantity.tsx';
import { momentOf } from '../../../theme/clock.ts';
import type { ReadoutPlot } from './Readout.tsx';
import { readBucket } from './readout.ts';
import { bucketAt } from './series.ts';

/** The chart as numbers, newest first: every column for one route, the p50 of each for several. */
export function SeriesTable({ plots, spanMs }: { plots: readonly ReadoutPlot[]; spanMs: number }) {
  const times = [...new Set(plots.flatMap(({ series }) => series?.tMs ?? []))].sort((a, b) => b - a);
  const single = plots.length === 1 ? plots[0]! : null;
  const headers = single
    ? readBucket(null, -1).map(({ name }) => name)
    : plots.map(({ name }) => `${name} p50`);
  return (
    <Numbers label="The chart as a table" testId="series-table">
      <NumberTable headers={['Bucket from', ...headers]}>
        {times.map((t) => (
          <tr key={t}>
            <th scope="row">{momentOf(t, spanMs)}</th>
            {single
              ? readBucket(single.series, bucketAt(single.series!, t)).map((reading) => (
                  <td key={reading.name}>
                    <Quantity {...reading} />
                  </td>
                ))
              : plots.map(({ id, series }) => {
                  const p50 = series?.rttP50[bucketAt(series, t)] ?? null;
                  return (
                    <td key={id}>
                      <Quantity
                        value={p50}
                        text={formatDuration(p50)}
                        absent="No ping was answered at this moment."
                      />
                    </td>
                  );
                })}
          </tr>
        ))}
      </NumberTable>
    </Numbers>
  );
}
