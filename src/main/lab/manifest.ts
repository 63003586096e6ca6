/** Manifests: what one needs to measure something the same way again. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Route } from '../../shared/domain.ts';
import { RouteInput } from '../../shared/domain.ts';
import { type ExperimentKind, MANIFEST_VERSION, type Manifest } from '../../shared/experiments.ts';
import { ProbeInput } from '../../shared/probes.ts';
import type { AppInfo } from './app-info.ts';

/** Manifests made from different sets of settings cannot be compared field by field. */
export const schemaHash = (settings: z.ZodType): string =>
  createHash('sha256')
    .update(JSON.stringify(z.toJSONSchema(settings, { io: 'input' })))
    .digest('hex');

const MONITOR_SCHEMA = schemaHash(RouteInput);
const PROBE_SCHEMA = schemaHash(ProbeInput);

/** Of an experiment of any kind, made here and now. */
function manifestOf(
  kind: ExperimentKind,
  schema: string,
  app: AppInfo,
  measured: Pick<Manifest, 'seed' | 'routes' | 'parameters'>,
): Manifest {
  const { version, commit, os, node } = app;
  return { manifest: MANIFEST_VERSION, kind, schema, app: { version, commit }, os, node, ...measured };
}

export function monitorManifest(route: Route, app: AppInfo): Manifest {
  const { id, name, colour, enabled, createdAtMs, demo, declared, ...settings } = route;
  // The demo's server takes a free port each time; that is not a difference between experiments.
  const { port, ...portless } = settings;
  return manifestOf(demo ? 'demo' : 'monitor', MONITOR_SCHEMA, app, {
    seed: route.emulation === null ? null : emulationSeed(id),
    routes: [{ id, name, demo, ...portless, ...(demo ? {} : { port }) }],
    parameters: {},
  });
}

/** `seed` of the emulated path; null where there is none. A route that is probed is told as it is now. */
export const probeManifest = (
  input: ProbeInput,
  route: Route | null,
  seed: number | null,
  app: AppInfo,
): Manifest =>
  manifestOf('probe', PROBE_SCHEMA, app, {
    seed,
    routes: route === null ? [] : monitorManifest(route, app).routes,
    parameters: input,
  });

/** Of an experiment of cells; `seed` is what those of its cells are drawn from. */
export const cellsManifest = (
  kind: ExperimentKind,
  settings: z.ZodType,
  parameters: Manifest['parameters'],
  seed: number,
  app: AppInfo,
): Manifest => manifestOf(kind, schemaHash(settings), app, { seed, routes: [], parameters });

/** Seed of an emulated route's random choices: the same for every run of the route (FNV-1a of its id). */
export function emulationSeed(routeId: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(routeId)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
