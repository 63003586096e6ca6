/**
 * Paced pings over one session: DATAGRAM echoes (RFC 9221) at a fixed rate.
 *
 * Ping k is due at start + k / rate, an absolute deadline, so a late timer shifts nothing after it. A ping due
 * at most 100 ms ago is sent as soon as the loop is free, behind the others that waited; slots older than that
 * (a suspended machine, a blocked loop) are skipped and counted, never sent in one burst. RTT counts from the
 * moment the ping is handed to the connection, not from when it was due.
 */
import { LabError } from '../../shared/errors.ts';
import type { PingSample } from '../../shared/samples.ts';
import type { CloseInfo, QuicSession } from '../quic/udp/api.ts';
import { nowUs, toUnixMs } from '../quic/udp/clock.ts';
import { PingLedger, type ResolvedPing } from './ping-ledger.ts';
import { decodeEcho, encodeEcho } from './protocol.ts';

const CATCH_UP_US = 100_000;
/**
 * Small on purpose: a silent path fills the congestion window with unacknowledged pings, and the smaller they
 * are the longer an outage is measured ping by ping.
 */
const PAYLOAD_BYTES = 16;
/** Short header, connection id, frame header and AEAD tag of a ping’s packet, at most. */
const PACKET_OVERHEAD_BYTES = 48;

export interface PingOptions {
  /** Pings per second. */
  ratePerS: number;
  /** Ends after this many pings, or this long; without either it runs until `stop`. */
  count?: number | undefined;
  durationMs?: number | undefined;
  /** Pings wait for the congestion window, and what they wait counts: of the load's own connection. Default: they are skipped. */
  mayWait?: boolean;
  /** Whether the route’s own transfer is running. */
  isLoaded?: () => boolean;
  /**
   * Each ping once, when it is resolved: a loss therefore follows newer echoes. `sentAtUs` is when it was sent, on the monotonic
   * clock: what is compared with other moments of a measurement.
   */
  onPing: (ping: PingSample, sentAtUs: number) => void;
  /** Slots of the schedule passed without a ping: see `skipped`. */
  onSkip?: (count: number) => void;
}

export class Pinger {
  readonly ledger: PingLedger;
  /** Slots of the schedule that were not sent: missed by more than 100 ms, or the connection took no more. */
  skipped = 0;
  /** Resolves when every ping is resolved, or when the run was stopped or its session ended. */
  readonly finished: Promise<void>;

  readonly #session: QuicSession;
  readonly #options: PingOptions;
  readonly #intervalUs: number;
  readonly #endsAtUs: number;
  #nextDueUs: number;
  #slots = 0;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;
  #finish!: () => void;

  /** Starts at once. Throws RL_PEER_UNSUPPORTED when the peer takes no DATAGRAM frames. */
  constructor(session: QuicSession, options: PingOptions) {
    if (session.maxDatagramPayload < PAYLOAD_BYTES) {
      throw new LabError(
        'RL_PEER_UNSUPPORTED',
        'The server takes no DATAGRAM frames, so it cannot echo pings',
      );
    }
    this.#session = session;
    this.#options = options;
    this.#intervalUs = 1e6 / options.ratePerS;
    this.#nextDueUs = nowUs();
    this.#endsAtUs = this.#nextDueUs + (options.durationMs ?? Number.POSITIVE_INFINITY) * 1000;
    this.ledger = new PingLedger(session.stats().smoothedRttUs);
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
    session.onDatagram = (payload, receivedAtUs) => this.#receive(payload, receivedAtUs);
    void session.closed.then((info) => this.#onSessionEnd(info));
    this.#tick();
  }

  /** Every ping sent before this instant is resolved. */
  get resolvedThroughUs(): number {
    return this.ledger.oldestPendingUs ?? nowUs();
  }

  /** A session that ends by itself takes its pending pings with it: nothing will answer them, so they are lost. */
  #onSessionEnd({ by, code }: CloseInfo): void {
    if (this.#stopped) return;
    if (by !== 'local' || code !== 0) this.#expire(Number.POSITIVE_INFINITY);
    this.stop();
  }

  /** Ends the run at once; pings still pending stay unresolved and are reported as neither echoed nor lost. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#session.onDatagram = null;
    this.#finish();
  }

  get #isSending(): boolean {
    if (this.#stopped) return false;
    return (
      this.#slots < (this.#options.count ?? Number.POSITIVE_INFINITY) && this.#nextDueUs < this.#endsAtUs
    );
  }

  #tick(): void {
    const now = nowUs();
    this.#expire(now);
    while (this.#isSending && this.#nextDueUs <= now) {
      if (now - this.#nextDueUs > CATCH_UP_US) {
        const missed = Math.floor((now - this.#nextDueUs) / this.#intervalUs);
        this.#skip(missed);
        this.#nextDueUs += missed * this.#intervalUs;
        if (!this.#isSending) break;
      }
      this.#send();
      this.#slots++;
      this.#nextDueUs += this.#intervalUs;
    }
    if (this.#stopped) return;
    const wakeAtUs = Math.min(
      this.#isSending ? this.#nextDueUs : Number.POSITIVE_INFINITY,
      this.ledger.deadlineUs ?? Number.POSITIVE_INFINITY,
    );
    if (wakeAtUs === Number.POSITIVE_INFINITY) this.stop();
    else this.#timer = setTimeout(() => this.#tick(), Math.max(0, Math.ceil((wakeAtUs - nowUs()) / 1000)));
  }

  #send(): void {
    const { bytesInFlight, cwndBytes } = this.#session.stats();
    // A ping that had to wait for the congestion window would measure our own queue.
    const fits =
      this.#options.mayWait === true || bytesInFlight + PAYLOAD_BYTES + PACKET_OVERHEAD_BYTES <= cwndBytes;
    const payload = encodeEcho(this.ledger.sent, PAYLOAD_BYTES);
    const sentAtUs = nowUs();
    if (fits && this.#session.sendDatagram(payload)) {
      this.ledger.send(sentAtUs, this.#options.isLoaded?.() ?? false);
    } else this.#skip(1);
  }

  #skip(count: number): void {
    this.skipped += count;
    this.#options.onSkip?.(count);
  }

  #receive(payload: Buffer, receivedAtUs: number): void {
    const sequence = decodeEcho(payload);
    if (sequence === null) return;
    this.#expire(receivedAtUs);
    const ping = this.ledger.echo(sequence, receivedAtUs);
    if (ping !== null) this.#report(ping);
    if (!this.#isSending && this.ledger.deadlineUs === null) this.stop();
  }

  #expire(now: number): void {
    for (const ping of this.ledger.expire(now)) this.#report(ping);
  }

  #report({ sentAtUs, rttUs, loaded }: ResolvedPing): void {
    this.#options.onPing({ atMs: toUnixMs(sentAtUs), rttUs, loaded }, sentAtUs);
  }
}
