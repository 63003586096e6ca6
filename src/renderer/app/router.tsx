/** The pages there are. The path stands in the hash, which works the same over http and app://. */
import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
  redirect,
} from '@tanstack/react-router';
import { RoutesPage } from '../features/routes/RoutesPage.tsx';
import { readView } from '../features/routes/view.ts';
import { Shell } from './Shell.tsx';

const root = createRootRoute({ component: Shell, notFoundComponent: () => <p>There is no such page.</p> });

const index = createRoute({
  getParentRoute: () => root,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/routes', replace: true });
  },
});

const routes = createRoute({
  getParentRoute: () => root,
  path: '/routes',
  component: RoutesPage,
  validateSearch: readView,
});

export const router = createRouter({
  routeTree: root.addChildren([index, routes]),
  history: createHashHistory(),
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
