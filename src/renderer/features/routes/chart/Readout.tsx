import type { Series } from '../../../../shared/domain.ts';
import { formatDuration } from '../../../../shared/units.ts';
import { Quantity } from '../../../parts/Quantity.tsx';
import { momentOf } from '../../../theme/clock.ts';
import classes from './ChartPanel.module.css';
import { readBucket } from './readout.ts';
import { bucketAt } from './series.ts';

export interface ReadoutPlot {
  id: string;
  name: string;
  hue: string;
  series: Series | null;
}

/** The numbers under the cursor, in a line of fixed places above the chart; the newest bucket without a cursor. */
export function Readout({
  plots,
  atMs,
  spanMs,
  live,
}: {
  plots: readonly ReadoutPlot[];
  atMs: number | null;
  /** Of the whole chart. */
  spanMs: number;
  live: boolean;
}) {
  return (
    <div className={classes.readout} data-testid="readout" data-routes={plots.length === 1 ? 'one' : 'many'}>
      <span className={classes.at} data-live={live}>
        {atMs === null ? '–' : momentOf(atMs, spanMs)}
      </span>
      {plots.length === 1 ? (
        <OneRoute plot={plots[0]!} atMs={atMs} />
      ) : (
        <ManyRoutes plots={plots} atMs={atMs} />
      )}
    </div>
  );
}

/** The names carry the shades of the bands, so they are the chart’s legend as well. */
function OneRoute({ plot: { hue, series }, atMs }: { plot: ReadoutPlot; atMs: number | null }) {
  const index = series && atMs !== null ? bucketAt(series, atMs) : -1;
  return readBucket(series, index).map(({ name, value, text, absent }) => (
    <span key={name} className={classes.reading} data-reading={name} style={{ '--hue': hue }}>
      <span className={classes.readingName}>{name}</span>{' '}
      <Quantity value={value} text={text} absent={absent} />
    </span>
  ));
}

function ManyRoutes({ plots, atMs }: { plots: readonly ReadoutPlot[]; atMs: number | null }) {
  return plots.map(({ id, name, hue, series }) => {
    const index = series && atMs !== null ? bucketAt(series, atMs) : -1;
    const p50 = series?.rttP50[index] ?? null;
    return (
      <span key={id} className={classes.reading} style={{ '--hue': hue }}>
        <span className={classes.swatch} />
        <span className={classes.readingName}>{name}</span>{' '}
        <Quantity value={p50} text={formatDuration(p50)} absent="Nothing was measured at this moment." />
      </span>
    );
  });
}
