/** How probes and monitors are measured again. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Route, RouteInput } from '../../shared/domain.ts';
import { LabError, toLabError } from '../../shared/errors.ts';
import { ProbeInput, type ProbeTarget } from '../../shared/probes.ts';
import type { Store } from '../store/index.ts';
import type { AppInfo } from './app-info.ts';
import { type Executor, executor, type Request } from './executor.ts';
import { experimentWith } from './experiments.ts';
import type { Log } from './log.ts';
import { emulationSeed, monitorManifest } from './manifest.ts';
import type { Probes } from './probes.ts';
import type { Routes } from './routes.ts';

export function probeExecutor(store: Store, probes: Probes): Executor {
  return executor<ProbeInput>({
    schema: ProbeInput,
    settingsAt: 'parameters',
    begin({ manifest, settings, durationS, repetitions, signal }) {
      const input = {
        ...settings,
        ...(durationS !== null && { durationS }),
        target: targetHere(settings.target, manifest.routes[0], store),
      };
      const seed = manifest.seed ?? undefined;
      const runs = Array.from({ length: repetitions }, () => probes.start(ProbeInput.parse(input), seed));
      const experimentId = store.probes.experimentOf(runs[0]!.id);
      const cancel = (): void => {
        for (const { id } of runs) void probes.cancel(id).catch(() => null);
      };
      signal.addEventListener('abort', cancel, { once: true });
      const over = Promise.all(runs.map(({ id }) => probes.over(id))).then(() =>
        signal.removeEventListener('abort', cancel),
      );
      return { experimentId, over };
    },
  });
}

/** A route as it was: this lab's, where it is the same still, else the way to it. */
function targetHere(
  target: ProbeTarget,
  told: Readonly<Record<string, unknown>> | undefined,
  store: Store,
): ProbeTarget {
  if (target.kind !== 'route' || told === undefined) return target;
  const here = store.routes.list().find(({ id }) => id === target.id);
  const { id, name, demo, port = 1, tags, ...settings } = told;
  const was = RouteInput.parse({ ...settings, name, port, tags: [] });
  const isSame =
    here !== undefined &&
    here.demo === demo &&
    JSON.stringify(pathOf(here)) === JSON.stringify(pathOf({ ...was, port: demo ? here.port : was.port }));
  if (isSame) return target;
  if (demo === true && was.emulation !== null) return { kind: 'emulated', emulation: was.emulation };
  if (was.emulation === null) {
    const { host, serverName, insecure } = was;
    return { kind: 'address', host, port: was.port, serverName, insecure };
  }
  throw new LabError(
    'RL_CONFLICT',
    `This lab has no route ${target.id} as it was measured (${String(name)})`,
    {
      field: 'routes',
      hint: 'Add the route with the settings that the manifest gives it, and try again.',
    },
  );
}

const pathOf = ({ host, port, serverName, insecure, emulation }: RouteInput): unknown[] => [
  host,
  port,
  serverName,
  insecure,
  emulation,
];

/** What a route that is measured again is counted as. */
interface Replay {
  experimentId: number;
  key: string;
  seed: number;
}

/** Which experiment the runs of a monitored route belong to. */
export class MonitorExperiments {
  readonly #store: Store;
  readonly #app: AppInfo;
  readonly #replays = new Map<string, Replay>();

  constructor(store: Store, app: AppInfo) {
    this.#store = store;
    this.#app = app;
  }

  of(route: Route): Replay {
    const replay = this.#replays.get(route.id);
    if (replay !== undefined) return replay;
    const manifest = monitorManifest(route, this.#app);
    const experimentId = experimentWith(this.#store, `Monitor ${route.name}`, manifest);
    return { experimentId, key: route.id, seed: emulationSeed(route.id) };
  }

  /** A monitor's manifest is measured on a route of its own, which is taken off the list again. */
  executor(routes: Routes, log: Log): Executor {
    return executor<RouteInput>({
      schema: RouteInput,
      settingsAt: 'routes',
      begin: (request) => {
        const { durationS } = request;
        if (durationS === null)
          throw new LabError('RL_INPUT_INVALID', 'durationS: is missing; a monitor has no end of its own', {
            field: 'durationS',
            hint: 'Say how long to measure: --duration 60s.',
          });
        const told = request.manifest.routes[0]!;
        const demo = told['demo'] === true;
        const key = String(told['id'] ?? request.settings.name);
        const was: Route = {
          ...request.settings,
          id: key,
          demo,
          declared: false,
          colour: 0,
          enabled: true,
          createdAtMs: 0,
        };
        const seed = request.manifest.seed ?? emulationSeed(key);
        const again = monitorManifest(was, this.#app);
        const manifest = { ...again, seed: again.seed === null ? null : seed };
        const experimentId = experimentWith(this.#store, `Monitor ${was.name}`, manifest);
        const over = this.#measure(request, routes, was, { experimentId, key, seed }).catch(
          (thrown: unknown) =>
            log.error(
              { experiment: experimentId, reason: toLabError(thrown).message },
              'a monitor cannot be run again',
            ),
        );
        return { experimentId, over };
      },
    });
  }

  async #measure(
    { settings, durationS, repetitions, signal }: Request<RouteInput>,
    routes: Routes,
    { demo }: Route,
    replay: Replay,
  ): Promise<void> {
    for (let left = repetitions; left > 0 && !signal.aborted; left--) {
      const route = routes.replay(settings, demo, (id) => this.#replays.set(id, replay));
      await delay(durationS! * 1000, undefined, { signal }).catch(() => {});
      await routes.remove(route.id);
      this.#replays.delete(route.id);
    }
  }
}
