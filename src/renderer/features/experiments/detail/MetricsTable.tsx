import type { Run } from '../../../../shared/experiments.ts';
import { metricTitle } from '../../../../shared/metrics.ts';
import { NumberTable } from '../../../parts/NumberTable.tsx';
import { Quantity } from '../../../parts/Quantity.tsx';
import { metricText, summariseRuns } from '../words.ts';
import classes from './DetailView.module.css';

const FEW = 'An interval needs six runs that are done.';

/** Every metric over the repetitions: the median and its spread. Of many parts the one metric in the chart. */
export function MetricsTable({ runs, metric }: { runs: readonly Run[]; metric: string | null }) {
  const all = summariseRuns(runs);
  const rows = all[0]?.key == null ? all : all.filter(({ name }) => name === metric);
  if (rows.length === 0) return null;
  return (
    <section className={classes.scroll} aria-label="Metrics" data-testid="metrics">
      <NumberTable headers={['Metric', 'Runs', 'Median', '95 % from', 'to', 'Min', 'Max']}>
        {rows.map(({ key, name, unit, n, median, interval, min, max }) => {
          const cell = (part: string, value: number | null, absent = 'No run measured it.') => (
            <td>
              <Quantity
                value={value}
                text={metricText(value, unit)}
                absent={absent}
                testId={`metric-${name}-${part}`}
              />
            </td>
          );
          return (
            <tr key={`${key}-${name}`}>
              <th scope="row">
                {key !== null && `${key} · `}
                {metricTitle(name)}
              </th>
              <td>{n}</td>
              {cell('median', median)}
              {cell('low', interval?.low ?? null, FEW)}
              {cell('high', interval?.high ?? null, FEW)}
              {cell('min', min)}
              {cell('max', max)}
            </tr>
          );
        })}
      </NumberTable>
    </section>
  );
}
