import { Tooltip, VisuallyHidden } from '@mantine/core';
import type { Route, RouteStatus } from '../../../../shared/domain.ts';
import { Explained } from '../../../parts/Explained.tsx';
import { clockTime } from '../../../theme/clock.ts';
import classes from './StateCell.module.css';

/** What the probe of a route does; when the route is down, why, with the hint one click away. */
export function StateCell({ route, status }: { route: Route; status?: RouteStatus }) {
  const testId = `route-${route.id}-state`;
  if (!status) {
    return (
      <span className={classes.state} data-testid={testId}>
        –
      </span>
    );
  }
  const { error, silentSinceMs } = status;
  // A connection outlives a path that is cut for a moment: what is silent is not shown as simply up.
  const state = silentSinceMs === null ? status.state : 'silent';
  const sinceMs = silentSinceMs ?? status.sinceMs;
  const label = (
    <>
      <svg viewBox="0 0 10 10" className={classes.mark} data-state={state} aria-hidden="true">
        {state === 'down' || state === 'silent' ? (
          <path d="M1.5 1.5l7 7m0-7l-7 7" />
        ) : (
          <circle cx="5" cy="5" r="3.5" />
        )}
      </svg>
      {state}
    </>
  );
  if (!error) {
    return (
      <Tooltip label={`${state === 'silent' ? 'No ping answered since' : 'Since'} ${clockTime(sinceMs)}`}>
        <span className={classes.state} data-state={state} data-testid={testId}>
          {label}
        </span>
      </Tooltip>
    );
  }
  return (
    <Explained
      label={`Why ${route.name} is ${state}`}
      width={320}
      tooltip={error.message}
      testId={testId}
      className={classes.state}
      state={state}
      words={
        <>
          {label} <span className={classes.why}>why</span>
          <VisuallyHidden> {route.name}</VisuallyHidden>
        </>
      }
    >
      <p className={classes.message}>{error.message}</p>
      <p className={classes.hint}>{error.hint}</p>
      <p className={classes.code}>
        {error.code}
        {error.field && ` · ${error.field}`} · since {clockTime(sinceMs)}
      </p>
    </Explained>
  );
}
