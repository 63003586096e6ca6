/**
 * One measurement of one server, in any mode: what `routelab probe` and the lab's probe runs do. Nothing is pushed: whoever
 * owns it asks how far it is, what was measured so far and what the congestion controllers did since last asked.
 */
import { appendSeries, emptySeries } from '../../shared/congestion-series.ts';
import type { LabError } from '../../shared/errors.ts';
import {
  NOTHING_MEASURED,
  type ProbeResult,
  type ProbeSeries,
  type ProbeTransport,
  senderFirst,
  sendingEnd,
} from '../../shared/probes.ts';
import { quantile } from '../../shared/samples.ts';
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
import { MODES } from './modes/index.ts';
import type { Mode, ModeContext, ProbePlan } from './modes/mode.ts';
import { transportOf } from './observation.ts';
import { type Observed, observe } from './observe.ts';

/** Of a server that is asked for its counters alone. */
const SELDOM_US = 10_000_000;

export class Measurement {
  /** For a person: what the figures alone do not say. */
  readonly remarks: string[] = [];
  /** Whether the server uses the controller that the plan asks for; null where nothing was asked or it does not tell. */
  followed: boolean | null = null;

  readonly #connect: ConnectOptions;
  readonly #plan: ProbePlan;
  readonly #signal: AbortSignal;
  readonly #mode: Mode;
  /** Of handshakes that completed, microseconds. */
  readonly #handshakes: number[] = [];
  #negotiated: HandshakeInfo | null = null;
  #startedAtUs = 0;
  #endedAtUs: number | null = null;
  /** When the mode's own work began. */
  #fromUs: number | null = null;
  #session: QuicSession | null = null;
  #transport: ProbeTransport[] | null = null;
  #watch: CongestionRecord | null = null;
  #told = emptySeries();
  /** The controller that the server said it uses. */
  #serverController: string | null = null;

  /** `signal` ends it early; what was measured by then counts. */
  constructor(connect: ConnectOptions, plan: ProbePlan, signal: AbortSignal) {
    this.#connect = { ...connect, signal };
    this.#plan = plan;
    this.#signal = signal;
    this.#mode = MODES[plan.mode]({
      plan,
      connect: this.#connect,
      signal,
      remarks: this.remarks,
      begin: () => {
        this.#fromUs ??= nowUs();
      },
      onHandshake: (info) => this.#onHandshake(info),
      withSession: (options, work) => this.#withSession(options, work),
    });
  }

  /** Measures. Rejects with a LabError when it failed or was not answered; `result` then still says what was measured. */
  async run(): Promise<void> {
    this.#startedAtUs = nowUs();
    try {
      await this.#mode.measure();
    } catch (thrown) {
      if (!this.#signal.aborted) throw thrown;
    } finally {
      this.#endedAtUs = nowUs();
    }
    const fault: LabError | null = this.#signal.aborted ? null : this.#mode.fault();
    if (fault !== null) throw fault;
  }

  /** For a progress bar. */
  get newest(): string {
    return this.#mode.newest;
  }

  /** The part that is done, 0 to 1, and how many seconds the rest will take, as far as that is known. */
  progress(): { part: number; leftS: number | null } {
    if (this.#endedAtUs !== null) return { part: 1, leftS: 0 };
    if (this.#fromUs === null) return { part: 0, leftS: null };
    const elapsedUs = nowUs() - this.#fromUs;
    const { durationMs } = this.#mode;
    const timed = durationMs === undefined ? 0 : elapsedUs / 1000 / durationMs;
    const part = Math.min(1, Math.max(timed, this.#mode.part));
    return { part, leftS: part === 0 ? null : (elapsedUs * (1 / part - 1)) / 1e6 };
  }

  /** What was measured so far. */
  result(): ProbeResult {
    const times = this.#handshakes.toSorted((a, b) => a - b);
    const live = this.#session && transportOf('client', this.#session.stats());
    return {
      ...NOTHING_MEASURED,
      durationUs: (this.#endedAtUs ?? nowUs()) - this.#startedAtUs,
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
      ...this.#mode.figures(this.#endedAtUs !== null),
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
    return sendingEnd(this.#plan.mode) === 'server'
      ? this.#serverController
      : (this.#connect.controller?.name ?? null);
  }

  #onHandshake(info: HandshakeInfo | null): void {
    if (info === null) return;
    this.#handshakes.push(info.durationUs);
    this.#negotiated = info;
  }

  async #withSession(...[options, work]: Parameters<ModeContext['withSession']>): Promise<void> {
    const { everyUs, wish, mode } = this.#plan;
    const { during, serverSends } = options;
    const session = await connectQuic(this.#connect);
    let ended: CloseInfo | null = null;
    void session.closed.then((info) => {
      ended = info;
    });
    this.#session = session;
    this.#onHandshake(session.handshake);
    if (everyUs !== null) this.#watch = session.watchCongestion(everyUs);
    let observed: Observed | null = null;
    try {
      const isTold = serverSends && everyUs !== null;
      observed = await observe(session, {
        everyUs: isTold ? everyUs : SELDOM_US,
        wish: serverSends ? wish : null,
        onSeries: (series) => isTold && appendSeries(this.#told, series),
      });
      this.#serverController = observed.controller;
      this.followed = observed.followed;
      this.#fromUs ??= nowUs();
      await work(session);
      await Promise.resolve();
      if (ended !== null) throw connectionEnded(ended, during);
    } finally {
      const told = (await observed?.finish()) ?? null;
      const own = transportOf('client', session.stats());
      this.#transport = told === null ? [own] : senderFirst(mode, [own, told]);
      this.#session = null;
      await session.close();
    }
  }
}
