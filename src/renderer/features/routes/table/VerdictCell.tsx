import type { Route, RouteStatus } from '../../../../shared/domain.ts';
import { formatDuration, formatPercent, formatRate } from '../../../../shared/units.ts';
import { LEAST_PINGS, verdictOf } from '../../../../shared/verdict.ts';
import { Explained } from './Explained.tsx';
import { Quantity } from './Quantity.tsx';
import classes from './VerdictCell.module.css';

const FORMAT = {
  duration: formatDuration,
  ratio: formatPercent,
  rate: formatRate,
} as const;

/** What the route is good for, in words; the rule behind the words is one click away. */
export function VerdictCell({ route, status }: { route: Route; status?: RouteStatus }) {
  if (!status) return <span className={classes.words}>–</span>;
  const { words, uses } = verdictOf(status);
  return (
    <Explained
      label={`The rule behind ${route.name}’s verdict`}
      width={380}
      testId={`route-${route.id}-verdict`}
      className={classes.words}
      words={words}
    >
      {uses.map(({ use, grade, because, criteria }) => (
        <section key={use} className={classes.use}>
          <h3>
            {use}: {grade ?? 'not measured'}
          </h3>
          <table>
            <thead>
              <tr>
                <th scope="col">Criterion</th>
                <th scope="col">measured</th>
                <th scope="col">good</th>
                <th scope="col">fair</th>
                <th scope="col">grade</th>
              </tr>
            </thead>
            <tbody>
              {criteria.map(({ name, kind, good, fair, value, grade: own }) => {
                const bound = kind === 'rate' ? '≥' : '≤';
                return (
                  <tr key={name}>
                    <th scope="row">{name}</th>
                    <td>
                      <Quantity
                        value={value}
                        text={value === null ? '' : FORMAT[kind](value)}
                        absent="Not measured, so it grades nothing."
                      />
                    </td>
                    <td>{`${bound} ${FORMAT[kind](good, 0)}`}</td>
                    <td>{`${bound} ${FORMAT[kind](fair, 0)}`}</td>
                    <td>{own ?? '–'}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
          <p>{because}</p>
        </section>
      ))}
      <p className={classes.least}>
        The worst criterion grades a use. No verdict from fewer than {LEAST_PINGS} pings in the last 60 s.
      </p>
    </Explained>
  );
}
