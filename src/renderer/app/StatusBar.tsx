import { useConnection } from '../lab/connection.ts';
import { useLive } from '../lab/live.ts';
import { useLabInfo } from '../lab/queries.ts';
import { clockTime } from '../theme/clock.ts';
import classes from './StatusBar.module.css';

const PHASES = {
  connecting: 'Connecting to the lab',
  online: 'Connected to the lab',
  offline: 'Lab unreachable',
  locked: 'Signed out',
} as const;

/** The lab this page shows, whether it can be reached, and the moment the numbers reach to. */
export function StatusBar() {
  const { data: lab } = useLabInfo();
  const phase = useConnection((s) => s.phase);
  const dataTo = useLive((s) =>
    Object.values(s.statuses).reduce<number | null>(
      (newest, { ping }) => (ping && (newest === null || ping.toMs > newest) ? ping.toMs : newest),
      null,
    ),
  );
  return (
    <footer className={classes.bar}>
      <span data-testid="connection" className={phase === 'offline' ? classes.lost : undefined}>
        {PHASES[phase]}
      </span>
      {dataTo !== null && <span>Newest resolved ping {clockTime(dataTo)}</span>}
      {lab && (
        <>
          <span title={lab.dataDir} className={classes.folder}>
            Data in {lab.dataDir}
          </span>
          <span>
            RouteLab {lab.version}
            {lab.commit && ` (${lab.commit.slice(0, 7)})`}
          </span>
        </>
      )}
    </footer>
  );
}
