/** How the lab's parts are doing. A part that stops degrades itself only. */
import type { LabError } from '../../shared/errors.ts';
import type { Health } from '../../shared/monitoring.ts';
import type { Store } from '../store/index.ts';
import type { Ends } from './ends.ts';

type Service = Health['services'][string];

/**
 * `workers` by name, each with the crash it is recovering from; `ends` of runs that wait; `upkeep` is why roll-ups and retention
 * wait; `parts` by name, each with what is wrong with it. Measuring without being able to store is unhealthy.
 */
export function health(
  store: Store,
  workers: Readonly<Record<string, { failure: LabError | null }>>,
  ends: Ends['health'],
  upkeep: LabError | null,
  parts: Readonly<Record<string, string | null>>,
): Health {
  const services: Health['services'] = { store: storeHealth(store, ends, upkeep) };
  for (const [name, { failure }] of Object.entries(workers))
    services[name] = unless(failure?.message ?? null);
  for (const [name, failure] of Object.entries(parts)) services[name] = unless(failure);
  const statuses = Object.values(services).map(({ status }) => status);
  const worst = (['unhealthy', 'degraded'] as const).find((status) => statuses.includes(status));
  return { status: worst ?? 'healthy', services };
}

const unless = (failure: string | null): Service =>
  failure === null ? { status: 'healthy' } : { status: 'degraded', detail: failure };

function storeHealth(store: Store, ends: Ends['health'], upkeep: LabError | null): Service {
  const { error, waiting, dropped } = store.writer.health;
  const why = error ?? ends.error;
  if (why !== null) {
    const told = `${waiting} samples wait, ${dropped} were given up; ${ends.waiting} ends of runs wait`;
    return { status: 'unhealthy', detail: `${why.message}; ${told}` };
  }
  if (dropped > 0) return { status: 'degraded', detail: `${dropped} samples were given up` };
  if (upkeep !== null) {
    return { status: 'degraded', detail: `roll-ups and retention wait: ${upkeep.message}` };
  }
  return { status: 'healthy' };
}
