/**
 * The monitors of started routes: for each a run in the store, a relay where the path is emulated, and a probe.
 * What one route is asked happens in order; routes do not wait for one another. When a worker is started again,
 * every route that needed it is put together anew, in the same run.
 */
import { isIP } from 'node:net';
import type { Emulation, Route, RouteState } from '../../shared/domain.ts';
import { toLabError } from '../../shared/errors.ts';
import type { Run } from '../../shared/experiments.ts';
import { type SampleBatch, wholeMicroseconds, wholeSkip } from '../../shared/samples.ts';
import type { Store } from '../store/index.ts';
import type { MonitorEvent, ProbeWorkerMethods, RelayWorkerMethods } from '../workers/protocol.ts';
import type { Ends } from './ends.ts';
import type { Log } from './log.ts';
import { WINDOW_MS } from './ping-window.ts';
import type { StatusBoard } from './status-board.ts';
import type { LabWorker } from './worker.ts';

interface Address {
  host: string;
  port: number;
}

export interface MonitorsOptions {
  store: Store;
  board: StatusBoard;
  probe: LabWorker<ProbeWorkerMethods, MonitorEvent>;
  relay: LabWorker<RelayWorkerMethods>;
  /** Throws RL_INPUT_INVALID for a path that cannot be emulated here. */
  requireEmulable: (emulation: Emulation) => Promise<void>;
  ends: Ends;
  log: Log;
  /** PEM certificates trusted beside the system's roots. */
  ca: readonly string[];
  /** Where the demo's server listens; starts it when needed. */
  demoAddress: () => Promise<Address>;
  /** The experiment that a run of this route belongs to, by what key, and the seed of its emulated path. */
  experimentOf: (route: Route) => { experimentId: number; key: string; seed: number };
  onSamples: (route: Route, batch: SampleBatch) => void;
}

interface Active {
  route: Route;
  run: Pick<Run, 'id' | 'experimentId'>;
  /** Waits to set the route up again. */
  retry: NodeJS.Timeout | null;
  failures: number;
}

/** Before a run that could not be stored is tried again. */
const BEGIN_AGAIN_MS = 10_000;
/** Pauses before a route that could not be set up is tried again: they double. */
const RETRY_MS = { first: 500, longest: 30_000 } as const;
/** An emulated path whose far end has a name is made anew when it has been down this long: the name may have moved. */
const RESOLVE_AGAIN_MS = 15_000;

export class Monitors {
  readonly #options: MonitorsOptions;
  readonly #active = new Map<string, Active>();
  readonly #queues = new Map<string, Promise<void>>();
  /** Of routes whose run could not be stored: they have none, and begin once it can. */
  readonly #unbegun = new Map<string, NodeJS.Timeout>();

  constructor(options: MonitorsOptions) {
    this.#options = options;
  }

  /** Begins a run of the route, unless it has one. What goes wrong shows in its status. */
  start(routeId: string): Promise<void> {
    return this.#inOrder(routeId, () => this.#begin(routeId));
  }

  /** Ends the route's run, if it has one; everything measured is stored. `cancelled` is one cut short of its time. */
  stop(routeId: string, as: 'done' | 'cancelled' = 'done'): Promise<void> {
    return this.#inOrder(routeId, () => this.#end(routeId, as));
  }

  /** Ends the route's run and begins another with its new settings. */
  restart(routeId: string): Promise<void> {
    return this.#inOrder(routeId, async () => {
      await this.#end(routeId);
      await this.#begin(routeId);
    });
  }

  /** The route goes by another name or has other tags: nothing that is measured changes. */
  rename(route: Route): void {
    const active = this.#active.get(route.id);
    if (active !== undefined) active.route = route;
  }

  async stopAll(): Promise<void> {
    await Promise.all(
      [...this.#queues.keys(), ...this.#active.keys(), ...this.#unbegun.keys()].map((id) => this.stop(id)),
    );
  }

  /** Ends all runs now, whatever their probes and relays still do. */
  abandon(): void {
    for (const routeId of this.#unbegun.keys()) this.#callOffBeginning(routeId);
    for (const routeId of this.#active.keys()) this.#ended(routeId);
  }

  /** For the probe's events. */
  receive(event: MonitorEvent): void {
    const active = this.#active.get(event.routeId);
    if (active === undefined) return;
    const { store, board, onSamples } = this.#options;
    if (event.type === 'state') {
      const { state, error, atMs } = event;
      if (board.state(event.routeId, state, error, atMs))
        store.writer.event(event.routeId, { atMs, state, error });
      this.#watchName(active, state);
      return;
    }
    const batch: SampleBatch = {
      pings: event.pings.map(wholeMicroseconds),
      skips: event.skips.map(wholeSkip),
      transfers: event.transfers,
      handshakes: event.handshakes,
      transport: event.transport,
    };
    store.writer.add(active.run.id, batch);
    // Rounded down, like the pings' own times to the microsecond: one sent at this very moment is not in the window.
    const resolvedThroughMs = Math.floor(event.resolvedThroughMs * 1000) / 1000;
    board.samples(event.routeId, batch, { resolvedThroughMs, payloadBps: event.payloadBps });
    onSamples(active.route, batch);
  }

  /** A worker that these routes need is gone. */
  lost(error: Error, isAffected: (route: Route) => boolean): void {
    for (const { route } of this.#active.values()) {
      if (isAffected(route)) this.#down(route.id, error);
    }
  }

  /** The worker is back: these routes' paths and probes are made again, in their runs. */
  reconnect(isAffected: (route: Route) => boolean): void {
    for (const { route } of this.#active.values()) {
      if (isAffected(route)) this.#again(route.id);
    }
  }

  /** Puts a route's path and probe together anew, in its run. */
  #again(routeId: string): void {
    void this.#inOrder(routeId, async () => {
      const active = this.#active.get(routeId);
      if (active === undefined) return;
      await this.#disconnect(active);
      await this.#connect(active);
    });
  }

  #retryIn(active: Active, ms: number): void {
    this.#callOffRetry(active);
    active.retry = setTimeout(() => this.#again(active.route.id), ms);
  }

  #callOffRetry(active: Active): void {
    if (active.retry !== null) clearTimeout(active.retry);
    active.retry = null;
  }

  /** The probe sees only the relay, so nobody else notices when the far end's name leads elsewhere. */
  #watchName(active: Active, state: RouteState): void {
    const { emulation, demo, host } = active.route;
    if (emulation === null || demo || isIP(withoutBrackets(host)) !== 0) return;
    if (state === 'up') this.#callOffRetry(active);
    else if (state === 'down' && active.retry === null) this.#retryIn(active, RESOLVE_AGAIN_MS);
  }

  async #begin(routeId: string): Promise<void> {
    this.#callOffBeginning(routeId);
    if (this.#active.has(routeId)) return;
    const { store, board } = this.#options;
    // As it is now: it may have been changed, stopped or removed while this waited for its turn.
    const route = store.routes.list().find(({ id }) => id === routeId);
    if (route?.enabled !== true) return;
    const atMs = Date.now();
    const run = this.#newRun(route);
    const active: Active = { route, run, retry: null, failures: 0 };
    this.#active.set(route.id, active);
    const fromMs = atMs - WINDOW_MS;
    const recent = {
      pings: store.pings(route.id, fromMs, atMs),
      skips: store.skips(route.id, fromMs, atMs),
      ...store.lastTransfers(route.id),
    };
    board.begin(route.id, run.id, recent, atMs);
    await this.#connect(active);
  }

  /** Throws why it cannot be stored; then it is tried again. */
  #newRun(route: Route): Run {
    const { store, experimentOf } = this.#options;
    try {
      const { experimentId, key } = experimentOf(route);
      return store.runs.start(experimentId, route.id, key);
    } catch (thrown) {
      this.#unbegun.set(
        route.id,
        setTimeout(() => void this.start(route.id), BEGIN_AGAIN_MS),
      );
      throw thrown;
    }
  }

  /** Whether there was something to call off. */
  #callOffBeginning(routeId: string): boolean {
    clearTimeout(this.#unbegun.get(routeId));
    return this.#unbegun.delete(routeId);
  }

  async #end(routeId: string, as: 'done' | 'cancelled' = 'done'): Promise<void> {
    if (this.#callOffBeginning(routeId)) this.#options.board.end(routeId, Date.now());
    const active = this.#active.get(routeId);
    if (active === undefined) return;
    await this.#disconnect(active);
    this.#ended(routeId, as);
  }

  #ended(routeId: string, as: 'done' | 'cancelled' = 'done'): void {
    const active = this.#active.get(routeId);
    if (active === undefined) return;
    this.#active.delete(routeId);
    this.#callOffRetry(active);
    const { store, board, ends } = this.#options;
    const atMs = Date.now();
    store.writer.event(routeId, { atMs, state: 'stopped', error: null });
    store.writer.flush();
    // What it came to is added up by whoever asks, or by upkeep: a lab that closes has many to end.
    ends.keepRun(active.run, as);
    board.end(routeId, atMs);
  }

  /** Never rejects: what cannot be set up is down, and tried again. */
  async #connect(active: Active): Promise<void> {
    const { route } = active;
    try {
      const { host, port } = await this.#pathOf(route);
      await this.#options.probe.request('start', {
        routeId: route.id,
        host,
        port,
        serverName: route.serverName ?? withoutBrackets(route.host),
        controller: route.controller,
        parameters: route.parameters,
        pingRate: route.pingRate,
        transferEveryS: route.transferEveryS,
        transferBytes: route.transferBytes,
        trust: { ca: this.#options.ca, system: true, insecure: route.insecure },
      });
      active.failures = 0;
    } catch (thrown) {
      if (this.#active.get(route.id) !== active) return;
      this.#down(route.id, thrown);
      this.#retryIn(active, Math.min(RETRY_MS.longest, RETRY_MS.first * 2 ** active.failures++));
    }
  }

  /** Never rejects: a worker that is gone has nothing left to end. */
  async #disconnect(active: Active): Promise<void> {
    const { route } = active;
    this.#callOffRetry(active);
    const { probe, relay, log } = this.#options;
    const ignore = (error: unknown): void =>
      log.info({ route: route.id, reason: toLabError(error).message }, 'a worker could not be told to stop');
    await probe.request('stop', { routeId: route.id }).catch(ignore);
    if (route.emulation !== null) await relay.request('close', { id: route.id }).catch(ignore);
  }

  async #pathOf(route: Route): Promise<Address> {
    const to = route.demo
      ? await this.#options.demoAddress()
      : { host: withoutBrackets(route.host), port: route.port };
    if (route.emulation === null) return to;
    const { relay, requireEmulable, experimentOf } = this.#options;
    await requireEmulable(route.emulation);
    const { seed } = experimentOf(route);
    return relay.request('open', { id: route.id, to, emulation: route.emulation, seed });
  }

  #down(routeId: string, thrown: unknown): void {
    const { store, board, log } = this.#options;
    const error = toLabError(thrown).toBody();
    const atMs = Date.now();
    log.warn({ route: routeId, code: error.code, reason: error.message }, 'a route cannot be measured');
    board.fail(routeId, error, atMs);
    store.writer.event(routeId, { atMs, state: 'down', error });
  }

  /** Never rejects: a failure of the store is logged and shows as the route being down. */
  #inOrder(routeId: string, task: () => Promise<void>): Promise<void> {
    const before = this.#queues.get(routeId) ?? Promise.resolve();
    const done = before.then(task).catch((thrown: unknown) => this.#down(routeId, thrown));
    this.#queues.set(routeId, done);
    return done.then(() => {
      if (this.#queues.get(routeId) === done) this.#queues.delete(routeId);
    });
  }
}

/** `[::1]` is how an IPv6 address is written, `::1` what it is. */
const withoutBrackets = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');
