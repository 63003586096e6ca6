/** Which experiment a run belongs to: one for as long as its manifest stays the same. */
import type { Route } from '../../shared/domain.ts';
import type { Manifest } from '../../shared/experiments.ts';
import type { Store } from '../store/index.ts';
import type { AppInfo } from './app-info.ts';
import { monitorManifest } from './manifest.ts';

/** Returns the experiment's id, made when something is measured in a new way. */
export const experimentWith = (store: Store, name: string, manifest: Manifest): number =>
  store.experiments.find(manifest.kind, manifest)?.id ??
  store.experiments.create({ name, kind: manifest.kind, manifest }).id;

export const experimentOf = (store: Store, app: AppInfo, route: Route): number =>
  experimentWith(store, `Monitor ${route.name}`, monitorManifest(route, app));
