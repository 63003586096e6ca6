/** What the lab measures, on a terminal: a table of the routes, or one line for each. */
import { stripVTControlCharacters } from 'node:util';
import type { PingStats, Route, RouteStatus } from '../../shared/domain.ts';
import { formatDuration, formatPercent, formatRate } from '../../shared/units.ts';
import { paint } from './output.ts';

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

interface Measure {
  name: string;
  text: (view: RouteView) => string;
  /** Widths reserved, so that columns do not move from one second to the next. */
  digits: number;
  unit: number;
  /** On a narrow terminal the highest go first. */
  rank: number;
}

const MEASURES: readonly Measure[] = [
  {
    name: 'RTT p50',
    text: ({ ping }) => formatDuration(ping?.rttUs?.p50 ?? null),
    digits: 6,
    unit: 2,
    rank: 0,
  },
  {
    name: 'RTT p95',
    text: ({ ping }) => formatDuration(ping?.rttUs?.p95 ?? null),
    digits: 6,
    unit: 2,
    rank: 4,
  },
  {
    name: 'jitter',
    text: ({ ping }) => formatDuration(ping?.jitterUs ?? null, 2),
    digits: 6,
    unit: 2,
    rank: 5,
  },
  { name: 'loss', text: ({ ping }) => formatPercent(ping?.lossRatio ?? null), digits: 5, unit: 1, rank: 1 },
  {
    name: 'down',
    text: ({ status }) => formatRate(status.down?.goodputBps ?? null),
    digits: 5,
    unit: 6,
    rank: 2,
  },
  {
    name: 'up',
    text: ({ status }) => formatRate(status.up?.goodputBps ?? null),
    digits: 5,
    unit: 6,
    rank: 3,
  },
];

const STATE_WIDTH = 'connecting'.length;
/** RTT p50, loss, down and up. */
const LAST_VITAL_RANK = 3;
const NAME_WIDTH = { least: 8, most: 28 } as const;

const marks = ({ status }: RouteView): string[] => [
  ...(status.emulated ? ['emulated'] : []),
  ...(status.insecure ? ['insecure'] : []),
];

const clip = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;

/**
 * The routes under a header, in at most `width` columns of a terminal: numbers aligned with their units, the marks beside
 * the name, and of a route that is down, in red, the reason instead of numbers.
 */
export function routeTable(views: readonly RouteView[], width: number = Number.POSITIVE_INFINITY): string {
  const markWidth = Math.max(0, ...views.map((view) => marks(view).join(' ').length));
  const longest = Math.max(NAME_WIDTH.least, ...views.map(({ route }) => route.name.length));
  const widthOf = ({ digits, unit }: Measure): number => 2 + digits + 1 + unit;
  const besides = (markWidth === 0 ? 0 : 2 + markWidth) + 2 + STATE_WIDTH;
  const wanted = Math.min(longest, NAME_WIDTH.most);
  const shown = new Set<Measure>();
  let numbersUsed = 0;
  for (const measure of MEASURES.toSorted((x, y) => x.rank - y.rank)) {
    // Long names give way to the numbers that matter most, and stand before the others.
    const name = measure.rank <= LAST_VITAL_RANK ? NAME_WIDTH.least : wanted;
    if (name + besides + numbersUsed + widthOf(measure) > width) break;
    numbersUsed += widthOf(measure);
    shown.add(measure);
  }
  const measures = MEASURES.filter((measure) => shown.has(measure));
  const nameWidth = Math.min(wanted, Math.max(NAME_WIDTH.least, width - besides - numbersUsed));
  const head = (name: string, mark: string, state: string): string =>
    clip(name, nameWidth).padEnd(nameWidth) +
    (markWidth === 0 ? '' : `  ${mark.padEnd(markWidth)}`) +
    `  ${state.padEnd(STATE_WIDTH)}`;
  const header = measures.map(
    ({ name, digits, unit }) => `  ${name.padStart(digits).padEnd(digits + 1 + unit)}`,
  );
  const lines = views.map((view) => {
    const { state, error } = view.status;
    const shownState = view.status.silentSinceMs === null ? state : 'silent';
    const start = head(view.route.name, marks(view).join(' '), shownState);
    if (state === 'down' && error) {
      return paint('red', clip(`${start}  ${error.message}`, width));
    }
    const cells = measures.map(({ text, digits, unit }) => {
      const [number = '', name = ''] = text(view).split(' ');
      return `  ${number.padStart(digits)} ${paint('dim', name.padEnd(unit))}`;
    });
    return (start + cells.join('')).trimEnd();
  });
  return [paint('dim', (head('route', '', 'state') + header.join('')).trimEnd()), ...lines]
    .map((line) => {
      const plain = stripVTControlCharacters(line);
      return plain.length > width ? clip(plain, width) : line;
    })
    .join('\n');
}

/** `LTE  emulated  up  RTT p50 54.2 ms  …`: for logs and pipes. */
export function routeLine(view: RouteView): string {
  const measured = MEASURES.flatMap(({ name, text }) => {
    const value = text(view);
    return value === '–' ? [] : [`${name} ${value}`];
  });
  const { name } = view.route;
  const { error, silentSinceMs } = view.status;
  const state = silentSinceMs === null ? view.status.state : 'silent';
  return [name, ...marks(view), state, ...(error ? [error.message] : measured)].join('  ');
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
    ...(ping && { sent: ping.sent, received: ping.received, skipped: ping.skipped }),
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
