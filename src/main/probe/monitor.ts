/**
 * The continuous probe of one route: pings without end on one connection, and now and then a transfer each way on
 * a second one, so that the pings show the RTT under load. A lost connection is made again after growing pauses. Every
 * slot of the schedule is accounted for: a ping that was echoed or lost, or a slot that was skipped.
 */
import type { TransportSnapshot } from '../../shared/domain.ts';
import { type ErrorBody, type LabError, toLabError } from '../../shared/errors.ts';
import type { HandshakeSample, PingSample, SkipSample, TransferSample } from '../../shared/samples.ts';
import type { ConnectOptions, QuicSession, TrustOptions } from '../quic/udp/api.ts';
import { connectQuic } from '../quic/udp/client.ts';
import { nowUs, toUnixMs } from '../quic/udp/clock.ts';
import { Backoff } from './backoff.ts';
import { connectionEnded } from './ended.ts';
import { LastSecond, type Payload } from './last-second.ts';
import { Pinger } from './ping.ts';
import { ALPN } from './protocol.ts';
import { download, type Received, type TransferOptions, upload } from './throughput.ts';
import { TransportTotals } from './transport-totals.ts';

const FLUSH_MS = 250;
const SNAPSHOT_US = 1_000_000;
const CONNECT_TIMEOUT_MS = 5000;
/** max_ack_delay of a ping connection, milliseconds: the default, and what a server waits at most to give an echo up. */
const ACK_DELAY_MS = { least: 25, most: 500 } as const;
/** Of the time between two pings: one that is sent late still takes the acknowledgement along. */
const ACK_DELAY_SLOTS = 1.5;
/** The first transfer waits until pings have shown the idle path; the spread keeps many routes out of step. */
const FIRST_TRANSFER_US = { min: 1_500_000, spread: 2_500_000 } as const;
/** A path silent for longer is down, and reached again by a new handshake. Outages below it are counted as loss. */
const IDLE_TIMEOUT_MS = 10_000;
/** An upload’s last report may take another half second: together with it a transfer stays within 2 s. */
const TRANSFER_MS = { down: 2000, up: 1500 } as const;

/** What to probe; `routeId` and the rest of a MonitorTarget are of no concern here. */
export interface MonitorSettings {
  host: string;
  port: number;
  serverName: string;
  controller: TransportSnapshot['controller'];
  parameters: Readonly<Record<string, number>>;
  /** Pings per second. */
  pingRate: number;
  /** Seconds from the start of one transfer to the next; null for none. */
  transferEveryS: number | null;
  transferBytes: number;
  trust: TrustOptions;
}

export interface MonitorListener {
  onState(state: 'connecting' | 'up' | 'down', error: ErrorBody | null, atMs: number): void;
  /** About four times a second while there is something to say. */
  onSamples(samples: {
    pings: PingSample[];
    skips: SkipSample[];
    transfers: TransferSample[];
    handshakes: HandshakeSample[];
    transport: TransportSnapshot | null;
    /** Payload of transfers in the last second, bits per second; null where there are none, or nobody looked for a second. */
    payloadBps: Payload | null;
    resolvedThroughMs: number;
  }): void;
}

export class RouteMonitor {
  readonly #settings: MonitorSettings;
  readonly #listener: MonitorListener;
  readonly #stopping = new AbortController();
  readonly #totals = new TransportTotals();
  #pings: PingSample[] = [];
  #skips: SkipSample[] = [];
  /** Slots from here on pass without a pinger; null while there is one. */
  #gapFromUs: number | null = null;
  #transfers: TransferSample[] = [];
  #handshakes: HandshakeSample[] = [];
  #pinger: Pinger | null = null;
  #session: QuicSession | null = null;
  #transferSession: QuicSession | null = null;
  #isTransferring = false;
  /** Payload of transfers that has arrived so far, bytes. */
  readonly #payload: Payload = { down: 0, up: 0 };
  readonly #lastSecond = new LastSecond();
  #toldBps: Payload | null = null;
  #snapshotDueUs = 0;
  #state: 'connecting' | 'up' | 'down' = 'connecting';
  #flushTimer: NodeJS.Timeout | undefined;
  #running: Promise<void> | null = null;

  constructor(settings: MonitorSettings, listener: MonitorListener) {
    this.#settings = settings;
    this.#listener = listener;
  }

  /** Does nothing once `stop` was called. */
  start(): void {
    if (this.#isStopping) return;
    this.#flushTimer = setInterval(() => this.#flush(), FLUSH_MS);
    this.#listener.onState('connecting', null, toUnixMs(nowUs()));
    this.#gapFromUs = nowUs();
    this.#running = Promise.all([this.#keepPinging(), this.#keepTransferring()]).then(() => {});
  }

  /** Ends the connections cleanly. Pending pings are dropped, resolved ones flushed. Resolves when all is quiet. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    clearInterval(this.#flushTimer);
    this.#gapFromUs = null;
    this.#flush();
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #keepPinging(): Promise<void> {
    const backoff = new Backoff();
    while (!this.#isStopping) {
      try {
        const session = await this.#connect('ping');
        try {
          await this.#pingUntilClosed(session, () => backoff.succeeded());
        } finally {
          this.#totals.retire(session.stats());
          this.#session = null;
        }
      } catch (thrown) {
        if (this.#isStopping) return;
        this.#setState('down', toLabError(thrown));
        // Up to a fifth off, so that many routes to one dead server do not return in step.
        backoff.failed();
        await this.#sleep(backoff.pauseMs * (0.8 + 0.2 * Math.random()));
      }
    }
  }

  /** Returns when the monitor stops; throws when the connection ends otherwise. */
  async #pingUntilClosed(session: QuicSession, onUp: () => void): Promise<void> {
    this.#session = session;
    const close = (): void => void session.close();
    this.#stopping.signal.addEventListener('abort', close);
    try {
      this.#countGap();
      this.#gapFromUs = null;
      this.#pinger = new Pinger(session, {
        onSkip: (count) => this.#skip(count),
        ratePerS: this.#settings.pingRate,
        isLoaded: () => this.#isTransferring,
        onPing: (ping) => {
          // First, for `resolvedThroughMs` counts it as resolved already.
          this.#pings.push(ping);
          if (ping.rttUs === null) return;
          this.#setState('up', null);
          onUp();
        },
      });
      const info = await session.closed;
      if (!this.#isStopping) throw connectionEnded(info, 'probe');
    } finally {
      this.#stopping.signal.removeEventListener('abort', close);
      this.#pinger?.stop();
      this.#pinger = null;
      this.#gapFromUs = nowUs();
      void session.close();
    }
  }

  /** Counts the slots that have passed without a pinger. */
  #countGap(): void {
    if (this.#gapFromUs === null) return;
    const slotUs = 1e6 / this.#settings.pingRate;
    const slots = Math.floor((nowUs() - this.#gapFromUs) / slotUs);
    this.#gapFromUs += slots * slotUs;
    this.#skip(slots);
  }

  #skip(count: number): void {
    if (count === 0) return;
    const last = this.#skips.at(-1);
    if (last) last.count += count;
    else this.#skips.push({ atMs: toUnixMs(nowUs()), count });
  }

  async #keepTransferring(): Promise<void> {
    const { transferEveryS } = this.#settings;
    if (transferEveryS === null) return;
    let dueUs = nowUs() + FIRST_TRANSFER_US.min + FIRST_TRANSFER_US.spread * Math.random();
    while (!this.#isStopping) {
      await this.#sleep((dueUs - nowUs()) / 1000);
      if (this.#isStopping) return;
      if (this.#state === 'up') await this.#transferBothWays();
      const periodUs = transferEveryS * 1e6;
      dueUs += Math.max(1, Math.ceil((nowUs() - dueUs) / periodUs)) * periodUs;
    }
  }

  /** Never rejects: a transfer that fails is a sample too, and the next one tries again. */
  async #transferBothWays(): Promise<void> {
    let direction: TransferSample['direction'] = 'down';
    let atMs = toUnixMs(nowUs());
    try {
      const session = await this.#connect('transfer');
      this.#transferSession = session;
      try {
        await this.#transfer('down', session, download);
        direction = 'up';
        atMs = toUnixMs(nowUs());
        await this.#transfer('up', session, upload);
      } finally {
        this.#transferSession = null;
        this.#totals.retire(session.stats());
        await session.close();
      }
    } catch (thrown) {
      if (this.#isStopping) return;
      const { code: errorCode } = toLabError(thrown);
      this.#transfers.push({ atMs, direction, bytes: 0, durationUs: 0, errorCode });
    }
  }

  async #transfer(
    direction: 'down' | 'up',
    session: QuicSession,
    run: (session: QuicSession, options: TransferOptions) => Promise<Received>,
  ): Promise<void> {
    if (this.#isStopping) return;
    const atMs = toUnixMs(nowUs());
    this.#isTransferring = true;
    const before = this.#payload[direction];
    try {
      const { bytes, durationUs } = await run(session, {
        bytes: this.#settings.transferBytes,
        durationMs: TRANSFER_MS[direction],
        signal: this.#stopping.signal,
        onProgress: (received) => {
          this.#payload[direction] = before + received.bytes;
        },
      });
      // What arrived in one piece, or was cut off by a stop, gives no rate.
      if (durationUs > 0 && !this.#isStopping)
        this.#transfers.push({ atMs, direction, bytes, durationUs, errorCode: null });
    } finally {
      this.#isTransferring = false;
    }
  }

  /** Connects, and keeps the handshake as a sample whether it succeeded or not. */
  async #connect(purpose: HandshakeSample['purpose']): Promise<QuicSession> {
    const { host, port, serverName, trust, controller, parameters, pingRate } = this.#settings;
    const options: ConnectOptions = {
      host,
      port,
      serverName,
      trust,
      alpn: [ALPN],
      controller: { name: controller, parameters },
      timeoutMs: CONNECT_TIMEOUT_MS,
      idleTimeoutMs: IDLE_TIMEOUT_MS,
      // The next ping takes the acknowledgement of the last echo along: a packet in three is spared.
      ...(purpose === 'ping' && {
        maxAckDelayMs: Math.min(
          ACK_DELAY_MS.most,
          Math.max(ACK_DELAY_MS.least, (ACK_DELAY_SLOTS * 1000) / pingRate),
        ),
      }),
      signal: this.#stopping.signal,
    };
    const atMs = toUnixMs(nowUs());
    try {
      const session = await connectQuic(options);
      const { durationUs } = session.handshake;
      this.#handshakes.push({ atMs, durationUs, errorCode: null, purpose });
      return session;
    } catch (thrown) {
      const error = toLabError(thrown);
      if (!this.#isStopping)
        this.#handshakes.push({ atMs, durationUs: null, errorCode: error.code, purpose });
      throw error;
    }
  }

  #setState(state: 'up' | 'down', error: LabError | null): void {
    if (state === 'up' && this.#state === 'up') return;
    this.#state = state;
    this.#flush();
    this.#listener.onState(state, error?.toBody() ?? null, toUnixMs(nowUs()));
  }

  #flush(): void {
    this.#countGap();
    const now = nowUs();
    let transport: TransportSnapshot | null = null;
    if (this.#session !== null && now >= this.#snapshotDueUs) {
      this.#snapshotDueUs = Math.max(this.#snapshotDueUs + SNAPSHOT_US, now + SNAPSHOT_US / 2);
      transport = this.#totals.snapshot(
        toUnixMs(now),
        this.#session.stats(),
        this.#transferSession?.stats() ?? null,
      );
    }
    const payloadBps =
      this.#settings.transferEveryS === null ? null : this.#lastSecond.look(now, this.#payload);
    const pings = this.#pings;
    const skips = this.#skips;
    const transfers = this.#transfers;
    const handshakes = this.#handshakes;
    const samples = pings.length + skips.length + transfers.length + handshakes.length;
    const isOther = payloadBps?.down !== this.#toldBps?.down || payloadBps?.up !== this.#toldBps?.up;
    if (samples === 0 && transport === null && !isOther) return;
    this.#toldBps = payloadBps;
    this.#pings = [];
    this.#skips = [];
    this.#transfers = [];
    this.#handshakes = [];
    const resolvedThroughMs = toUnixMs(this.#pinger?.resolvedThroughUs ?? now);
    this.#listener.onSamples({
      pings,
      skips,
      transfers,
      handshakes,
      transport,
      payloadBps,
      resolvedThroughMs,
    });
  }

  /** Resolves after `ms`, or at once when the monitor stops. */
  #sleep(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    return new Promise((resolve) => {
      if (signal.aborted) return resolve();
      const wake = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, Math.max(0, ms));
      signal.addEventListener('abort', wake);
    });
  }
}
