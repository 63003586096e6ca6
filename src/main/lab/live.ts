/** The live streams of the contract. Each ends when its signal aborts, and then holds nothing. */
import type { Route, RouteStatus, Series } from '../../shared/domain.ts';
import type { Store } from '../store/index.ts';
import { pause } from './changes.ts';
import type { StatusBoard } from './status-board.ts';

/** Least time between two pushes of the statuses. */
const PUSH_EVERY_MS = 500;

export class Live {
  readonly #store: Store;
  readonly #board: StatusBoard;
  #newest: { version: number; statuses: RouteStatus[] } | null = null;

  constructor(store: Store, board: StatusBoard) {
    this.#store = store;
    this.#board = board;
  }

  /** The status of every route; whatever it was computed from is in the store. */
  statuses(): RouteStatus[] {
    const { version } = this.#board.changes;
    if (this.#newest?.version !== version) {
      this.#store.writer.flush();
      const nowMs = Date.now();
      const statuses = this.#store.routes.list().map((route) => this.#board.of(route, nowMs));
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
   * A transfer counts in the bucket it began in: when one ends after that bucket was sent, it is sent again.
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
    yield this.#store.series(route.id, startOf(next - windowMs), next, bucketMs);
    while (!signal.aborted) {
      const seen = this.#board.changes.version;
      const closed = startOf(this.#board.resolvedThroughMs(route.id) ?? next);
      const transfers = this.#board.transfers(route.id);
      const from = Math.min(
        next,
        ...transfers.filter((atMs, direction) => atMs > sent[direction]!).map(startOf),
      );
      if (closed > from) {
        const series = this.#store.series(route.id, from, closed, bucketMs);
        next = Math.max(closed, next);
        sent = transfers;
        if (series.tMs.length > 0) yield series;
      }
      await this.#board.changes.past(seen, signal);
    }
  }
}
