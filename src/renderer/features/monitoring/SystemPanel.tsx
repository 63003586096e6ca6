import { Button, SegmentedControl } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { MonitoringNow, SystemSample, SystemSeries } from '../../../shared/monitoring.ts';
import { formatBytes, formatPercent } from '../../../shared/units.ts';
import { CommandButton } from '../../commands/CommandButton.tsx';
import { runCommand } from '../../commands/registry.ts';
import { errorBody, errorText } from '../../lab/errors.ts';
import { orpc } from '../../lab/queries.ts';
import { Numbers, NumberTable } from '../../parts/NumberTable.tsx';
import { Quantity } from '../../parts/Quantity.tsx';
import words from '../../parts/Words.module.css';
import { clockTime } from '../../theme/clock.ts';
import { hueOf } from '../routes/hue.ts';
import { CHARTS, readings } from './figures.ts';
import page from './MonitoringPage.module.css';
import { SystemCanvas } from './SystemCanvas.tsx';
import classes from './SystemPanel.module.css';
import { type MonitoringView, SPAN_IDS, SPANS } from './view.ts';
import { SERVICE_NAMES } from './words.ts';

/** Points of a chart are no closer than its pixels. */
const BUCKETS = 300;
const NOTHING_YET = 'Not known until the second sample.';

export function SystemPanel({ now, view }: { now: MonitoringNow | null; view: MonitoringView }) {
  const sample = now?.sample ?? null;
  const toMs = sample === null ? null : sample.atMs + 1;
  const { ms } = SPANS[view.span];
  const { data, error } = useQuery(
    orpc.monitoring.series.queryOptions({
      input: { fromMs: Math.max(0, (toMs ?? ms) - ms), toMs: toMs ?? ms, buckets: BUCKETS },
      enabled: toMs !== null,
      placeholderData: keepPreviousData,
      gcTime: 0,
    }),
  );
  return (
    <section className={classes.system} aria-labelledby="system-title" data-at={sample?.atMs}>
      <div className={page.panelHead}>
        <h2 id="system-title">System</h2>
        <SegmentedControl
          aria-label="Time span"
          data={SPAN_IDS.map((id) => ({ value: id, label: SPANS[id].label }))}
          value={view.span}
          onChange={(id) => runCommand(`chart.window.${id}`)}
        />
        <Button.Group>
          <CommandButton command="chart.table">Table</CommandButton>
        </Button.Group>
      </div>
      {error && (
        <p className={words.fault} role="alert">
          {errorText(errorBody(error))}
        </p>
      )}
      {sample && <SampleLine sample={sample} />}
      {view.table ? (
        <SystemTable series={data ?? null} />
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard.
        <section className={classes.charts} aria-label="Charts" tabIndex={0}>
          {CHARTS.map((chart) => (
            <figure key={chart.title} className={classes.chart}>
              <figcaption>
                <strong>{chart.title}</strong>
                {chart.figures.map(({ name, column, hue, dash }) => {
                  const value = sample?.[column] ?? null;
                  return (
                    <span key={name} className={classes.reading}>
                      <svg width="16" height="8" aria-hidden>
                        <line
                          x1="0"
                          x2="16"
                          y1="4"
                          y2="4"
                          stroke={hueOf({ colour: hue })}
                          strokeWidth="2"
                          strokeDasharray={dash.join(' ')}
                        />
                      </svg>{' '}
                      <span className={words.dim}>{name}</span>{' '}
                      <Quantity
                        value={value}
                        text={value === null ? '–' : chart.format(value)}
                        absent={NOTHING_YET}
                        testId={`system-${column}`}
                      />
                    </span>
                  );
                })}
              </figcaption>
              {data && toMs !== null && (
                <SystemCanvas
                  chart={chart}
                  series={data}
                  fromMs={toMs - ms}
                  toMs={toMs}
                  stepMs={SPANS[view.span].stepMs}
                />
              )}
            </figure>
          ))}
        </section>
      )}
    </section>
  );
}

function SampleLine({ sample }: { sample: SystemSample }) {
  const threads = sample.threads.flatMap(({ name, cpu }) =>
    cpu === null ? [] : [`${SERVICE_NAMES[name]} ${formatPercent(cpu)}`],
  );
  const network = sample.interfaces.map(
    ({ name, receivedBytes, sentBytes }) =>
      `${name} ${formatBytes(receivedBytes)} in, ${formatBytes(sentBytes)} out`,
  );
  return (
    <div className={classes.sample}>
      {readings(sample).map(({ name, value, text }) => (
        <span key={name} className={classes.reading}>
          <span className={words.dim}>{name}</span>{' '}
          <Quantity value={value} text={text} absent="This system does not tell." />
        </span>
      ))}
      <span className={words.dim}>Sampled {clockTime(sample.atMs)}</span>
      {threads.length > 0 && <p className={classes.facts}>CPU of threads: {threads.join(', ')}</p>}
      {network.length > 0 && (
        <p className={classes.facts}>Whole machine since its start: {network.join('; ')}</p>
      )}
    </div>
  );
}

/** The charts as numbers, newest first. */
function SystemTable({ series }: { series: SystemSeries | null }) {
  const figures = CHARTS.flatMap(({ title, figures, format }) =>
    figures.map(({ name, column }) => ({ header: `${title}: ${name}`, column, format })),
  );
  return (
    <Numbers label="The charts as a table" testId="system-table">
      <NumberTable headers={['Greatest from', ...figures.map(({ header }) => header)]}>
        {(series?.tMs ?? [])
          .map((tMs, index) => (
            <tr key={tMs}>
              <th scope="row">{clockTime(tMs)}</th>
              {figures.map(({ header, column, format }) => {
                const value = series!.columns[column]!.max[index]!;
                return (
                  <td key={header}>
                    <Quantity
                      value={value}
                      text={value === null ? '–' : format(value)}
                      absent={NOTHING_YET}
                    />
                  </td>
                );
              })}
            </tr>
          ))
          .reverse()}
      </NumberTable>
    </Numbers>
  );
}
