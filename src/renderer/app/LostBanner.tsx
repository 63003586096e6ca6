import { useEffect, useState } from 'react';
import { CommandButton } from '../commands/CommandButton.tsx';
import { useConnection } from '../lab/connection.ts';
import classes from './LostBanner.module.css';

/** Says that the lab cannot be reached and when it is tried again. It lies over the page, so nothing moves. */
export function LostBanner() {
  const { phase, retryAtMs } = useConnection();
  const seconds = useSecondsUntil(retryAtMs);
  if (phase !== 'offline') return null;
  return (
    <aside className={classes.banner} aria-label="Connection">
      <span role="alert">Lab unreachable. Numbers are the last received.</span>
      <span className={classes.retry}>{seconds > 0 ? `Next attempt in ${seconds} s` : 'Trying now'}</span>
      <CommandButton command="lab.reconnect">Reconnect now</CommandButton>
    </aside>
  );
}

function useSecondsUntil(atMs: number | null): number {
  const [nowMs, setNowMs] = useState(Date.now);
  useEffect(() => {
    if (atMs === null) return;
    setNowMs(Date.now());
    const timer = setInterval(() => setNowMs(Date.now()), 500);
    return () => clearInterval(timer);
  }, [atMs]);
  return atMs === null ? 0 : Math.max(0, Math.ceil((atMs - nowMs) / 1000));
}
