/** The pages there are. The path stands in the hash, which works the same over http and app://. */
import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
  redirect,
} from '@tanstack/react-router';
import { MonitoringPage } from '../features/monitoring/MonitoringPage.tsx';
import { readMonitoring } from '../features/monitoring/view.ts';
import { ProbePage } from '../features/probe/ProbePage.tsx';
import { readProbeSearch } from '../features/probe/view.ts';
import { RoutesPage } from '../features/routes/RoutesPage.tsx';
import { readView } from '../features/routes/view.ts';
import { SettingsPage } from '../features/settings/SettingsPage.tsx';
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

const probe = createRoute({ getParentRoute: () => root, path: '/probe', component: ProbePage });

/** The run is a parameter of the same page, whose form and list stay as they are from run to run. */
const probeRun = createRoute({
  getParentRoute: () => probe,
  path: '$id',
  component: () => null,
  validateSearch: readProbeSearch,
});

const monitoring = createRoute({
  getParentRoute: () => root,
  path: '/monitoring',
  component: MonitoringPage,
  validateSearch: readMonitoring,
});

const settings = createRoute({ getParentRoute: () => root, path: '/settings', component: SettingsPage });

export const router = createRouter({
  routeTree: root.addChildren([index, routes, probe.addChildren([probeRun]), monitoring, settings]),
  history: createHashHistory(),
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
