/** The value of each metric of a rule, from what the lab knows of a route or of the system. Null: not known. */
import { type AlertRule, isRouteMetric, type MetricId } from '../../../shared/alerts.ts';
import type { Route, RouteStatus } from '../../../shared/domain.ts';
import type { SystemSample } from '../../../shared/monitoring.ts';

/** A window of pings that ended longer ago says nothing about now. */
const PINGS_STAND_MS = 15_000;

type RouteMetric = Extract<MetricId, `route.${string}`>;
type SystemMetric = Extract<MetricId, `system.${string}`>;

const ROUTE: Readonly<
  Record<RouteMetric, (status: RouteStatus, nowMs: number) => number | null | undefined>
> = {
  'route.rtt_p50': (status, nowMs) => pings(status, nowMs)?.rttUs?.p50,
  'route.rtt_p95': (status, nowMs) => pings(status, nowMs)?.rttUs?.p95,
  'route.rtt_p99': (status, nowMs) => pings(status, nowMs)?.rttUs?.p99,
  'route.jitter': (status, nowMs) => pings(status, nowMs)?.jitterUs,
  'route.loss': (status, nowMs) => pings(status, nowMs)?.lossRatio,
  'route.goodput_down': ({ down }) => down?.goodputBps,
  'route.goodput_up': ({ up }) => up?.goodputBps,
  'route.handshake': ({ state, handshakeUs }) => (state === 'up' ? handshakeUs : null),
  'route.down': ({ state }) => (state === 'connecting' ? null : Number(state === 'down')),
  'route.silence': ({ state, silentSinceMs }, nowMs) =>
    state === 'up' ? Math.max(0, nowMs - (silentSinceMs ?? nowMs)) * 1000 : null,
  'route.congestion_window': ({ transport }) => transport?.cwndBytes,
  'route.pacing_rate': ({ transport }) => transport?.pacingBps,
};

const pings = ({ ping }: RouteStatus, nowMs: number): RouteStatus['ping'] =>
  ping !== null && nowMs - ping.toMs <= PINGS_STAND_MS ? ping : null;

const SYSTEM: Readonly<Record<SystemMetric, (sample: SystemSample) => number | null>> = {
  'system.process_cpu': ({ processCpu }) => processCpu,
  'system.machine_cpu': ({ machineCpu }) => machineCpu,
  'system.process_memory': ({ rssBytes }) => rssBytes,
  'system.machine_memory': ({ memoryTotalBytes, memoryFreeBytes }) => 1 - memoryFreeBytes / memoryTotalBytes,
  'system.loop_lag_p99': ({ loopLagP99Us }) => loopLagP99Us,
  'system.dropped_samples': ({ droppedLately }) => droppedLately,
  'system.disk_free': ({ diskFreeBytes }) => diskFreeBytes,
};

export const routeReading = (id: MetricId, status: RouteStatus, nowMs: number): number | null =>
  status.state === 'stopped' ? null : (ROUTE[id as RouteMetric](status, nowMs) ?? null);

export const systemReading = (id: MetricId, sample: SystemSample): number | null =>
  SYSTEM[id as SystemMetric](sample);

/** Whether a rule watches a route. */
export function watches({ condition, routes }: AlertRule, { id, tags }: Pick<Route, 'id' | 'tags'>): boolean {
  if (!isRouteMetric(condition.metric)) return false;
  if (routes.kind === 'ids') return routes.ids.includes(id);
  return routes.kind === 'all' || routes.tags.some((tag) => tags.includes(tag));
}
