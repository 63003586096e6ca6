import { Select } from '@mantine/core';
import { useMemo } from 'react';
import type { Run } from '../../../../shared/experiments.ts';
import { metricTitle } from '../../../../shared/metrics.ts';
import { CommandButton } from '../../../commands/CommandButton.tsx';
import { PointChart, type PointSeries } from '../../../parts/chart/PointChart.tsx';
import { Numbers, NumberTable } from '../../../parts/NumberTable.tsx';
import { Quantity } from '../../../parts/Quantity.tsx';
import { whenOf } from '../../../theme/clock.ts';
import type { ExperimentsViewControl } from '../view.ts';
import { axisOf, metricNames, metricText, shownMetric, summariseRuns } from '../words.ts';
import classes from './DetailView.module.css';

/** One metric over the runs in their order; runs that failed are marked. */
export function MetricsChart({ runs, view }: { runs: readonly Run[]; view: ExperimentsViewControl }) {
  const names = useMemo(() => metricNames(runs), [runs]);
  const of = useMemo(() => shownMetric(runs, view.metric), [runs, view.metric]);
  const unit = of === null ? null : (runs.find(({ result }) => result?.[of])?.result?.[of]?.unit ?? null);
  const series = useMemo(
    (): PointSeries[] => [
      {
        name: of === null ? '' : metricTitle(of),
        points: runs.map(({ result, state, error }, index) => {
          const value = (of === null ? null : result?.[of]?.value) ?? null;
          const said = value === null ? (error?.code ?? state) : metricText(value, unit);
          const text = `of run ${index + 1}: ${said}${value !== null && state !== 'done' ? `, ${state}` : ''}`;
          return { x: index + 1, y: value, text, isFault: state === 'failed', isHollow: state !== 'done' };
        }),
      },
    ],
    [runs, of, unit],
  );
  if (of === null) return runs.length === 0 ? <p className={classes.note}>It has no runs yet.</p> : null;
  const axis = axisOf(unit);
  const all = summariseRuns(runs).filter((each) => each.name === of);
  const median = all.length === 1 ? all[0]!.median : null;
  return (
    <figure className={classes.chart}>
      <figcaption>
        <h3>Over the runs</h3>
        <Select
          aria-label="Metric in the chart"
          allowDeselect={false}
          data={names.map((value) => ({ value, label: metricTitle(value) }))}
          value={of}
          onChange={(next) => view.change({ metric: next ?? undefined })}
          w={170}
        />
        <CommandButton command="chart.table">Table</CommandButton>
      </figcaption>
      {view.table ? (
        <Numbers label="The chart as a table" testId="metric-table">
          <NumberTable headers={['Run', 'Begun', 'State', metricTitle(of)]}>
            {runs.map((run, index) => {
              const value = run.result?.[of]?.value ?? null;
              return (
                <tr key={`${run.source}-${run.id}`}>
                  <th scope="row">{index + 1}</th>
                  <td>{run.startedAtMs === null ? '–' : whenOf(run.startedAtMs)}</td>
                  <td>{run.state}</td>
                  <td>
                    <Quantity
                      value={value}
                      text={metricText(value, unit)}
                      absent="This run did not measure it."
                    />
                  </td>
                </tr>
              );
            })}
          </NumberTable>
        </Numbers>
      ) : (
        <PointChart
          label={`${metricTitle(of)} over the runs`}
          series={series}
          isLine={false}
          xTitle="run"
          yTitle={axis.title}
          scale={axis.scale}
          level={median === null ? null : { y: median, text: `┄ median ${metricText(median, unit)}` }}
          testId="metric-chart"
        />
      )}
    </figure>
  );
}
