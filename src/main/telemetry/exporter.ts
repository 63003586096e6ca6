/**
 * What `/metrics` says of the routes and of this process. Values are read from the routes' state when they are asked
 * for: what is not known has no sample, and what is no longer so disappears.
 */
import type { Route, RouteStatus } from '../../shared/domain.ts';
import type { SampleBatch } from '../../shared/samples.ts';
import { CONTENT_TYPE, exposition, negotiate } from './exposition.ts';
import { processMetrics } from './process-metrics.ts';
import { type ObservedRoute, routeFamilies } from './route-families.ts';
import { RouteTotals } from './route-totals.ts';

export interface Exporter {
  /**
   * Takes a route's newest status and the samples it came with, each once. A route whose server or controller
   * changed starts new series, counting from zero.
   */
  observe(
    route: Pick<Route, 'id' | 'host' | 'port' | 'controller'>,
    status: RouteStatus,
    batch?: SampleBatch,
  ): void;
  /** Ends all series of a route. */
  forget(routeId: string): void;
  /** The exposition in the format an HTTP Accept header asks for. */
  render(accept?: string): Promise<{ contentType: string; body: string }>;
}

export function createExporter(): Exporter {
  const routes = new Map<string, ObservedRoute>();
  const readProcess = processMetrics();

  return {
    observe: ({ id, host, port, controller }, status, batch) => {
      const address = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
      const labels = { route: id, server: `${address}:${port}`, congestion: controller };
      let route = routes.get(id);
      if (route?.labels.server !== labels.server || route.labels.congestion !== labels.congestion) {
        route = { labels, status, totals: new RouteTotals() };
        routes.set(id, route);
      }
      route.status = status;
      if (batch !== undefined) route.totals.add(batch, status.runId);
    },
    forget: (routeId) => {
      routes.delete(routeId);
    },
    render: async (accept) => {
      const format = negotiate(accept);
      const families = [...routeFamilies([...routes.values()], format), ...(await readProcess(format))];
      return { contentType: CONTENT_TYPE[format], body: exposition(families, format) };
    },
  };
}
