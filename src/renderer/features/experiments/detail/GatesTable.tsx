import type { Experiment, Run } from '../../../../shared/experiments.ts';
import { gatesOf } from '../../../../shared/gates.ts';
import { gateLimitsOf } from '../../../../shared/matrix.ts';
import { NumberTable } from '../../../parts/NumberTable.tsx';
import { Quantity } from '../../../parts/Quantity.tsx';
import classes from './DetailView.module.css';

interface Props {
  experiment: Experiment;
  runs: readonly Run[];
}

/** What the parts of an experiment are held against, as its reports have it; nothing where there are no limits. */
export function GatesTable({ experiment, runs }: Props) {
  const gates = gatesOf(runs, gateLimitsOf(experiment));
  if (gates.length === 0) return null;
  return (
    <section className={classes.scroll} aria-label="Gates" data-testid="gates">
      <NumberTable headers={['Gate', 'Limit', 'Measured', '']}>
        {gates.map(({ title, relation, limit, measured, unit, digits, passed }) => {
          const of = (text: string): string => (unit === null ? text : `${text} ${unit}`);
          return (
            <tr key={title}>
              <th scope="row">{title}</th>
              <td>
                {relation} {of(String(limit))}
              </td>
              <td>
                <Quantity
                  value={measured}
                  text={measured === null ? '–' : of(measured.toFixed(digits))}
                  absent="Not every run of it is done, or measured it."
                  testId={`gate-${title}`}
                />
              </td>
              <td data-fault={measured !== null && !passed}>
                {measured === null ? 'not measured' : passed ? 'met' : 'missed'}
              </td>
            </tr>
          );
        })}
      </NumberTable>
    </section>
  );
}
