/** Which experiment the runs of a monitored route belong to: one for as long as its manifest stays the same. */
import type { Experiment, Route } from '../../shared/domain.ts';
import type { Store } from '../store/index.ts';
import type { AppInfo } from './app-info.ts';
import { monitorManifest } from './manifest.ts';

/** Returns the experiment's id, made when the route is measured in a new way. */
export function experimentOf(store: Store, app: AppInfo, route: Route): number {
  const kind: Experiment['kind'] = route.demo ? 'demo' : 'monitor';
  const manifest = monitorManifest(route, app);
  return (
    store.experiments.find(kind, manifest)?.id ??
    store.experiments.create({ name: `Monitor ${route.name}`, kind, manifest }).id
  );
}
