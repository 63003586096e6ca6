/** What is known about each route right now, from the events of its monitor. */
import type { PingStats, Route, RouteState, RouteStatus, Transfer } from '../../shared/domain.ts';
import type { ErrorBody } from '../../shared/errors.ts';
import { goodputBps, type PingSample, type SampleBatch, type SkipSample } from '../../shared/samples.ts';
import { Changes } from './changes.ts';
import { PingWindow } from './ping-window.ts';

/** A transfer, and when it ended by the monotonic clock, milliseconds: however the wall clock is set, it expires in time. */
interface Held {
  transfer: Transfer;
  endedMs: number;
}

interface Entry {
  runId: number | null;
  begunAtMs: number;
  state: RouteState;
  error: ErrorBody | null;
  sinceMs: number;
  window: PingWindow;
  resolvedThroughMs: number | null;
  down: Held | null;
  up: Held | null;
  payloadBps: RouteStatus['payloadBps'];
  transferError: RouteStatus['transferError'];
  handshakeUs: number | null;
  transport: RouteStatus['transport'];
}

const stopped = (sinceMs: number): Entry => ({
  runId: null,
  begunAtMs: sinceMs,
  state: 'stopped',
  error: null,
  sinceMs,
  window: new PingWindow(),
  resolvedThroughMs: null,
  down: null,
  up: null,
  payloadBps: null,
  transferError: null,
  handshakeUs: null,
  transport: null,
});

/** What the store knows of a route whose run begins. */
export interface Recent {
  /** Of the last minute, in order. */
  pings: readonly PingSample[];
  skips: readonly SkipSample[];
  /** The newest of each direction. */
  down: Transfer | null;
  up: Transfer | null;
}

/** A transfer stands for the route until another should have come twice. */
const LIFETIME_PERIODS = 2;

/** Times are unix milliseconds where not said otherwise. Entries exist from a route's first start on. */
export class StatusBoard {
  readonly changes = new Changes();
  readonly #entries = new Map<string, Entry>();
  readonly #openedAtMs: number;
  readonly #monotonicMs: () => number;

  constructor(openedAtMs: number, monotonicMs: () => number = () => performance.now()) {
    this.#openedAtMs = openedAtMs;
    this.#monotonicMs = monotonicMs;
  }

  begin(routeId: string, runId: number, recent: Recent, atMs: number): void {
    const held = (transfer: Transfer | null): Held | null => {
      if (transfer === null) return null;
      const agoMs = Math.max(0, atMs - transfer.atMs - transfer.durationUs / 1000);
      return { transfer, endedMs: this.#monotonicMs() - agoMs };
    };
    this.#entries.set(routeId, {
      ...stopped(atMs),
      runId,
      state: 'connecting',
      window: new PingWindow(recent.pings, recent.skips),
      down: held(recent.down),
      up: held(recent.up),
    });
    this.changes.bump();
  }

  /**
   * What the monitor of a begun run says; false when it is no news: a route that is down stays so until it is up, however often
   * it is set up anew.
   */
  state(routeId: string, state: RouteState, error: ErrorBody | null, atMs: number): boolean {
    const entry = this.#entries.get(routeId);
    if (entry === undefined || entry.runId === null) return false;
    if (entry.state === 'down' && state === 'connecting') return false;
    if (entry.state !== state) entry.sinceMs = atMs;
    Object.assign(entry, { state, error });
    // A connection that is gone has no window.
    if (state !== 'up') entry.transport = entry.payloadBps = null;
    this.changes.bump();
    return true;
  }

  /** The route cannot be measured, whether its run began or not. */
  fail(routeId: string, error: ErrorBody, atMs: number): void {
    const entry = this.#entries.get(routeId) ?? stopped(atMs);
    this.#entries.set(routeId, {
      ...entry,
      state: 'down',
      error,
      sinceMs: entry.state === 'down' ? entry.sinceMs : atMs,
      transport: null,
      payloadBps: null,
    });
    this.changes.bump();
  }

  samples(
    routeId: string,
    batch: SampleBatch,
    { resolvedThroughMs, payloadBps }: { resolvedThroughMs: number; payloadBps: RouteStatus['payloadBps'] },
  ): void {
    const entry = this.#entries.get(routeId);
    if (entry === undefined || entry.runId === null) return;
    entry.window.add(batch.pings);
    entry.window.addSkips(batch.skips);
    entry.resolvedThroughMs = resolvedThroughMs;
    for (const { atMs, direction, bytes, durationUs, errorCode } of batch.transfers) {
      entry.transferError = errorCode === null ? null : { atMs, direction, code: errorCode };
      if (errorCode !== null || durationUs <= 0) continue;
      const transfer = { atMs, bytes, durationUs, goodputBps: goodputBps({ bytes, durationUs }) };
      // What a monitor hands over ended less than its quarter of a second ago.
      entry[direction] = { transfer, endedMs: this.#monotonicMs() };
    }
    for (const { durationUs, purpose } of batch.handshakes) {
      if (purpose === 'ping') entry.handshakeUs = durationUs ?? entry.handshakeUs;
    }
    if (entry.state === 'up') {
      entry.transport = batch.transport ?? entry.transport;
      entry.payloadBps = payloadBps;
    }
    this.changes.bump();
  }

  end(routeId: string, atMs: number): void {
    this.#entries.set(routeId, stopped(atMs));
    this.changes.bump();
  }

  /** The moment before which all pings of the route’s run are resolved, its beginning at first; null when stopped. */
  resolvedThroughMs(routeId: string): number | null {
    const entry = this.#entries.get(routeId);
    return entry === undefined || entry.runId === null ? null : (entry.resolvedThroughMs ?? entry.begunAtMs);
  }

  /** When the newest transfer down and up of the run began; −∞ without one. */
  transfers(routeId: string): readonly number[] {
    const entry = this.#entries.get(routeId);
    return [entry?.down, entry?.up].map((held) => held?.transfer.atMs ?? Number.NEGATIVE_INFINITY);
  }

  of(route: Route): RouteStatus {
    const {
      window,
      resolvedThroughMs,
      begunAtMs: _,
      down,
      up,
      ...known
    } = this.#entries.get(route.id) ?? stopped(this.#openedAtMs);
    const ping: PingStats | null = resolvedThroughMs === null ? null : window.stats(resolvedThroughMs);
    const lifetimeMs = LIFETIME_PERIODS * 1000 * (route.transferEveryS ?? 0);
    const ifCurrent = (held: Held | null): Transfer | null =>
      held === null || this.#monotonicMs() - held.endedMs > lifetimeMs ? null : held.transfer;
    return {
      routeId: route.id,
      ...known,
      ping,
      silentSinceMs:
        known.state === 'up' && resolvedThroughMs !== null ? window.silentSinceMs(resolvedThroughMs) : null,
      down: ifCurrent(down),
      up: ifCurrent(up),
      emulated: route.emulation !== null,
      insecure: route.insecure,
    };
  }
}
