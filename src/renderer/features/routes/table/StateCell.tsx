import { Popover, Tooltip, UnstyledButton, VisuallyHidden } from '@mantine/core';
import { useState } from 'react';
import type { Route, RouteStatus } from '../../../../shared/domain.ts';
import { clockTime } from '../../../theme/clock.ts';
import classes from './StateCell.module.css';

/** What the probe of a route does; when the route is down, why, with the hint one click away. */
export function StateCell({ route, status }: { route: Route; status?: RouteStatus }) {
  const [opened, setOpened] = useState(false);
  const testId = `route-${route.id}-state`;
  if (!status) {
    return (
      <span className={classes.state} data-testid={testId}>
        –
      </span>
    );
  }
  const { state, error, sinceMs } = status;
  const label = (
    <>
      <svg viewBox="0 0 10 10" className={classes.mark} data-state={state} aria-hidden="true">
        {state === 'down' ? <path d="M1.5 1.5l7 7m0-7l-7 7" /> : <circle cx="5" cy="5" r="3.5" />}
      </svg>
      {state}
    </>
  );
  if (!error) {
    return (
      <Tooltip label={`Since ${clockTime(sinceMs)}`}>
        <span className={classes.state} data-state={state} data-testid={testId}>
          {label}
        </span>
      </Tooltip>
    );
  }
  return (
    <Popover width={320} position="bottom-start" opened={opened} onChange={setOpened}>
      <Popover.Target>
        <Tooltip label={error.message} disabled={opened}>
          <UnstyledButton
            className={classes.state!}
            data-state={state}
            data-testid={testId}
            onClick={(event) => {
              event.stopPropagation();
              setOpened(!opened);
            }}
          >
            {label} <span className={classes.why}>why</span>
            <VisuallyHidden> {route.name}</VisuallyHidden>
          </UnstyledButton>
        </Tooltip>
      </Popover.Target>
      <Popover.Dropdown
        onClick={(event) => event.stopPropagation()}
        aria-label={`Why ${route.name} is ${state}`}
      >
        <p className={classes.message}>{error.message}</p>
        <p className={classes.hint}>{error.hint}</p>
        <p className={classes.code}>
          {error.code}
          {error.field && ` · ${error.field}`} · since {clockTime(sinceMs)}
        </p>
      </Popover.Dropdown>
    </Popover>
  );
}
