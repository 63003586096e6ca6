/** The routes that lab.yaml lists: they come, change and go with it. */
import { endpointOf } from '../../shared/config/values.ts';
import { RouteInput } from '../../shared/domain.ts';
import { toLabError } from '../../shared/errors.ts';
import type { Configuration } from './configuration.ts';
import type { Log } from './log.ts';
import type { Routes } from './routes.ts';

/**
 * Makes the lab's routes agree with the configuration. One that cannot be taken on is logged, and the others are. Where there
 * is no file any more, its routes become like any other.
 */
export function declareRoutes({
  routes,
  configuration,
  log,
}: {
  routes: Routes;
  configuration: Configuration;
  log: Log;
}): void {
  const { routes: listed, probes } = configuration.values;
  const wanted = new Set(listed.map(({ id }) => id));
  const gone = routes.list().filter(({ id, declared }) => declared && !wanted.has(id));
  for (const { id } of gone) {
    if (configuration.isFilePresent) void routes.undeclare(id);
    else routes.release(id);
  }
  for (const [index, { id, server, tags, via, cost }] of listed.entries()) {
    const where = configuration.placeOf(`routes.${index}`);
    try {
      const input = RouteInput.parse({
        name: id,
        ...endpointOf(server)!,
        tags,
        controller: probes.congestion,
        pingRate: 1000 / probes.interval,
      });
      const before = routes.list().find((route) => route.id === id);
      if (before?.declared !== true || isOther(before, input)) routes.declare(id, input);
    } catch (thrown) {
      const { code, message } = toLabError(thrown);
      log.error({ code, reason: message, where }, 'a route of the configuration is not used');
    }
    if (via !== null || cost !== 0) log.warn({ where }, 'via and cost of a route are not used yet');
  }
}

const isOther = (before: RouteInput, wanted: RouteInput): boolean =>
  (Object.keys(wanted) as (keyof RouteInput)[]).some(
    (field) => JSON.stringify(before[field]) !== JSON.stringify(wanted[field]),
  );
