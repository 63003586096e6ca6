import { Button, SegmentedControl, useComputedColorScheme } from '@mantine/core';
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import type { Route, RouteStatus } from '../../../../shared/domain.ts';
import { CommandButton } from '../../../commands/CommandButton.tsx';
import { runCommand } from '../../../commands/registry.ts';
import { useConnection } from '../../../lab/connection.ts';
import { errorAdvice, errorText } from '../../../lab/errors.ts';
import { useLive } from '../../../lab/live.ts';
import { usePrivacy } from '../../../lab/privacy.ts';
import { Badges } from '../../../parts/Badges.tsx';
import { readColours, routeColour } from '../../../parts/tokens.ts';
import { momentOf } from '../../../theme/clock.ts';
import { hueOf } from '../hue.ts';
import type { ViewControl } from '../view.ts';
import { WINDOW_IDS, WINDOWS } from '../windows.ts';
import classes from './ChartPanel.module.css';
import type { ChartModel } from './config.ts';
import { SeriesFeed } from './feed.ts';
import { Readout, type ReadoutPlot } from './Readout.tsx';
import { RouteChart } from './RouteChart.tsx';
import { readBucket } from './readout.ts';
import { SeriesTable } from './SeriesTable.tsx';
import { bucketAt, endOf } from './series.ts';
import { sourceNote, summarise } from './summary.ts';

export function ChartPanel({ view }: { view: ViewControl }) {
  const [feed] = useState(() => new SeriesFeed());
  const version = useSyncExternalStore(feed.subscribe, feed.version);
  const online = useConnection((s) => s.phase === 'online');
  const generation = useConnection((s) => s.generation);
  const scheme = useComputedColorScheme('light');
  const [cursorMs, setCursorMs] = useState<number | null>(null);
  const { shown, window, log, table } = view;
  const ids = shown.map(({ id }) => id).join();

  useEffect(() => {
    if (online) feed.show(ids === '' ? [] : ids.split(','), window, generation);
  }, [feed, ids, window, generation, online]);
  useEffect(() => () => feed.pause(), [feed]);

  // What the plots are made of besides the feed; the routes themselves are new objects with every answer.
  const labels = JSON.stringify(shown.map(({ id, name, colour }) => [id, name, colour]));
  // biome-ignore lint/correctness/useExhaustiveDependencies: the version stands for the feed, the labels for the routes.
  const plots = useMemo(
    () => shown.map((route): Plotted => ({ ...named(route), series: feed.series(route.id) })),
    [feed, version, labels],
  );
  const filled = plots.flatMap(({ series }) => series ?? []);
  // Before anything is measured the axis ends where the page was opened.
  const [openedMs] = useState(() => Math.floor(Date.now() / 1000) * 1000);
  const endMs = endOf(filled);
  const toMs = endMs ?? openedMs;
  const { ms: windowMs, bucketMs } = WINDOWS[window];
  const fromMs = toMs - windowMs;
  const atMs = endMs === null ? null : (cursorMs ?? toMs - bucketMs);
  const masked = usePrivacy((s) => s.masked);
  const silent = useLive((s) => (endMs === null ? whyEmpty(shown, s.statuses, bucketMs, masked) : null));
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read anew when the scheme changes.
  const drawn = useMemo(
    () => ({
      plots: plots.flatMap(({ name, colour, series }) =>
        series ? [{ name, colour: routeColour(colour), series }] : [],
      ),
      fromMs,
      toMs,
      log,
      colours: readColours(),
    }),
    [plots, fromMs, toMs, log, scheme],
  );
  const model = useMemo((): ChartModel => ({ ...drawn, cursorMs }), [drawn, cursorMs]);
  const error = feed.error();

  return (
    <figure className={classes.panel}>
      <div className={classes.head}>
        <h2 className={classes.title} data-testid="chart-title">
          {shown.length === 1 ? (
            <Title route={shown[0]!} />
          ) : (
            <>
              p50 of {shown.length} routes
              <Badges
                emulated={shown.some(({ emulation }) => emulation !== null)}
                insecure={shown.some(({ insecure }) => insecure)}
              />
            </>
          )}
        </h2>
        <SegmentedControl
          aria-label="Time window"
          data={WINDOW_IDS.map((id) => ({ value: id, label: WINDOWS[id].label }))}
          value={window}
          onChange={(id) => runCommand(`chart.window.${id}`)}
        />
        <Button.Group>
          <CommandButton command="chart.compare">Compare all</CommandButton>
          <CommandButton command="chart.log">Log</CommandButton>
          <CommandButton command="chart.table">Table</CommandButton>
        </Button.Group>
      </div>
      {table ? (
        <SeriesTable plots={plots} spanMs={windowMs} />
      ) : (
        <>
          <Readout plots={plots} atMs={atMs} spanMs={windowMs} live={cursorMs === null} />
          <TimeCursor
            atMs={atMs}
            fromMs={fromMs}
            toMs={toMs}
            bucketMs={bucketMs}
            text={spoken(plots, atMs, windowMs)}
            onMove={setCursorMs}
          >
            <RouteChart model={model} onPoint={setCursorMs} />
            {silent !== null && !error && (
              <p className={classes.empty} data-testid="chart-empty">
                {silent}
              </p>
            )}
            {error && filled.length === 0 && (
              <p className={classes.failed} role="alert">
                {errorText(error)}
              </p>
            )}
          </TimeCursor>
        </>
      )}
      <figcaption className={classes.summary} data-testid="summary">
        {summarise(plots.flatMap(({ name, series }) => (series ? [{ name, series }] : [])))}
        {sourceNote(filled)}
      </figcaption>
    </figure>
  );
}

/** Why a chart without a single bucket is empty, from the routes it is to show. */
function whyEmpty(
  routes: readonly Route[],
  statuses: Readonly<Record<string, RouteStatus>>,
  bucketMs: number,
  masked: boolean,
): string {
  const [route] = routes;
  if (!route) return 'No route is chosen.';
  if (routes.length > 1) return 'Nothing was measured in this window.';
  const status = statuses[route.id];
  if (status?.error) {
    // A message may name the address.
    const { code, hint } = status.error;
    const why = errorAdvice(masked ? { message: code, hint } : status.error);
    return `${route.name} is ${status.state}: ${why}`;
  }
  if (status?.state === 'stopped') return `${route.name} is not probed; start it to measure.`;
  if (bucketMs >= 60_000)
    return `Each point of this window is ${bucketMs / 60_000} min; none of ${route.name} is over yet.`;
  return `Nothing was measured on ${route.name} in this window yet.`;
}

type Plotted = ReadoutPlot & Pick<Route, 'colour'>;

const named = (route: Route): Omit<Plotted, 'series'> => ({
  id: route.id,
  name: route.name,
  colour: route.colour,
  hue: hueOf(route),
});

function Title({ route }: { route: Route }) {
  return (
    <>
      <span className={classes.swatch} style={{ '--hue': hueOf(route) }} />
      {route.name}
      <Badges emulated={route.emulation !== null} insecure={route.insecure} />
    </>
  );
}

const spoken = (plots: readonly ReadoutPlot[], atMs: number | null, spanMs: number): string => {
  if (atMs === null) return 'nothing measured yet';
  const read = ({ name, series }: ReadoutPlot): string => {
    const readings = readBucket(series, series ? bucketAt(series, atMs) : -1).filter(
      ({ value }) => value !== null,
    );
    const wanted = plots.length === 1 ? readings : readings.filter((reading) => reading.name === 'p50');
    return `${name} ${wanted.map((reading) => `${reading.name} ${reading.text}`).join(', ') || 'nothing measured'}`;
  };
  return `${momentOf(atMs, spanMs)}: ${plots.map(read).join('; ')}`;
};

interface CursorProps {
  atMs: number | null;
  fromMs: number;
  toMs: number;
  bucketMs: number;
  text: string;
  onMove: (atMs: number | null) => void;
  children: React.ReactNode;
}

/** Moves the cursor by the keyboard: a slider over the buckets of the window. */
function TimeCursor({ atMs, fromMs, toMs, bucketMs, text, onMove, children }: CursorProps) {
  const press = (event: React.KeyboardEvent): void => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };
    const newest = toMs - bucketMs;
    const start = Math.ceil(fromMs / bucketMs) * bucketMs;
    const now = Math.floor((atMs ?? newest) / bucketMs) * bucketMs;
    if (event.key in steps)
      onMove(Math.min(newest, Math.max(start, now + steps[event.key]! * bucketMs)) + bucketMs / 2);
    else if (event.key === 'Home') onMove(start + bucketMs / 2);
    else if (event.key === 'End' || event.key === 'Escape') onMove(null);
    else return;
    event.preventDefault();
  };
  return (
    <div
      className={classes.cursor}
      role="slider"
      tabIndex={0}
      aria-label="Time cursor"
      aria-valuemin={fromMs}
      aria-valuemax={toMs}
      aria-valuenow={atMs ?? toMs}
      aria-valuetext={text}
      data-testid="time-cursor"
      onKeyDown={press}
      onBlur={() => onMove(null)}
    >
      {children}
    </div>
  );
}
