import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ProbeRun } from '../../../../shared/probes.ts';
import { Badges } from '../../../parts/Badges.tsx';
import { whenOf } from '../../../theme/clock.ts';
import { headline } from '../run/figures.ts';
import classes from './RunList.module.css';

interface Props {
  runs: readonly ProbeRun[];
  shownId: number | null;
  /** Lists older ones too; null where there are none. */
  onMore: (() => void) | null;
  isLoading: boolean;
}

/** The stored runs, newest first. */
export function RunList({ runs, shownId, onMore, isLoading }: Props) {
  return (
    <ol className={classes.list} data-testid="runs" aria-label="Probe runs" reversed>
      {runs.map((run) => (
        <li key={run.id}>
          <Link
            to="/probe/$id"
            params={{ id: String(run.id) }}
            className={classes.run!}
            data-testid={`run-${run.id}`}
            data-shown={run.id === shownId}
          >
            <span className={classes.name}>{run.name}</span>
            <span className={classes.figure} data-state={run.state}>
              {run.state === 'done' ? (headline(run) ?? '') : run.state}
            </span>
            <span className={classes.about}>
              {whenOf(run.createdAtMs)}
              {run.controller && ` · ${run.controller}`}
              {run.target !== run.name && ` · ${run.target}`}
            </span>
            <span className={classes.badges}>
              <Badges emulated={run.emulated} insecure={run.insecure} imported={run.imported} />
            </span>
          </Link>
        </li>
      ))}
      {onMore && (
        <li className={classes.more}>
          <Button fullWidth loading={isLoading} onClick={onMore}>
            Show older runs
          </Button>
        </li>
      )}
    </ol>
  );
}
