import { formatDuration, formatPercent, formatRate } from '../../shared/units.ts';
import { LEAST_PINGS, type Verdict } from '../../shared/verdict.ts';
import { Explained } from './Explained.tsx';
import { Quantity } from './Quantity.tsx';
import classes from './VerdictWords.module.css';

const FORMAT = {
  duration: formatDuration,
  ratio: formatPercent,
  rate: formatRate,
} as const;

interface Props {
  /** Whose verdict it is. */
  name: string;
  verdict: Verdict;
  /** Over which pings it is given: `the last 60 s`. */
  span: string;
  testId: string;
}

/** What a path is good for, in words; the rule behind the words is one click away. */
export function VerdictWords({ name, verdict: { words, uses }, span, testId }: Props) {
  return (
    <Explained
      label={`The rule behind ${name}’s verdict`}
      width={380}
      testId={testId}
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
              {criteria.map(({ name: criterion, kind, good, fair, value, grade: own }) => {
                const bound = kind === 'rate' ? '≥' : '≤';
                return (
                  <tr key={criterion}>
                    <th scope="row">{criterion}</th>
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
        The worst criterion grades a use. No verdict from fewer than {LEAST_PINGS} pings in {span}.
      </p>
    </Explained>
  );
}
