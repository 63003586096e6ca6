import type { Health as HealthOf, ServiceName } from '../../../shared/monitoring.ts';
import classes from './Health.module.css';
import { SERVICE_NAMES } from './words.ts';

/** A lamp and words for each part of the lab: the colour says nothing that the words do not. */
export function Health({ health }: { health: HealthOf | null }) {
  return (
    <section className={classes.health} aria-labelledby="health-title">
      <h2 id="health-title">Health</h2>
      <ul>
        {Object.entries(health?.services ?? {}).map(([name, { status, detail }]) => (
          <li key={name} data-status={status} data-testid={`health-${name}`}>
            <svg width="10" height="10" viewBox="0 0 10 10" aria-hidden>
              {status === 'healthy' ? (
                <circle cx="5" cy="5" r="4" />
              ) : (
                <rect x="1.5" y="1.5" width="7" height="7" transform="rotate(45 5 5)" />
              )}
            </svg>
            {SERVICE_NAMES[name as ServiceName]} <span>{status}</span>
            {detail !== undefined && <p className={classes.detail}>{detail}</p>}
          </li>
        ))}
      </ul>
    </section>
  );
}
