/**
 * One measurement of one server, in any mode: what `routelab probe` and the lab's probe runs do. Nothing is pushed: whoever
 * owns it asks how far it is, what was measured so far and what the congestion controllers did since last asked.
 */
import { appendSeries, emptySeries } from '../../shared/congestion-series.ts';
import type { PingStats } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import {
  type ProbeMode,
  type ProbeResult,
  type ProbeSeries,
  type ProbeTransport,
  senderFirst,
} from '../../shared/probes.ts';
import {
  goodputBps,
  type HandshakeSample,
  type PingSample,
  pingStats,
  quantile,
} from '../../shared/samples.ts';
import type {
  CloseInfo,
  CongestionRecord,
  ConnectOptions,
  HandshakeInfo,
  QuicSession,
} from '../quic/udp/api.ts';
import { connectQuic } from '../quic/udp/client.ts';
import { nowUs } from '../quic/udp/clock.ts';
import { connectionEnded } from './ended.ts';
import { runHandshakes } from './handshake.ts';
import { type ControllerWish, transportOf } from './observation.ts';
import { type Observed, observe } from './observe.ts';
import { Pinger } from './ping.ts';
import { PingTally } from './ping-tally.ts';
import { download, type Received, upload } from './throughput.ts';

/** What nothing else says ends after so long. */
const DEFAULT_DURATION_MS = 10_000;
const DEFAULT_HANDSHAKES = 10;
/** Of a server that is asked for its counters alone. */
const SELDOM_US = 10_000_000;

export interface ProbePlan {
  mode: ProbeMode;
  /** Of pings or handshakes. */
  count?: number | undefined;
  /** Default 10 s, unless `count` or `bytes` ends it. */
  durationMs?: number | undefined;
  /** Pings per second; default 10. */
  ratePerS?: number | undefined;
  /** Payload of a transfer, in each direction. */
  bytes?: number | undefined;
  /** Whether handshakes resume sessions. */
  resume?: boolean | undefined;
  /** Records what the controllers do: a point at most each so many microseconds. Null records nothing. */
  everyUs: number | null;
  /** The controller the server is asked to use for what it sends; null leaves it its own. */
  wish: ControllerWish | null;
}

/** Statistics of pings as they were resolved, in any order. */
export const pingFigures = (pings: readonly PingSample[]): PingStats =>
  pingStats(
    pings.toSorted((a, b) => a.atMs - b.atMs),
    [],
    0,
    Number.POSITIVE_INFINITY,
  );

export class Measurement {
  /** For a person: what the figures alone do not say. */
  readonly remarks: string[] = [];
  /** Whether the server uses the controller that the plan asks for; null where nothing was asked or it does not tell. */
  followed: boolean | null = null;
  /** Handshakes that resumed a session. */
  resumed = 0;
  /** Time of the newest echo or handshake. */
  newestUs: number | null = null;
  lostPings = 0;

  readonly #connect: ConnectOptions;
  readonly #plan: ProbePlan;
  readonly #signal: AbortSignal;
  readonly #pings: PingSample[] = [];
  readonly #tally = new PingTally();
  readonly #handshakes: Pick<HandshakeSample, 'durationUs'>[] = [];
  #negotiated: HandshakeInfo | null = null;
  #startedAtUs = 0;
  #endedAtUs: number | null = null;
  /** When the handshake was over and the mode's own work began. */
  #fromUs: number | null = null;
  #down: Received | null = null;
  #up: Received | null = null;
  #session: QuicSession | null = null;
  #transport: ProbeTransport[] | null = null;
  #watch: CongestionRecord | null = null;
  #told = emptySeries();
  /** The controller that the server of a download said it uses. */
  #serverController: string | null = null;

  /** `signal` ends it early; what was measured by then counts. */
  constructor(connect: ConnectOptions, plan: ProbePlan, signal: AbortSignal) {
    this.#connect = { ...connect, signal };
    this.#plan = plan;
    this.#signal = signal;
  }

  /** Measures. Rejects with a LabError when it failed or was not answered; `result` then still says what was measured. */
  async run(): Promise<void> {
    this.#startedAtUs = nowUs();
    try {
      if (this.#plan.mode === 'handshake') await this.#measureHandshakes();
      else await this.#measureSession(this.#plan.mode);
    } catch (thrown) {
      if (!this.#signal.aborted) throw thrown;
    } finally {
      this.#endedAtUs = nowUs();
    }
    const silence = this.#signal.aborted ? null : this.#silence();
    if (silence !== null) throw silence;
  }

  /** Of transfers: what arrived so far, both directions together. */
  get received(): Received {
    return {
      bytes: (this.#down?.bytes ?? 0) + (this.#up?.bytes ?? 0),
      durationUs: Math.max(this.#down?.durationUs ?? 0, this.#up?.durationUs ?? 0),
    };
  }

  /** The part that is done, 0 to 1, and how many seconds the rest will take, as far as that is known. */
  progress(): { part: number; leftS: number | null } {
    if (this.#endedAtUs !== null) return { part: 1, leftS: 0 };
    if (this.#fromUs === null) return { part: 0, leftS: null };
    const { mode, bytes } = this.#plan;
    const elapsedUs = nowUs() - this.#fromUs;
    const isTransfer = mode === 'download' || mode === 'upload' || mode === 'bidi';
    const parts = [0];
    if (isTransfer && bytes !== undefined)
      parts.push(this.received.bytes / (mode === 'bidi' ? 2 * bytes : bytes));
    if (!isTransfer && this.#count !== undefined)
      parts.push((mode === 'ping' ? this.#pings.length : this.#handshakes.length) / this.#count);
    if (this.#durationMs !== undefined) parts.push(elapsedUs / 1000 / this.#durationMs);
    const part = Math.min(1, Math.max(...parts));
    return { part, leftS: part === 0 ? null : (elapsedUs * (1 / part - 1)) / 1e6 };
  }

  /** What was measured so far. */
  result(): ProbeResult {
    const { mode } = this.#plan;
    const isOver = this.#endedAtUs !== null;
    const pings = mode !== 'ping' ? null : isOver ? pingFigures(this.#pings) : this.#tally.figures();
    const times = this.#handshakes.flatMap(({ durationUs }) => durationUs ?? []).sort((a, b) => a - b);
    const rate = (received: Received | null): number | null =>
      received === null || received.durationUs <= 0 ? null : Math.round(goodputBps(received));
    const handshakes =
      mode === 'handshake' ? { sent: this.#handshakes.length, received: times.length } : null;
    const live = this.#session && transportOf('client', this.#session.stats());
    return {
      durationUs: (this.#endedAtUs ?? nowUs()) - this.#startedAtUs,
      sent: pings?.sent ?? handshakes?.sent ?? null,
      received: pings?.received ?? handshakes?.received ?? null,
      lossRatio: pings?.lossRatio ?? null,
      rttUs: pings?.rttUs ?? null,
      jitterUs: pings?.jitterUs ?? null,
      bytesDown: this.#down?.bytes ?? null,
      bytesUp: this.#up?.bytes ?? null,
      goodputDownBps: rate(this.#down),
      goodputUpBps: rate(this.#up),
      handshakeUs:
        times.length === 0
          ? null
          : { min: quantile(times, 0), p50: quantile(times, 0.5), p95: quantile(times, 0.95) },
      negotiated: this.#negotiated && {
        alpn: this.#negotiated.alpn,
        cipherSuite: this.#negotiated.cipherSuite,
        group: this.#negotiated.group,
      },
      transport: this.#transport ?? (live === null ? [] : [live]),
    };
  }

  /** What the controllers did since this was last called, by whose controller it is. */
  takeSeries(): ProbeSeries[] {
    const taken: ProbeSeries[] = [];
    if (this.#told.tUs.length > 0) {
      taken.push({ vantage: 'server', series: this.#told });
      this.#told = emptySeries();
    }
    const own = this.#watch?.take() ?? null;
    if (own !== null) taken.push({ vantage: 'client', series: own });
    return taken;
  }

  /** The controller of the end that sends the payload; null while a server has not told its own. */
  get controller(): string | null {
    return this.#plan.mode === 'download' ? this.#serverController : (this.#connect.controller?.name ?? null);
  }

  get #count(): number | undefined {
    const { mode, count, durationMs } = this.#plan;
    if (mode === 'handshake') return count ?? (durationMs === undefined ? DEFAULT_HANDSHAKES : undefined);
    return count;
  }

  get #durationMs(): number | undefined {
    const { mode, count, durationMs, bytes } = this.#plan;
    if (mode === 'handshake') return durationMs;
    return durationMs ?? ((mode === 'ping' ? count : bytes) === undefined ? DEFAULT_DURATION_MS : undefined);
  }

  /** A measurement that ran to its end without a single answer is no success. */
  #silence(): LabError | null {
    const { mode } = this.#plan;
    if (mode === 'ping' && this.#pings.every(({ rttUs }) => rttUs === null))
      return new LabError('RL_CONNECTION_LOST', `None of ${this.#pings.length} pings was answered`);
    const isTooLittle =
      (mode !== 'upload' && this.#down?.durationUs === 0) ||
      (mode !== 'download' && this.#up?.durationUs === 0);
    return isTooLittle
      ? new LabError('RL_CONNECTION_LOST', `The ${mode} moved too little to derive a rate`, {
          hint: 'Transfer more: raise the bytes or the duration.',
        })
      : null;
  }

  async #measureHandshakes(): Promise<void> {
    this.#fromUs = nowUs();
    await runHandshakes(this.#connect, {
      count: this.#count,
      durationMs: this.#durationMs,
      resume: this.#plan.resume,
      signal: this.#signal,
      onHandshake: (sample, info) => {
        this.#handshakes.push(sample);
        this.newestUs = sample.durationUs ?? this.newestUs;
        if (info !== null) this.#negotiated = info;
        if (info?.resumed) this.resumed++;
      },
    });
  }

  async #measureSession(mode: Exclude<ProbeMode, 'handshake'>): Promise<void> {
    const { everyUs, wish } = this.#plan;
    const session = await connectQuic(this.#connect);
    let ended: CloseInfo | null = null;
    void session.closed.then((info) => {
      ended = info;
    });
    this.#session = session;
    this.#handshakes.push(session.handshake);
    this.#negotiated = session.handshake;
    if (everyUs !== null) this.#watch = session.watchCongestion(everyUs);
    let observed: Observed | null = null;
    try {
      if (mode === 'download' || mode === 'bidi') {
        observed = await observe(session, {
          everyUs: everyUs ?? SELDOM_US,
          wish,
          onSeries: (series) => everyUs !== null && appendSeries(this.#told, series),
        });
        this.#serverController = observed.controller;
        this.followed = observed.followed;
      }
      this.#fromUs = nowUs();
      if (mode === 'ping') await this.#measurePings(session);
      else await this.#measureTransfers(session, mode);
      await Promise.resolve();
      if (ended !== null) throw connectionEnded(ended, mode);
    } finally {
      const told = (await observed?.finish()) ?? null;
      const own = transportOf('client', session.stats());
      this.#transport = told === null ? [own] : senderFirst(mode, [own, told]);
      this.#session = null;
      await session.close();
    }
  }

  async #measurePings(session: QuicSession): Promise<void> {
    const pinger = new Pinger(session, {
      ratePerS: this.#plan.ratePerS ?? 10,
      count: this.#count,
      durationMs: this.#durationMs,
      onPing: (ping) => {
        this.#pings.push(ping);
        this.#tally.add(ping);
        if (ping.rttUs === null) this.lostPings++;
        this.newestUs = ping.rttUs ?? this.newestUs;
      },
    });
    const stop = (): void => pinger.stop();
    this.#signal.addEventListener('abort', stop);
    if (this.#signal.aborted) stop();
    await pinger.finished;
    this.#signal.removeEventListener('abort', stop);
    const { late, duplicates } = pinger.ledger;
    if (late > 0) this.remarks.push(`${late} echoes came after their ping had been counted as lost`);
    if (duplicates > 0) this.remarks.push(`${duplicates} echoes came more than once`);
    if (pinger.skipped > 0)
      this.remarks.push(`${pinger.skipped} pings were not sent: this machine or the connection was too busy`);
  }

  /** In mode `bidi` both directions at once, over one connection; when one fails the other ends too. */
  async #measureTransfers(session: QuicSession, mode: 'download' | 'upload' | 'bidi'): Promise<void> {
    const either = new AbortController();
    const options = {
      bytes: this.#plan.bytes,
      durationMs: this.#durationMs,
      signal: AbortSignal.any([this.#signal, either.signal]),
    };
    const cut = (error: unknown): never => {
      either.abort();
      throw error;
    };
    const down = async (): Promise<void> => {
      this.#down = await download(session, { ...options, onProgress: (now) => (this.#down = now) });
    };
    const up = async (): Promise<void> => {
      this.#up = await upload(session, { ...options, onProgress: (now) => (this.#up = now) });
    };
    const runs = [...(mode === 'upload' ? [] : [down]), ...(mode === 'download' ? [] : [up])];
    const ends = await Promise.allSettled(runs.map((run) => run().catch(cut)));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }
}
