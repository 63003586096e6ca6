/** The newest status of every route, as the lab streams them. */
import { create } from 'zustand';
import type { RouteStatus } from '../../shared/domain.ts';
import type { ErrorBody } from '../../shared/errors.ts';
import { client } from './connection.ts';
import { perFrame } from './per-frame.ts';
import { useFollow } from './use-follow.ts';

interface LiveState {
  statuses: Readonly<Record<string, RouteStatus>>;
  /** False until the first statuses have come. */
  loaded: boolean;
  error: ErrorBody | null;
}

export const useLive = create<LiveState>(() => ({ statuses: {}, loaded: false, error: null }));

let newest: RouteStatus[] = [];
const frame = perFrame(() =>
  useLive.setState({ statuses: Object.fromEntries(newest.map((s) => [s.routeId, s])), loaded: true }),
);

/** Runs the stream of statuses while the calling component is mounted. */
export const useLiveFeed = (): void =>
  useFollow(
    (signal) => client.routes.watch(undefined, { signal }),
    (statuses) => {
      newest = statuses;
      frame.request();
    },
    { onError: (error) => useLive.setState({ error }) },
  );
