/**
 * A load and what the path makes of it (quic-test's model): connections whose streams each send messages at a fixed rate, whatever
 * becomes of them, and beside them a connection that pings. Goodput is what the server says it received; RTT, jitter and loss are
 * those of the pings. Nothing is pushed: whoever owns it asks how far it is.
 */
import { type LabError, toLabError } from '../../shared/errors.ts';
import type { LoadInterval, LoadResult, LoadSettings, Pattern } from '../../shared/load.ts';
import { quantile } from '../../shared/samples.ts';
import type { ConnectOptions, QuicSession } from '../quic/udp/api.ts';
import { connectQuic } from '../quic/udp/client.ts';
import { nowUs } from '../quic/udp/clock.ts';
import { connectionEnded } from './ended.ts';
import { ask } from './handshake.ts';
import { LoadPings } from './load-pings.ts';
import { LoadSeconds } from './load-seconds.ts';
import { LoadStream } from './load-stream.ts';
import { LOADED_PINGS_PER_S } from './modes/mode.ts';
import { pause } from './pause.ts';
import { Pinger } from './ping.ts';
import { PAYLOAD } from './protocol.ts';
import { firstTicket } from './resumption.ts';

export interface LoadPlan extends Omit<LoadSettings, 'durationS'> {
  /** Null: until it is stopped. */
  durationS: number | null;
  /** Default random. */
  pattern?: Pattern;
  /** A key update (RFC 9001 §6) on each connection, each second. Default false. */
  updateKeys?: boolean;
  /** Connections resume a session and ask ahead of the handshake (0-RTT). Default false. */
  earlyData?: boolean;
  /** How long one stream of the server's is used, milliseconds; default about as long as a server takes one. */
  turnMs?: number;
}

const TICK_MS = 1;
/** Seconds that are over are closed this often. */
const CLOSE_EVERY_US = 1e6;
/** How long the last messages and reports may take, beside four round trips. */
const DRAIN_MS = 500;

const MESSAGES: Readonly<Record<Pattern, (bytes: number) => Buffer>> = {
  random: (bytes) => PAYLOAD.subarray(0, bytes),
  zeroes: (bytes) => Buffer.alloc(bytes),
  increment: (bytes) => Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => i & 0xff)),
};

export class Load {
  readonly #connect: ConnectOptions;
  readonly #plan: LoadPlan;
  readonly #signal: AbortSignal;
  readonly #sessions: QuicSession[] = [];
  readonly #streams: LoadStream[] = [];
  #pings: LoadPings | null = null;
  #seconds: LoadSeconds | null = null;
  #pinger: Pinger | null = null;
  #closeAtUs = 0;
  #connectFailures = 0;
  #lost = 0;
  #earlyDataAccepted = 0;
  #firstFailure: LabError | null = null;
  #isEnding = false;
  /** Of what is measured. */
  #fromUs: number | null = null;
  #toUs: number | null = null;
  #beganUs: number | null = null;

  /** `signal` ends it early; what was measured by then counts. */
  constructor(connect: ConnectOptions, plan: LoadPlan, signal: AbortSignal) {
    this.#connect = { ...connect, signal };
    this.#plan = plan;
    this.#signal = signal;
  }

  /** Rejects with a LabError where no connection could be made, or no stream was left at the end. */
  async run(): Promise<void> {
    const { warmUpS, durationS, coolDownS } = this.#plan;
    const pinging = await connectQuic(this.#connect);
    try {
      this.#follow(pinging);
      await this.#open();
      this.#beganUs = nowUs();
      const ticking = setInterval(() => this.#tick(), TICK_MS);
      const keys = this.#plan.updateKeys ? setInterval(() => this.#updateKeys(), 1000) : undefined;
      try {
        await pause(warmUpS * 1000, this.#signal);
        const pinger = this.#begin(pinging);
        await this.#untilStopped(durationS);
        this.#toUs = nowUs();
        if (this.#signal.aborted) pinger.stop();
        await pause(coolDownS * 1000, this.#signal);
        clearInterval(ticking);
        await pinger.finished;
      } finally {
        clearInterval(ticking);
        clearInterval(keys);
      }
      await this.#drain(pinging);
    } catch (thrown) {
      if (!this.#signal.aborted) throw thrown;
    } finally {
      this.#isEnding = true;
      this.#toUs ??= nowUs();
      this.#closeAll();
      await Promise.all([pinging, ...this.#sessions].map((session) => session.close()));
    }
    if (this.#signal.aborted) return;
    const [first, ...rest] = this.#streams.map(({ failure }) => failure);
    if (first && rest.every((failure) => failure !== null)) throw first;
  }

  /** 0 to 1; 0 of a load without end. */
  get part(): number {
    const { warmUpS, durationS, coolDownS } = this.#plan;
    if (this.#beganUs === null || durationS === null) return 0;
    return Math.min(1, (nowUs() - this.#beganUs) / 1e6 / (warmUpS + durationS + coolDownS));
  }

  /** The newest second of which everything is known. */
  get newest(): LoadInterval | null {
    return this.#seconds?.closed.at(-1) ?? null;
  }

  /** How long it has measured. */
  get elapsedS(): number {
    return this.#fromUs === null ? 0 : ((this.#toUs ?? nowUs()) - this.#fromUs) / 1e6;
  }

  /** Of the pings of the last minute, and of all echoes; null before there can be any. */
  get pings(): Pick<LoadPings, 'lastMinute' | 'rttTotal'> | null {
    return this.#pings;
  }

  /** What was measured so far. On the way the seconds, and the pings, are those of which everything is known. */
  result(): LoadResult {
    if (!this.#isEnding) this.#closeKnown();
    const fromUs = this.#fromUs ?? nowUs();
    const durationUs = Math.max(0, (this.#toUs ?? nowUs()) - fromUs);
    const figures = (this.#pings ?? new LoadPings(0)).figures();
    const bytes = this.#seconds?.bytesBy((fromUs + durationUs) / 1e3) ?? null;
    const shakes = this.#sessions.map(({ handshake }) => handshake.durationUs).sort((a, b) => a - b);
    const sum = (of: (session: QuicSession) => number): number =>
      this.#sessions.reduce((total, session) => total + of(session), 0);
    const again = sum((session) => session.stats().streamBytesRetransmitted);
    const payload = again + sum((session) => session.stats().streamBytesSent);
    const failed = this.#streams.filter(({ failure }) => failure !== null).length;
    return {
      durationUs,
      connections: this.#sessions.length,
      handshakeUs: shakes.length === 0 ? null : { p50: quantile(shakes, 0.5), p95: quantile(shakes, 0.95) },
      bytes: bytes === null ? null : Math.round(bytes),
      goodputBps: bytes === null || durationUs === 0 ? null : (bytes * 8e6) / durationUs,
      pings: figures.sent,
      echoes: figures.received,
      lossRatio: figures.lossRatio,
      rttUs: figures.rttUs,
      jitterUs: figures.jitterUs,
      messages: this.#streams.reduce((total, { sent }) => total + sent, 0),
      skipped: this.#streams.reduce((total, { skipped }) => total + skipped, 0),
      errors: this.#connectFailures + this.#lost + failed,
      packetsSent: sum((session) => session.stats().packetsSent),
      packetsLost: sum((session) => session.stats().packetsLost),
      retransmitRatio: payload === 0 ? null : again / payload,
      keyUpdates: sum((session) => session.stats().keyUpdates),
      earlyDataAccepted: this.#earlyDataAccepted,
      intervals: [...(this.#seconds?.closed ?? [])],
    };
  }

  async #open(): Promise<void> {
    const { connections, streams, pattern = 'random', packetBytes } = this.#plan;
    const made = await Promise.allSettled(
      Array.from({ length: connections }, async () => {
        const session = await this.#connectOne();
        this.#follow(session);
        this.#sessions.push(session);
      }),
    );
    const failures = made.flatMap((each) => (each.status === 'rejected' ? [toLabError(each.reason)] : []));
    this.#connectFailures = failures.length;
    this.#firstFailure = failures[0] ?? null;
    if (failures.length === connections) throw failures[0]!;
    const message = MESSAGES[pattern](packetBytes);
    for (const [at, session] of this.#sessions.entries()) {
      const own: LoadStream[] = [];
      for (let i = 0; i < streams; i++) {
        try {
          // Evenly over all streams, those of one connection as far apart as can be.
          const part = (i + at / this.#sessions.length) / streams;
          own.push(new LoadStream(session, this.#plan, message, { part, turnMs: this.#plan.turnMs }));
        } catch (thrown) {
          this.#connectFailures++;
          this.#firstFailure ??= toLabError(thrown);
          continue;
        }
        this.#streams.push(own.at(-1)!);
      }
      void session.closed.then((info) => {
        if (this.#isEnding || this.#signal.aborted) return;
        for (const stream of own) stream.fail(connectionEnded(info, 'load'));
      });
    }
    if (this.#streams.length === 0) throw this.#firstFailure!;
  }

  async #connectOne(): Promise<QuicSession> {
    if (!this.#plan.earlyData) return connectQuic(this.#connect);
    const ticket = await firstTicket(this.#connect, { earlyData: true });
    const session = await connectQuic({ ...this.#connect, ticket, onEarly: (early) => ask(early, () => {}) });
    void session.closed.then(() => {
      if (session.handshake.earlyData === 'accepted') this.#earlyDataAccepted++;
    });
    return session;
  }

  /** An end of the session that is not ours is an error. */
  #follow(session: QuicSession): void {
    void session.closed.then((info) => {
      if (this.#isEnding || this.#signal.aborted) return;
      this.#lost++;
      this.#firstFailure ??= connectionEnded(info, 'load');
    });
  }

  #tick(): void {
    const now = nowUs();
    for (const stream of this.#streams) stream.tick(now);
    if (now < this.#closeAtUs) return;
    this.#closeAtUs = now + CLOSE_EVERY_US;
    this.#closeKnown();
  }

  /** What is measured begins. */
  #begin(pinging: QuicSession): Pinger {
    const { durationS } = this.#plan;
    const fromUs = nowUs();
    this.#fromUs = fromUs;
    const pings = new LoadPings(fromUs / 1e3);
    this.#pings = pings;
    this.#seconds = new LoadSeconds(
      fromUs / 1e3,
      this.#streams.map(({ reported }) => reported),
      pings,
    );
    this.#pinger = new Pinger(pinging, {
      ratePerS: LOADED_PINGS_PER_S,
      ...(durationS !== null && { durationMs: durationS * 1000 }),
      onPing: (ping, sentAtUs) => pings.add({ ...ping, atMs: sentAtUs / 1e3 }),
    });
    return this.#pinger;
  }

  /** Pings whose fate is known, and seconds that are over. */
  #closeKnown(): void {
    if (this.#pinger === null) return;
    const { resolvedThroughUs } = this.#pinger;
    this.#pings?.settle(resolvedThroughUs / 1e3);
    const known = this.#streams.map(({ knownThroughMs }) => knownThroughMs);
    this.#seconds?.close(
      Math.min((this.#toUs ?? resolvedThroughUs) / 1e3, resolvedThroughUs / 1e3, ...known),
    );
  }

  /** Nothing more comes: what is not known by now is not going to be. */
  #closeAll(): void {
    this.#pings?.settle(Number.POSITIVE_INFINITY);
    this.#seconds?.close((this.#toUs ?? 0) / 1e3);
  }

  #updateKeys(): void {
    for (const session of this.#sessions) session.updateKeys();
  }

  /** Ends early where nothing is left to measure. */
  async #untilStopped(durationS: number | null): Promise<void> {
    const over = new AbortController();
    void Promise.all(this.#sessions.map(({ closed }) => closed)).then(() => over.abort());
    const ends = AbortSignal.any([this.#signal, over.signal]);
    if (durationS !== null) return pause(durationS * 1000, ends);
    const stopped = Promise.withResolvers<void>();
    ends.addEventListener('abort', () => stopped.resolve(), { once: true });
    if (ends.aborted) return;
    await stopped.promise;
  }

  async #drain(pinging: QuicSession): Promise<void> {
    const patience = new AbortController();
    const ended = Promise.all(this.#streams.map((stream) => stream.end())).then(() => patience.abort());
    const rttMs = (pinging.stats().smoothedRttUs ?? 0) / 1e3;
    await pause(DRAIN_MS + 4 * rttMs, patience.signal);
    ended.catch(() => {});
  }
}
