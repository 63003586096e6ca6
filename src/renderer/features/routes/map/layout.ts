/**
 * Where things stand on the map: this machine on the left, each route on a line of its own with its emulated path in
 * the middle, endpoints on the right between the routes that lead to them. Routes to one endpoint stand together, so
 * no two edges cross.
 */
import type { Route } from '../../../../shared/domain.ts';

type MapRoute = Pick<Route, 'id' | 'host' | 'port' | 'emulation'>;

export interface MapLine<R> {
  route: R;
  y: number;
  /** Name of the emulated path in the middle of the line; null where the path is real. */
  path: string | null;
  endpoint: number;
}

export interface MapLayout<R> {
  height: number;
  clientY: number;
  lines: MapLine<R>[];
  endpoints: { address: string; y: number }[];
}

/** An address as it is written, IPv6 in brackets. */
export const addressOf = ({ host, port }: Pick<Route, 'host' | 'port'>): string =>
  host.includes(':') && !host.startsWith('[') ? `[${host}]:${port}` : `${host}:${port}`;

/** Lines `least` to `most` apart in the middle of `height`, or over more when they need it. Pixels. */
export function layoutMap<R extends MapRoute>(
  routes: readonly R[],
  height: number,
  { least, most }: { least: number; most: number },
): MapLayout<R> {
  const byAddress = Map.groupBy(routes, addressOf);
  const full = Math.max(height, routes.length * least);
  const step = Math.min(most, full / Math.max(1, routes.length));
  const top = (full - routes.length * step) / 2;
  const yOf = (line: number): number => top + (line + 0.5) * step;
  const lines: MapLine<R>[] = [];
  const endpoints: MapLayout<R>['endpoints'] = [];
  for (const [address, group] of byAddress) {
    const first = yOf(lines.length);
    for (const route of group) {
      lines.push({
        route,
        y: yOf(lines.length),
        path: route.emulation?.profile ?? null,
        endpoint: endpoints.length,
      });
    }
    endpoints.push({ address, y: (first + lines.at(-1)!.y) / 2 });
  }
  return { height: full, clientY: full / 2, lines, endpoints };
}
