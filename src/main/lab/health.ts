/** How the lab's parts are doing. A part that stops degrades itself only. */
import type { LabError } from '../../shared/errors.ts';
import type { Health, ServiceName, ThreadName } from '../../shared/monitoring.ts';
import type { Store } from '../store/index.ts';
import type { Ends } from './ends.ts';

type Service = Health['services'][ServiceName];

/** Of the store. */
interface Stored {
  ends: Ends['health'];
  upkeep: LabError | null;
  droppedLately: number;
}

/**
 * `workers`, each with the crash it is recovering from; `parts`, each with what is wrong with it; `ends` of runs that wait;
 * `upkeep` is why roll-ups and retention wait, `droppedLately` how many samples were given up in the last minute. Measuring without
 * being able to store is unhealthy.
 */
export function health(
  store: Store,
  workers: Readonly<Record<ThreadName, { failure: LabError | null }>>,
  parts: Readonly<Record<Exclude<ServiceName, ThreadName | 'store'>, string | null>>,
  stored: Stored,
): Health {
  const failures = [
    ...Object.entries(workers).map(([name, { failure }]) => [name, failure?.message ?? null] as const),
    ...Object.entries(parts),
  ];
  const services = {
    store: storeHealth(store, stored),
    ...Object.fromEntries(failures.map(([name, failure]) => [name, unless(failure)])),
  } as Health['services'];
  const statuses = Object.values(services).map(({ status }) => status);
  const worst = (['unhealthy', 'degraded'] as const).find((status) => statuses.includes(status));
  return { status: worst ?? 'healthy', services };
}

const unless = (failure: string | null): Service =>
  failure === null ? { status: 'healthy' } : { status: 'degraded', detail: failure };

function storeHealth(store: Store, { ends, upkeep, droppedLately }: Stored): Service {
  const { error, waiting, dropped } = store.writer.health;
  const why = error ?? ends.error;
  if (why !== null) {
    const told = `${waiting} samples wait, ${dropped} were given up; ${ends.waiting} ends of runs wait`;
    return { status: 'unhealthy', detail: `${why.message}; ${told}` };
  }
  if (droppedLately > 0) {
    const detail = `${droppedLately} samples were given up lately, ${dropped} since the lab was opened`;
    return { status: 'degraded', detail };
  }
  if (upkeep !== null) {
    return { status: 'degraded', detail: `roll-ups and retention wait: ${upkeep.message}` };
  }
  return { status: 'healthy' };
}
