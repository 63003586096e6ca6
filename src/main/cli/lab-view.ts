/** What the lab measures, on a terminal: a table of the routes, or one line for each. */
import { stripVTControlCharacters } from 'node:util';
import type { PingStats, Route, RouteStatus } from '../../shared/domain.ts';
import { formatDuration, formatPercent, formatRate } from '../../shared/units.ts';
import { type Column, paint, table } from './output.ts';

/** A route, its status, and the ping statistics to show of it: the last minute's, or those of a whole demo. */
export interface RouteView {
  route: Route;
  status: RouteStatus;
  ping: PingStats | null;
}

/** The routes with the status each has now; one that was made or removed meanwhile is left out. */
export function viewsOf(routes: readonly Route[], statuses: readonly RouteStatus[]): RouteView[] {
  const byId = new Map(statuses.map((status) => [status.routeId, status]));
  return routes.flatMap((route) => {
    const status = byId.get(route.id);
    return status === undefined ? [] : [{ route, status, ping: status.ping }];
  });
}

const MEASURES: readonly { name: string; text: (view: RouteView) => string }[] = [
  { name: 'RTT p50', text: ({ ping }) => formatDuration(ping?.rttUs?.p50 ?? null) },
  { name: 'RTT p95', text: ({ ping }) => formatDuration(ping?.rttUs?.p95 ?? null) },
  { name: 'jitter', text: ({ ping }) => formatDuration(ping?.jitterUs ?? null) },
  { name: 'loss', text: ({ ping }) => formatPercent(ping?.lossRatio ?? null) },
  { name: 'down', text: ({ status }) => formatRate(status.down?.goodputBps ?? null) },
  { name: 'up', text: ({ status }) => formatRate(status.up?.goodputBps ?? null) },
];

const marks = ({ status }: RouteView): string[] => [
  ...(status.emulated ? ['emulated'] : []),
  ...(status.insecure ? ['insecure'] : []),
];

/** The routes under a header, numbers aligned with their units; a route that is down in red, with the reason. */
export function routeTable(views: readonly RouteView[]): string {
  const columns: Column[] = ['left', 'left', ...MEASURES.flatMap((): Column[] => ['right', 'unit']), 'left'];
  const header = ['route', 'state', ...MEASURES.flatMap(({ name }) => [name, '']), ''];
  const rows = views.map((view) => [
    view.route.name,
    view.status.state,
    ...MEASURES.flatMap(({ text }) => {
      const [number = '', unit = ''] = text(view).split(' ');
      return [number, unit];
    }),
    [...marks(view), ...(view.status.error ? [view.status.error.message] : [])].join(', '),
  ]);
  const [head, ...lines] = table([header, ...rows], columns).split('\n');
  return [
    paint('dim', stripVTControlCharacters(head!)),
    ...lines.map((line, i) =>
      views[i]!.status.state === 'down' ? paint('red', stripVTControlCharacters(line)) : line,
    ),
  ].join('\n');
}

/** `LTE  up  RTT p50 54.2 ms  …  emulated`: for logs and pipes. */
export function routeLine(view: RouteView): string {
  const measured = MEASURES.flatMap(({ name, text }) => {
    const value = text(view);
    return value === '–' ? [] : [`${name} ${value}`];
  });
  const { name } = view.route;
  const { state, error } = view.status;
  return [name, state, ...(error ? [error.message] : measured), ...marks(view)].join('  ');
}

/** The same as one object of `--json`: milliseconds, ratios and bits per second; absent fields were not measured. */
export function routeResult({ route, status, ping }: RouteView): object {
  const ms = (us: number): number => Math.round(us) / 1000;
  const goodput = {
    ...(status.down && { down: status.down.goodputBps }),
    ...(status.up && { up: status.up.goodputBps }),
  };
  return {
    id: route.id,
    name: route.name,
    state: status.state,
    congestion: route.controller,
    ...(ping && { sent: ping.sent, received: ping.received }),
    ...(ping?.rttUs && {
      rtt_ms: {
        min: ms(ping.rttUs.min),
        mean: ms(ping.rttUs.mean),
        p50: ms(ping.rttUs.p50),
        p95: ms(ping.rttUs.p95),
        p99: ms(ping.rttUs.p99),
      },
    }),
    ...(ping && ping.jitterUs !== null && { jitter_ms: ms(ping.jitterUs) }),
    ...(ping && ping.lossRatio !== null && { loss_ratio: ping.lossRatio }),
    ...(Object.keys(goodput).length > 0 && { goodput_bps: goodput }),
    ...(status.handshakeUs !== null && { handshake_ms: ms(status.handshakeUs) }),
    ...(status.emulated && { emulated: true }),
    ...(status.insecure && { insecure: true }),
    ...(status.error && { error: status.error }),
  };
}
