import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openStore, type Store, type StoreOptions } from '../../src/main/store/index.ts';
import { RouteInput } from '../../src/shared/domain.ts';

export function tempDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'routelab-store-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A store whose timer never fires: what is flushed is flushed by the test, or by reading. */
export function tempStore(options: Partial<StoreOptions> = {}): Store {
  const store = openStore({ dataDir: tempDir(), schedule: () => () => {}, ...options });
  onTestFinished(() => store.close());
  return store;
}

export const routeNamed = (name: string): RouteInput =>
  RouteInput.parse({ name, host: '127.0.0.1', port: 4433 });

/** A route with one running run. */
export function startedRoute(store: Store, name = 'lan'): { routeId: string; runId: number } {
  const route = store.routes.create(routeNamed(name), { demo: false, enabled: true });
  const experiment = store.experiments.create({ name: 'probing', kind: 'monitor', manifest: {} });
  return { routeId: route.id, runId: store.runs.start(experiment.id, route.id).id };
}

export const NOTHING = { pings: [], skips: [], transfers: [], handshakes: [], transport: null };
