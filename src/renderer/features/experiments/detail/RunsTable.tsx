import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Run } from '../../../../shared/experiments.ts';
import { metricTitle } from '../../../../shared/metrics.ts';
import { errorText } from '../../../lab/errors.ts';
import { NumberTable } from '../../../parts/NumberTable.tsx';
import { Quantity } from '../../../parts/Quantity.tsx';
import { whenOf } from '../../../theme/clock.ts';
import { metricNames, metricText } from '../words.ts';
import classes from './DetailView.module.css';

/** Metrics that say most; the others stand in the table of metrics. */
const MOST_COLUMNS = 6;
const LEADING = ['goodput_down', 'goodput_up', 'rtt_p50', 'rtt_p95', 'loss_ratio', 'handshake_p50', 'jitter'];
const AT_ONCE = 100;

/** The runs, each with its way to more, and why those that failed did. */
export function RunsTable({ runs }: { runs: readonly Run[] }) {
  const [shown, setShown] = useState(AT_ONCE);
  if (runs.length === 0) return null;
  const isKeyed = new Set(runs.map(({ key }) => key)).size > 1;
  const there = metricNames(runs);
  const names = [...new Set([...LEADING.filter((name) => there.includes(name)), ...there])].slice(
    0,
    MOST_COLUMNS,
  );
  return (
    <section className={classes.scroll} aria-label="Runs" data-testid="experiment-runs">
      <NumberTable
        headers={[
          'Run',
          'State',
          ...(isKeyed ? ['Part'] : []),
          'Repetition',
          'Begun',
          ...names.map(metricTitle),
        ]}
      >
        {runs.slice(0, shown).flatMap((run, index) => [
          <tr key={`${run.source}-${run.id}`} data-testid={`run-${run.source}-${run.id}`}>
            <th scope="row">
              <Way run={run}>{index + 1}</Way>
            </th>
            <td data-fault={run.state === 'failed'}>{run.state}</td>
            {isKeyed && <td>{run.key}</td>}
            <td>{run.repetition + 1}</td>
            <td>{run.startedAtMs === null ? '–' : whenOf(run.startedAtMs)}</td>
            {names.map((name) => {
              const metric = run.result?.[name];
              return (
                <td key={name}>
                  <Quantity
                    value={metric?.value ?? null}
                    text={metricText(metric?.value ?? null, metric?.unit ?? null)}
                    absent="This run did not measure it."
                    testId={`run-${run.id}-${name}`}
                  />
                </td>
              );
            })}
          </tr>,
          ...(run.error
            ? [
                <tr key={`${run.source}-${run.id}-error`} className={classes.error}>
                  <td colSpan={names.length + (isKeyed ? 5 : 4)}>{errorText(run.error)}</td>
                </tr>,
              ]
            : []),
        ])}
      </NumberTable>
      {runs.length > shown && (
        <Button m="sm" onClick={() => setShown(shown + AT_ONCE)}>
          Show more runs
        </Button>
      )}
    </section>
  );
}

function Way({ run: { source, id, routeId }, children }: { run: Run; children: React.ReactNode }) {
  if (source === 'probe')
    return (
      <Link to="/probe/$id" params={{ id: String(id) }} title="Figures and congestion view of this run">
        {children} · view
      </Link>
    );
  if (routeId !== null)
    return (
      <Link to="/routes" search={{ show: routeId }} title="History of the route">
        {children} · route
      </Link>
    );
  return children;
}
