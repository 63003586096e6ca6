import { Select } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ComparedMetric, Comparison } from '../../../../shared/experiments.ts';
import { CommandButton } from '../../../commands/CommandButton.tsx';
import { orpc } from '../../../lab/queries.ts';
import { Explained } from '../../../parts/Explained.tsx';
import { Failed } from '../../../parts/Page.tsx';
import { Quantity } from '../../../parts/Quantity.tsx';
import { exactly, parameterText, parameterTitle } from '../parameters.ts';
import type { ExperimentsViewControl } from '../view.ts';
import { differenceText, metricText, VERDICTS } from '../words.ts';
import classes from './CompareView.module.css';

/** Experiments beside a baseline: what differs, and what came of it. */
export function CompareView({ view }: { view: ExperimentsViewControl }) {
  const { marked, baseId, all } = view;
  const baselineId = baseId !== null && marked.includes(baseId) ? baseId : undefined;
  const input = { ids: marked, all, ...(baselineId !== undefined && { baselineId }) };
  const { data, error, refetch } = useQuery(orpc.experiments.compare.queryOptions({ input }));
  if (error) return <Failed title="They could not be compared" error={error} onRetry={() => refetch()} />;
  if (!data) return null;
  return <Compared comparison={data} view={view} />;
}

function Compared({ comparison, view }: { comparison: Comparison; view: ExperimentsViewControl }) {
  const { experiments, baselineId, parameters, metrics } = comparison;
  const head = (what: string) => (
    <thead>
      <tr>
        <th scope="col">{what}</th>
        {experiments.map(({ id, name }) => (
          <th key={id} scope="col" data-baseline={id === baselineId}>
            <Link to="/experiments/$id" params={{ id: String(id) }} search={{}}>
              {name}
            </Link>
            <span className={classes.about}>
              {id === baselineId ? `baseline · ${id}` : `experiment ${id}`}
            </span>
          </th>
        ))}
      </tr>
    </thead>
  );
  return (
    <article className={classes.compare} aria-label="Comparison" data-testid="comparison">
      <header className={classes.head}>
        <Select
          aria-label="Baseline"
          leftSection="Baseline"
          leftSectionWidth={64}
          allowDeselect={false}
          data={experiments.map(({ id, name, pinned }) => ({
            value: String(id),
            label: `${name} (${id})${pinned ? ', pinned' : ''}`,
          }))}
          value={String(baselineId)}
          onChange={(next) => next !== null && view.change({ base: Number(next) })}
          w={360}
        />
        <CommandButton command="experiments.all">
          {view.all ? 'Only what differs' : 'All parameters'}
        </CommandButton>
      </header>
      <div className={classes.body}>
        <h2>What came of it: medians over the runs</h2>
        <Scroll label="Metrics">
          <table data-testid="compared-metrics">
            {head('Metric')}
            <tbody>
              {metrics.map(({ key, name, title, unit, cells }) => (
                <tr key={`${key}-${name}`}>
                  <th scope="row">
                    {key !== null && `${key} · `}
                    {title}
                  </th>
                  {cells.map((cell, index) => (
                    <td
                      key={experiments[index]!.id}
                      data-testid={`compared-${name}-${experiments[index]!.id}`}
                    >
                      <MetricCell cell={cell} unit={unit} title={title} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
        {metrics.length === 0 && (
          <p className={classes.none}>No run of them is done, so there is nothing to compare.</p>
        )}
        <h2>{view.all ? 'Parameters' : 'Parameters that differ'}</h2>
        {parameters.length === 0 ? (
          <p className={classes.none}>They were measured in the same way.</p>
        ) : (
          <Scroll label="Parameters">
            <table data-testid="compared-parameters">
              {head('Parameter')}
              <tbody>
                {parameters.map(({ path, differs, values }) => (
                  <tr key={path} data-differs={differs}>
                    <th scope="row" title={path}>
                      {parameterTitle(path.replace(/^parameters\./, ''))}
                    </th>
                    {values.map((value, index) => (
                      <td key={experiments[index]!.id} title={exactly(value)}>
                        {parameterText(path, value)}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        )}
      </div>
    </article>
  );
}

const Scroll = ({ label, children }: { label: string; children: React.ReactNode }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard.
  <section className={classes.scroll} aria-label={label} tabIndex={0}>
    {children}
  </section>
);

function MetricCell({ cell, unit, title }: { cell: ComparedMetric; unit: string | null; title: string }) {
  const { n, median, interval, difference, verdict } = cell;
  return (
    <>
      <Quantity value={median} text={metricText(median, unit)} absent="No run measured it." />
      <span className={classes.about}>
        {interval
          ? `${metricText(interval.low, unit)} to ${metricText(interval.high, unit)}, ${n} runs`
          : `${n} ${n === 1 ? 'run' : 'runs'}`}
      </span>
      {verdict !== null && (
        <span className={classes.verdict}>
          {difference && (
            <span title="Difference to the baseline, and its interval at 95 %">
              {differenceText(difference.estimate, unit)} [{differenceText(difference.low, unit)},{' '}
              {differenceText(difference.high, unit)}]{' '}
            </span>
          )}
          <Rule cell={cell} title={title} />
        </span>
      )}
    </>
  );
}

/** The verdict in a word, the rule behind it one click away. */
function Rule({ cell: { verdict, ratio, n }, title }: { cell: ComparedMetric; title: string }) {
  return (
    <Explained
      label={`The rule behind the verdict on ${title}`}
      width={340}
      testId="verdict"
      className={classes.word}
      state={verdict!}
      words={VERDICTS[verdict!]}
    >
      <p className={classes.rule}>
        The difference is Hodges and Lehmann’s estimate over all pairs of runs, with the 95 % interval that
        goes with the Mann–Whitney test. An interval that holds 0 is inconclusive; one beside it is better or
        worse by the direction of the metric, and only differs where it has none. With fewer than six runs of
        either no verdict is given; here there are {n}.
        {ratio &&
          ` Of the baseline: ${ratio.estimate.toFixed(3)} (${ratio.low.toFixed(3)} to ${ratio.high.toFixed(3)}).`}
      </p>
    </Explained>
  );
}
