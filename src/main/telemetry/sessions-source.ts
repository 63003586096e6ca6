/**
 * QUIC sessions of this process as a source of metrics: those that a server takes, or that a probe of the command line makes
 * in whatever mode. Round trips are looked at ten times a second, counters once; those of sessions that ended are kept.
 */

import { quantile } from '../../shared/samples.ts';
import { CONNECTION_COUNTERS, type ConnectionStats, type QuicSession } from '../quic/udp/api.ts';
import type { MetricsSource, SourceLabels, SourceReading } from './source.ts';
import type { SourceTotals } from './totals.ts';

const LOOK_EVERY_MS = 100;
/** Sessions whose round trip is looked at in one look, by turns: of a thousand, too, it stays short. */
const LOOKED_AT = 10;
const WINDOW_MS = 60_000;
const COUNT_EVERY_MS = 1000;

type Counters = Record<(typeof CONNECTION_COUNTERS)[number], number>;

/** Payload that arrived so far: at clients, and at servers. */
interface Payload {
  down: number;
  up: number;
}

interface Count {
  atMs: number;
  sent: number;
  lost: number;
  payload: Payload | null;
}

export interface SessionsSourceOptions {
  labels: SourceLabels;
  totals: SourceTotals;
  payload?: () => Payload | null;
  /** What somebody else knows better than sessions tell, or beside it. */
  beside?: () => SourceReading;
}

export class SessionsSource implements MetricsSource {
  readonly labels: SourceLabels;
  readonly #options: SessionsSourceOptions;
  /** The newest last. */
  readonly #live = new Set<QuicSession>();
  /** Of them, those whose handshake was not complete yet. */
  readonly #early = new Set<QuicSession>();
  readonly #ended: Counters = Object.fromEntries(CONNECTION_COUNTERS.map((name) => [name, 0])) as Counters;
  /** Whether there was a session at all. */
  #any = false;
  /** Newest round trips, one of a session at most each look. */
  readonly #rtts: { atMs: number; rttUs: number }[] = [];
  /** Of the last minute, one a second. */
  readonly #counts: Count[] = [];
  #turn = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(options: SessionsSourceOptions) {
    this.labels = options.labels;
    this.#options = options;
    this.#timer = setInterval(() => this.look(performance.now()), LOOK_EVERY_MS).unref();
  }

  /** Counts a session from now on, its handshake when that is complete. */
  watch(session: QuicSession): void {
    this.#any = true;
    this.#live.add(session);
    this.#early.add(session);
    this.#countHandshakes();
    void session.closed.then(() => {
      this.#countHandshakes();
      this.#live.delete(session);
      this.#early.delete(session);
      const stats = session.stats();
      for (const name of CONNECTION_COUNTERS) this.#ended[name] += stats[name];
    });
  }

  /** `nowMs` is of any clock that only goes forward. */
  look(nowMs: number): void {
    const sessions = [...this.#live];
    for (let i = 0; i < Math.min(LOOKED_AT, sessions.length); i++) {
      const rttUs = sessions[this.#turn++ % sessions.length]!.stats().latestRttUs;
      if (rttUs === null) continue;
      this.#rtts.push({ atMs: nowMs, rttUs });
      this.#options.totals.ping(rttUs);
    }
    while (this.#rtts.length > 0 && this.#rtts[0]!.atMs <= nowMs - WINDOW_MS) this.#rtts.shift();
    const newest = this.#counts.at(-1);
    if (newest !== undefined && nowMs - newest.atMs < COUNT_EVERY_MS) return;
    const { packetsSent: sent, packetsLost: lost } = this.#counters();
    this.#counts.push({ atMs: nowMs, sent, lost, payload: this.#options.payload?.() ?? null });
    // The newest of those that are a minute old or older is what the minute began with.
    while (this.#counts.length > 1 && this.#counts[1]!.atMs <= nowMs - WINDOW_MS) this.#counts.shift();
  }

  read(): SourceReading {
    const { totals, beside } = this.#options;
    this.#countHandshakes();
    if (this.#any) this.#tell();
    const newest = [...this.#live].at(-1)?.stats();
    return {
      ...totals.read(),
      ...(newest && gauges(newest)),
      rttUs: this.#rttUs(),
      lossRatio: this.#lossRatio(),
      goodputBps: this.#goodputBps(),
      ...beside?.(),
    };
  }

  /** Looks no more. */
  end(): void {
    clearInterval(this.#timer);
  }

  #tell(): void {
    const counters = this.#counters();
    this.#options.totals.transport({ ...counters, streams: counters.streamsOpened }, this);
  }

  /** A server takes a session with early data before its handshake is complete. */
  #countHandshakes(): void {
    for (const session of this.#early) {
      const { durationUs } = session.handshake;
      if (durationUs === 0) continue;
      this.#early.delete(session);
      this.#options.totals.handshake(durationUs);
    }
  }

  #counters(): Counters {
    const counters = { ...this.#ended };
    for (const session of this.#live) {
      const stats = session.stats();
      for (const name of CONNECTION_COUNTERS) counters[name] += stats[name];
    }
    return counters;
  }

  #rttUs(): SourceReading['rttUs'] {
    if (this.#rtts.length === 0) return null;
    const rising = this.#rtts.map(({ rttUs }) => rttUs).sort((a, b) => a - b);
    return { p50: quantile(rising, 0.5), p95: quantile(rising, 0.95), p99: quantile(rising, 0.99) };
  }

  #lossRatio(): number | null {
    const first = this.#counts[0];
    const last = this.#counts.at(-1);
    if (first === undefined || last === undefined || last.sent === first.sent) return null;
    return (last.lost - first.lost) / (last.sent - first.sent);
  }

  #goodputBps(): SourceReading['goodputBps'] {
    const [before, last] = this.#counts.slice(-2);
    if (!before?.payload || !last?.payload) return null;
    const perMs = 8000 / (last.atMs - before.atMs);
    return {
      down: (last.payload.down - before.payload.down) * perMs,
      up: (last.payload.up - before.payload.up) * perMs,
    };
  }
}

/** Of the connection that came last: a window or a rate is one connection's. */
const gauges = (stats: ConnectionStats): SourceReading => ({
  cwndBytes: stats.cwndBytes,
  pacingBps: stats.pacingBps,
  rttVarUs: stats.rttVarUs,
  state: { controller: stats.controller, name: stats.controllerState },
});
