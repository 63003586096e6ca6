/**
 * The series behind a chart, outside React: streams come and go with the routes shown, and React learns once per
 * animation frame that something changed.
 */
import type { Series } from '../../../../shared/domain.ts';
import type { ErrorBody } from '../../../../shared/errors.ts';
import { client } from '../../../lab/connection.ts';
import { follow } from '../../../lab/follow.ts';
import { StreamStore } from '../../../lab/stream-store.ts';
import { WINDOWS, type WindowId } from '../windows.ts';
import { mergeSeries } from './series.ts';

interface Held {
  abort: AbortController;
  window: WindowId;
  generation: number;
  series: Series | null;
  error: ErrorBody | null;
}

export class SeriesFeed extends StreamStore<string, Held> {
  /** Streams exactly these routes over this window; others are cancelled. A new `generation` streams anew. */
  show(ids: readonly string[], window: WindowId, generation: number): void {
    this.follow(
      ids,
      (held) => held.window === window && held.generation === generation,
      (id, before) =>
        this.#open(id, {
          abort: new AbortController(),
          window,
          generation,
          // After a reconnect what was there stays until its replacement comes; another window has other buckets.
          series: before?.window === window ? before.series : null,
          error: null,
        }),
    );
  }

  #open(id: string, held: Held): Held {
    const { ms: windowMs, bucketMs } = WINDOWS[held.window];
    follow(
      (signal) => client.routes.watchSeries({ id, windowMs, bucketMs }, { signal }),
      held.abort.signal,
      (chunk) => {
        // Merged at once, told once per frame: a hidden page draws no frames and must not hoard chunks.
        held.series = mergeSeries(held.series, chunk, windowMs);
        this.frame.request();
      },
      (error) => {
        held.error = error;
        this.frame.request();
      },
    );
    return held;
  }

  series(id: string): Series | null {
    return this.held.get(id)?.series ?? null;
  }

  /** The first failure among the streams. */
  error(): ErrorBody | null {
    return [...this.held.values()].find((held) => held.error)?.error ?? null;
  }
}
