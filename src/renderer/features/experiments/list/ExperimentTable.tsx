import { Button, Checkbox } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import type { Experiment } from '../../../../shared/experiments.ts';
import { Badges } from '../../../parts/Badges.tsx';
import { whenOf } from '../../../theme/clock.ts';
import type { ExperimentsViewControl } from '../view.ts';
import { isUnderWay, marksOf, totalOf } from '../words.ts';
import classes from './ExperimentTable.module.css';

interface Props {
  experiments: readonly Experiment[];
  at: Experiment | null;
  view: ExperimentsViewControl;
  onAt: (id: number) => void;
  /** Lists more; null where there are none. */
  onMore: (() => void) | null;
  isLoading: boolean;
}

export function ExperimentTable({ experiments, at, view, onAt, onMore, isLoading }: Props) {
  const table = useRef<HTMLTableElement>(null);
  const atId = at?.id;
  useEffect(() => {
    if (atId !== undefined)
      table.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }, [atId]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard.
    <section className={classes.scroll} aria-label="Experiments" tabIndex={0}>
      <table ref={table} className={classes.table} data-testid="experiments">
        <thead>
          <tr>
            <th scope="col" className={classes.mark}>
              <span className={classes.hidden}>Compare</span>
            </th>
            <th scope="col">Experiment</th>
            <th scope="col" className={classes.kind}>
              Kind
            </th>
            <th scope="col" className={classes.when}>
              When
            </th>
            <th scope="col" className={classes.number}>
              Done
            </th>
            <th scope="col" className={classes.number}>
              Failed
            </th>
            <th scope="col" className={classes.number}>
              Runs
            </th>
            <th scope="col" className={classes.tags}>
              Tags
            </th>
            <th scope="col" className={classes.badges}>
              Marks
            </th>
          </tr>
        </thead>
        <tbody>
          {experiments.map((experiment) => (
            <Row
              key={experiment.id}
              experiment={experiment}
              isAt={experiment.id === atId}
              view={view}
              onAt={() => onAt(experiment.id)}
            />
          ))}
        </tbody>
      </table>
      {onMore && (
        <div className={classes.more}>
          <Button loading={isLoading} onClick={onMore}>
            Show older experiments
          </Button>
        </div>
      )}
    </section>
  );
}

function Row({
  experiment,
  isAt,
  view,
  onAt,
}: {
  experiment: Experiment;
  isAt: boolean;
  view: ExperimentsViewControl;
  onAt: () => void;
}) {
  const { id, name, kind, createdAtMs, runs, tags, pinned } = experiment;
  const isMarked = view.marked.includes(id);
  return (
    <tr
      data-testid={`experiment-${id}`}
      aria-current={isAt || undefined}
      onClick={onAt}
      onDoubleClick={() => view.open(id)}
    >
      <td>
        <Checkbox
          size="xs"
          aria-label={`Mark ${name} to compare`}
          checked={isMarked}
          disabled={view.isFull && !isMarked}
          onChange={() => view.mark(id)}
        />
      </td>
      <th scope="row" className={classes.name}>
        <Link to="/experiments/$id" params={{ id: String(id) }} search={(old) => old} title={name}>
          {name}
        </Link>
      </th>
      <td>{kind}</td>
      <td>{whenOf(createdAtMs)}</td>
      <td className={classes.number}>{runs.done}</td>
      <td className={classes.number} data-fault={runs.failed > 0}>
        {runs.failed}
      </td>
      <td className={classes.number}>
        {isUnderWay(experiment) && <span className={classes.live}>{runs.running + runs.queued} to go, </span>}
        {totalOf(runs)}
      </td>
      <td className={classes.clipped} title={tags.join(', ')}>
        {tags.join(', ')}
      </td>
      <td>
        <span className={classes.marks}>
          <Badges {...marksOf(experiment)} />
          {pinned && (
            <span className={classes.pinned} title={`Baseline of the kind ${kind}`}>
              baseline
            </span>
          )}
        </span>
      </td>
    </tr>
  );
}
