/** What is asked once and kept: the routes, the probe runs, profiles and controllers, the lab's own description. */
import { createTanstackQueryUtils } from '@orpc/tanstack-query';
import { keepPreviousData, QueryClient, useQuery } from '@tanstack/react-query';
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
export const useProfiles = () =>
  useQuery(orpc.profiles.list.queryOptions({ staleTime: Number.POSITIVE_INFINITY }));
export const useProbes = () => useQuery(orpc.probes.list.queryOptions({ refetchInterval: 15_000 }));
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
