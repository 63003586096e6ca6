/** What can be done with routes: their life from creation to removal and back, and the demo lab's six. */
import { type Route, RouteInput, type RoutePatch } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { checkParameters } from '../congestion/index.ts';
import { DEMO_PATHS } from '../path/profiles.ts';
import type { Store } from '../store/index.ts';
import type { Monitors } from './monitors.ts';
import { OWN_HOST, OWN_SERVER_NAME, type OwnEndpoint } from './own-endpoint.ts';

/** Fields that say how a route is called and marked, not what is measured. */
const LABELS: ReadonlySet<string> = new Set(['name', 'tags']);
/** Fields of a demo route that belong to the demo's own server. */
const DEMO_OWNED = ['host', 'port', 'serverName', 'insecure'] as const;

const demoId = (name: string): string => `demo-${name.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;

export class Routes {
  readonly #store: Store;
  readonly #monitors: Monitors;
  readonly #demo: OwnEndpoint;
  readonly #onChange: () => void;
  readonly #onRemove: (id: string) => void;
  /** Starts and stops of the demo, one after the other. */
  #demoTurn: Promise<unknown> = Promise.resolve();

  /** `onChange` is told that the set of routes, or what is known of one, changed. */
  constructor(options: {
    store: Store;
    monitors: Monitors;
    demo: OwnEndpoint;
    onChange: () => void;
    onRemove: (id: string) => void;
  }) {
    this.#store = options.store;
    this.#monitors = options.monitors;
    this.#demo = options.demo;
    this.#onChange = options.onChange;
    this.#onRemove = options.onRemove;
  }

  list(): Route[] {
    return this.#store.routes.list();
  }

  /** Throws RL_NOT_FOUND. */
  get(id: string): Route {
    return this.#store.routes.get(id);
  }

  /** A new route, probed from now on. Throws RL_CONFLICT when the name is taken, RL_INPUT_INVALID for its parameters. */
  create(input: RouteInput): Route {
    checkParameters(input.controller, input.parameters);
    const route = this.#store.routes.create(input, { demo: false, enabled: true });
    this.#begin(route);
    return route;
  }

  /**
   * A route that is measured as another was, for a while, under a name of its own. `onMade` is told its id before it is probed.
   * Throws RL_INPUT_INVALID for its parameters.
   */
  replay(input: RouteInput, demo: boolean, onMade: (id: string) => void): Route {
    checkParameters(input.controller, input.parameters);
    const taken = new Set(this.list().map(({ name }) => name));
    let name = `${input.name.slice(0, 50)} (again)`;
    for (let n = 2; taken.has(name); n++) name = `${input.name.slice(0, 50)} (again ${n})`;
    const route = this.#store.routes.create({ ...input, name }, { demo, enabled: true });
    onMade(route.id);
    this.#begin(route);
    return route;
  }

  /**
   * Another controller than before begins with its defaults, unless told others. Throws RL_NOT_FOUND, RL_CONFLICT, and RL_INPUT_INVALID for parameters that its controller does not have and for what a demo
   * route does not decide itself.
   */
  update(id: string, patch: RoutePatch): Route {
    this.#requireOwn(id);
    const before = this.#store.routes.get(id);
    const owned = before.demo
      ? DEMO_OWNED.find((field) => patch[field] !== undefined && patch[field] !== before[field])
      : undefined;
    if (owned !== undefined) {
      throw new LabError('RL_INPUT_INVALID', `${owned}: a demo route leads to the demo’s own server`, {
        field: owned,
      });
    }
    const { controller = before.controller } = patch;
    const { parameters = controller === before.controller ? before.parameters : {} } = patch;
    checkParameters(controller, parameters);
    return this.#changed(before, this.#store.routes.update(id, { ...patch, parameters }));
  }

  #changed(before: Route, route: Route): Route {
    this.#monitors.rename(route);
    const isRemeasured = (Object.keys(RouteInput.shape) as (keyof RouteInput)[]).some(
      (field) => !LABELS.has(field) && JSON.stringify(route[field]) !== JSON.stringify(before[field]),
    );
    if (isRemeasured && route.enabled) void this.#monitors.restart(route.id);
    this.#onChange();
    return route;
  }

  /** Stops the route and takes it off the list; its measurements are kept. Throws RL_NOT_FOUND. */
  remove(id: string, as: 'done' | 'cancelled' = 'done'): Promise<void> {
    this.#requireOwn(id);
    return this.#remove(id, as);
  }

  async #remove(id: string, as: 'done' | 'cancelled' = 'done'): Promise<void> {
    // First off the list: from here on nobody can start it again while its monitor says goodbye.
    this.#store.routes.remove(id);
    await this.#monitors.stop(id, as);
    this.#onRemove(id);
    this.#onChange();
  }

  /**
   * Makes a route of lab.yaml what the file says: a new one, one that was removed, or one of the same id. Throws RL_CONFLICT
   * when a demo route has the id or another the name, RL_INPUT_INVALID for its parameters; nothing is changed then.
   */
  declare(id: string, input: RouteInput): void {
    const { routes } = this.#store;
    const present = this.list().find((route) => route.id === id);
    if ((present ?? routes.removed().find((route) => route.id === id))?.demo)
      throw new LabError('RL_CONFLICT', `The demo has a route "${id}"`, { field: 'id' });
    checkParameters(input.controller, input.parameters);
    const route = routes.declare(id, input);
    if (present === undefined) this.#begin(route);
    else this.#changed(present, route);
  }

  /** The route is no longer one of lab.yaml: it becomes like any other. */
  release(id: string): void {
    this.#store.routes.setDeclared(id, false);
    this.#onChange();
  }

  /** The file does not list the route any more: its measurements are kept. */
  async undeclare(id: string): Promise<void> {
    this.release(id);
    await this.#remove(id);
  }

  #requireOwn(id: string): void {
    if (!this.#store.routes.get(id).declared) return;
    throw new LabError('RL_CONFLICT', `Route "${id}" is listed in lab.yaml`, {
      field: 'id',
      hint: 'Change it there: the lab follows the file.',
    });
  }

  /** Puts a removed route back as it was. Throws RL_NOT_FOUND, RL_CONFLICT. */
  restore(id: string): Route {
    const route = this.#store.routes.restore(id);
    this.#begin(route);
    return route;
  }

  /** Throws RL_NOT_FOUND. */
  start(id: string): Route {
    const route = this.#store.routes.setEnabled(id, true);
    this.#begin(route);
    return route;
  }

  /** Throws RL_NOT_FOUND. */
  async stop(id: string): Promise<Route> {
    const route = this.#store.routes.setEnabled(id, false);
    await this.#monitors.stop(id);
    return route;
  }

  /** Probing goes on where the last session left it; without `demo`, the demo's routes are stopped first. */
  resume(demo: boolean): void {
    for (const route of this.list()) {
      if (!demo && route.demo && route.enabled) this.#store.routes.setEnabled(route.id, false);
      else this.#begin(route);
    }
  }

  /** Six emulated routes to the demo's server, probed from now on. Throws RL_CONFLICT when a name is taken. */
  startDemo(): Promise<Route[]> {
    return this.#inTurn(() => this.#startDemo());
  }

  /** Stops and removes the demo's routes, and its server. */
  stopDemo(): Promise<void> {
    return this.#inTurn(async () => {
      const demo = this.list().filter((route) => route.demo);
      await Promise.all(demo.map((route) => this.remove(route.id)));
      await this.#demo.stop();
    });
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const turn = this.#demoTurn.then(task);
    this.#demoTurn = turn.catch(() => undefined);
    return turn;
  }

  async #startDemo(): Promise<Route[]> {
    const { port } = await this.#demo.address();
    const taken = new Set(this.list().flatMap((route) => (route.demo ? [] : [route.name])));
    const clash = DEMO_PATHS.find(({ name }) => taken.has(name));
    if (clash !== undefined) {
      throw new LabError('RL_CONFLICT', `There is already a route named "${clash.name}"`, { field: 'name' });
    }
    const removed = new Set(this.#store.routes.removed().map((route) => route.id));
    const present = new Set(this.list().map((route) => route.id));
    const routes = DEMO_PATHS.map(({ name, emulation }) => {
      const id = demoId(name);
      const host = OWN_HOST;
      const input = RouteInput.parse({ name, host, port, serverName: OWN_SERVER_NAME, emulation });
      if (removed.has(id)) {
        this.#store.routes.restore(id);
        this.#store.routes.update(id, input);
      } else if (!present.has(id)) {
        this.#store.routes.create(input, { demo: true, enabled: true, id });
      }
      return this.#store.routes.setEnabled(id, true);
    });
    for (const route of routes) this.#begin(route);
    return routes;
  }

  #begin(route: Route): void {
    if (route.enabled) void this.#monitors.start(route.id);
    this.#onChange();
  }
}
