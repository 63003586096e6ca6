/** What the page does to routes. Every failure is shown with its code and hint, none is swallowed. */
import type { z } from 'zod';
import { create } from 'zustand';
import type { Route, RouteInput } from '../../../shared/domain.ts';
import { client } from '../../lab/connection.ts';
import { orpc, queryClient } from '../../lab/queries.ts';
import { attempt } from '../../parts/attempt.ts';
import { showRemoved, takeBack } from '../../parts/removed.tsx';

/** Routes removed on this page and not restored, the newest last. */
export const useRemovedRoutes = create<{ removed: readonly Route[] }>(() => ({ removed: [] }));

const routesKey = orpc.routes.list.queryKey();

function setRoutes(change: (routes: Route[]) => Route[]): void {
  // A list asked for before the change would undo it on arrival.
  queryClient.cancelQueries({ queryKey: routesKey });
  queryClient.setQueryData(routesKey, (routes) => routes && change(routes));
  queryClient.invalidateQueries({ queryKey: routesKey });
}

const replace = (route: Route): void =>
  setRoutes((routes) => routes.map((other) => (other.id === route.id ? route : other)));

const insert = (route: Route): void =>
  setRoutes((routes) =>
    [...routes.filter((other) => other.id !== route.id), route].sort((a, b) => a.createdAtMs - b.createdAtMs),
  );

/** Starts probing the route, or stops it. */
export const setEnabled = (route: Route, enabled: boolean): Promise<void> =>
  attempt(route.id, `${route.name} was not ${enabled ? 'started' : 'stopped'}`, async () =>
    replace(await client.routes[enabled ? 'start' : 'stop']({ id: route.id })),
  );

export const removeRoute = (route: Route): Promise<void> =>
  attempt(route.id, `${route.name} was not removed`, async () => {
    await client.routes.remove({ id: route.id });
    setRoutes((routes) => routes.filter((other) => other.id !== route.id));
    useRemovedRoutes.setState(({ removed }) => ({ removed: [...removed, route] }));
    showRemoved(route.id, `${route.name}; its measurements are kept.`, () => restoreRoute(route));
  });

export const restoreRoute = (route: Route): Promise<void> =>
  attempt(route.id, `${route.name} was not restored`, async () => {
    insert(await client.routes.restore({ id: route.id }));
    useRemovedRoutes.setState(({ removed }) => ({
      removed: removed.filter((other) => other.id !== route.id),
    }));
    takeBack(route.id);
  });

/** Saves a form: a new route without `id`, a change with it. Throws what the lab says, for the form to show. */
export async function saveRoute(input: z.output<typeof RouteInput>, id?: string): Promise<Route> {
  if (id !== undefined) {
    const route = await client.routes.update({ ...input, id });
    replace(route);
    return route;
  }
  const route = await client.routes.create(input);
  insert(route);
  return route;
}

export const startDemo = (): Promise<void> =>
  attempt('demo', 'The demo lab was not started', async () => {
    await client.demo.start();
    await queryClient.invalidateQueries();
  });

export const stopDemo = (): Promise<void> =>
  attempt('demo', 'The demo lab was not stopped', async () => {
    await client.demo.stop();
    await queryClient.invalidateQueries();
  });
