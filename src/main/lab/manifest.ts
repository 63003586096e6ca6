/** The manifest of a monitored route: what one needs to measure it the same way again. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { type Experiment, type Route, RouteInput } from '../../shared/domain.ts';
import type { AppInfo } from './app-info.ts';

const VERSION = 1;

/** Manifests made from different sets of route settings cannot be compared field by field. */
const SCHEMA_HASH = createHash('sha256')
  .update(JSON.stringify(z.toJSONSchema(RouteInput, { io: 'input' })))
  .digest('hex');

export function monitorManifest(route: Route, app: AppInfo): Experiment['manifest'] {
  const { id, name, colour, enabled, createdAtMs, demo, ...settings } = route;
  // The demo's server takes a free port each time; that is not a difference between experiments.
  const { port, ...portless } = settings;
  return {
    manifest: VERSION,
    schema: SCHEMA_HASH,
    app: { version: app.version, commit: app.commit },
    os: app.os,
    node: app.node,
    seed: emulationSeed(id),
    routes: [{ id, name, demo, ...portless, ...(demo ? {} : { port }) }],
    parameters: {},
  };
}

/** Seed of an emulated route's random choices: the same for every run of the route (FNV-1a of its id). */
export function emulationSeed(routeId: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(routeId)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
