/** The newest status of every route, as the lab streams them. */
import { useEffect } from 'react';
import { create } from 'zustand';
import type { RouteStatus } from '../../shared/domain.ts';
import type { ErrorBody } from '../../shared/errors.ts';
import { client, useConnection } from './connection.ts';
import { follow } from './follow.ts';
import { perFrame } from './per-frame.ts';

interface LiveState {
  statuses: Readonly<Record<string, RouteStatus>>;
  /** False until the first statuses have come. */
  loaded: boolean;
  error: ErrorBody | null;
}

export const useLive = create<LiveState>(() => ({ statuses: {}, loaded: false, error: null }));

/** Runs the stream of statuses while the calling component is mounted and the lab can be reached. */
export function useLiveFeed(): void {
  const online = useConnection((s) => s.phase === 'online');
  const generation = useConnection((s) => s.generation);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new carrier needs a new stream.
  useEffect(() => {
    if (!online) return;
    const abort = new AbortController();
    let newest: RouteStatus[] = [];
    const frame = perFrame(() =>
      useLive.setState({ statuses: Object.fromEntries(newest.map((s) => [s.routeId, s])), loaded: true }),
    );
    follow(
      (signal) => client.routes.watch(undefined, { signal }),
      abort.signal,
      (statuses) => {
        newest = statuses;
        frame.request();
      },
      (error) => useLive.setState({ error }),
    );
    return () => {
      abort.abort();
      frame.cancel();
    };
  }, [online, generation]);
}
