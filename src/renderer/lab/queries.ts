/** What is asked once and kept: the routes, the probe runs, profiles and controllers, the lab's own description. */
import { createTanstackQueryUtils } from '@orpc/tanstack-query';
import { keepPreviousData, QueryClient, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import { client, useConnection } from './connection.ts';
import { useLive } from './live.ts';

export const orpc = createTanstackQueryUtils(client);

export const queryClient = new QueryClient({
  defaultOptions: {
    // The browser's idea of being online says nothing about a lab on loopback; the connection retries by itself.
    queries: { networkMode: 'always', retry: false, staleTime: 5_000, placeholderData: keepPreviousData },
    mutations: { networkMode: 'always' },
  },
});

export const useRoutes = () => useQuery(orpc.routes.list.queryOptions({ refetchInterval: 15_000 }));
export const useLabInfo = () => useQuery(orpc.lab.info.queryOptions({ refetchInterval: 15_000 }));
export const useSettings = () => useQuery(orpc.settings.get.queryOptions({ refetchInterval: 5_000 }));
export const useProfiles = () =>
  useQuery(orpc.profiles.list.queryOptions({ staleTime: Number.POSITIVE_INFINITY }));

const RUNS_PER_PAGE = 50;
const probePages = {
  // One more than a page has tells whether there are older ones.
  input: (before: number | undefined) => ({ limit: RUNS_PER_PAGE + 1, ...(before && { before }) }),
  initialPageParam: undefined as number | undefined,
};
export const probesKey = orpc.probes.list.infiniteKey(probePages);
/** The newest probe runs, and older ones page by page. */
export const useProbes = () =>
  useInfiniteQuery(
    orpc.probes.list.infiniteOptions({
      ...probePages,
      getNextPageParam: (page) => page[RUNS_PER_PAGE] && page[RUNS_PER_PAGE - 1]!.id,
      refetchInterval: 15_000,
      select: ({ pages }) => [...new Map(pages.flat().map((run) => [run.id, run])).values()],
    }),
  );
export const useControllers = () =>
  useQuery(orpc.controllers.list.queryOptions({ staleTime: Number.POSITIVE_INFINITY }));

/** Asks again after a reconnect, and when the live statuses tell of other routes than the list does. */
export function useFreshQueries(): void {
  const generation = useConnection((s) => s.generation);
  useEffect(() => {
    if (generation > 1) queryClient.invalidateQueries();
  }, [generation]);

  const watched = useLive((s) => (s.loaded ? Object.keys(s.statuses).sort().join() : null));
  useEffect(() => {
    const listed = queryClient.getQueryData(orpc.routes.list.queryKey());
    if (watched === null || listed === undefined) return;
    const ids = listed.map((route) => route.id).sort();
    if (ids.join() !== watched) queryClient.invalidateQueries({ queryKey: orpc.routes.list.key() });
  }, [watched]);
}
