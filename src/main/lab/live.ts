/** The live streams of the contract. Each ends when its signal aborts, and then holds nothing. */
import type { Route, RouteStatus, Series } from '../../shared/domain.ts';
import type { Store } from '../store/index.ts';
import { pause } from './changes.ts';
import type { StatusBoard } from './status-board.ts';
import type { StoreUpkeep } from './upkeep.ts';

/** Least time between two pushes of the statuses. */
const PUSH_EVERY_MS = 500;
const MINUTE_MS = 60_000;
/** What is read of a backlog at once: minute roll-ups of five days, or samples of 25 minutes at the highest rate. */
const PART_MS = { minutes: 7200 * MINUTE_MS, raw: 25 * MINUTE_MS } as const;

export class Live {
  readonly #store: Store;
  readonly #board: StatusBoard;
  readonly #upkeep: Pick<StoreUpkeep, 'ready'>;
  #newest: { version: number; statuses: RouteStatus[] } | null = null;

  constructor(store: Store, board: StatusBoard, upkeep: Pick<StoreUpkeep, 'ready'>) {
    this.#store = store;
    this.#board = board;
    this.#upkeep = upkeep;
  }

  /** The status of every route; whatever it was computed from is in the store. */
  statuses(): RouteStatus[] {
    const { version } = this.#board.changes;
    if (this.#newest?.version !== version) {
      this.#store.writer.flush();
      const statuses = this.#store.routes.list().map((route) => this.#board.of(route));
      this.#newest = { version, statuses };
    }
    return this.#newest.statuses;
  }

  /** The statuses at once, then after changes, at most twice a second. */
  async *watchStatuses(signal: AbortSignal): AsyncGenerator<RouteStatus[]> {
    const { changes } = this.#board;
    while (!signal.aborted) {
      const seen = changes.version;
      yield this.statuses();
      await pause(PUSH_EVERY_MS, signal);
      await changes.past(seen, signal);
    }
  }

  /**
   * The history of the last `windowMs` in buckets of `bucketMs`, then each bucket once all its pings are resolved.
   * A transfer counts in the bucket it began in: when one ends after that bucket was sent, it is sent again. When the clock was
   * set back, buckets from there on are.
   */
  async *watchSeries(
    route: Route,
    windowMs: number,
    bucketMs: number,
    signal: AbortSignal,
  ): AsyncGenerator<Series> {
    const startOf = (ms: number): number => Math.floor(ms / bucketMs) * bucketMs;
    // What is stopped has nothing pending.
    let next = startOf(this.#board.resolvedThroughMs(route.id) ?? Date.now());
    let sent = this.#board.transfers(route.id);
    yield* this.#backlog(route.id, startOf(next - windowMs), next, bucketMs, signal);
    while (!signal.aborted) {
      const seen = this.#board.changes.version;
      const closed = startOf(this.#board.resolvedThroughMs(route.id) ?? next);
      if (closed < next) next = closed - bucketMs;
      const transfers = this.#board.transfers(route.id);
      const from = Math.min(
        next,
        ...transfers
          .filter((atMs, direction) => atMs !== sent[direction] && atMs >= next - windowMs)
          .map(startOf),
      );
      if (closed > from) {
        const series = this.#store.series(route.id, from, closed, bucketMs);
        next = closed;
        sent = transfers;
        if (series.tMs.length > 0) yield series;
      }
      await this.#board.changes.past(seen, signal);
    }
  }

  /**
   * In parts, between which others have their turn; the first comes even when it is empty. Where nothing as fine as `bucketMs`
   * is kept any more, there is none.
   */
  async *#backlog(
    routeId: string,
    fromMs: number,
    toMs: number,
    bucketMs: number,
    signal: AbortSignal,
  ): AsyncGenerator<Series> {
    const isRolled = bucketMs % MINUTE_MS === 0;
    const partMs = Math.max(1, Math.floor(PART_MS[isRolled ? 'minutes' : 'raw'] / bucketMs)) * bucketMs;
    for (let from = fromMs; !signal.aborted && (from < toMs || from === fromMs); from += partMs) {
      const to = Math.min(toMs, from + partMs);
      if (isRolled) await this.#upkeep.ready(routeId, from, to);
      const series = this.#store[isRolled ? 'chart' : 'series'](routeId, from, to, bucketMs);
      const isFine = series.bucketMs === bucketMs;
      if (from === fromMs) yield isFine ? series : this.#store.series(routeId, from, from, bucketMs);
      else if (isFine && series.tMs.length > 0) yield series;
      if (to < toMs) await pause(0, signal);
    }
  }
}
