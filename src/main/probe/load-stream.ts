/**
 * One flow of a load: messages at a fixed rate, and what the server reports of them. A server takes a stream for ten minutes at most, so
 * that streams follow each other: the next is there before the one before it ends, and no message is written to one that has ended.
 */
import { LabError } from '../../shared/errors.ts';
import type { LoadSettings } from '../../shared/load.ts';
import type { QuicSession, QuicStream } from '../quic/udp/api.ts';
import { nowUs } from '../quic/udp/clock.ts';
import { AppError, decodeReport, encodeRequest, Prefix, REPORT_BYTES } from './protocol.ts';
import { ReportedBytes } from './reported-bytes.ts';
import { SERVICE_LIMITS } from './service-limits.ts';

/** Slots older than this are not made up for: a burst would measure itself. */
const CATCH_UP_US = 100_000;
/** More is not queued on a stream: what waits there is late already. */
const MOST_QUEUED_BYTES = 64 * 1024;
/** So long before the server would end a stream, another takes over; and so long before it, one that has no successor yet ends. */
const TURN_MS = SERVICE_LIMITS.durationMs - 30_000;
const LAST_MS = SERVICE_LIMITS.durationMs - 5000;
const AGAIN_US = 1_000_000;

/** A stream of the server's, from its request until all of it has arrived. */
interface Turn {
  readonly stream: QuicStream;
  readonly openedAtUs: number;
  readonly over: Promise<void>;
}

export class LoadStream {
  sent = 0;
  skipped = 0;
  /** Why it ended before its time. */
  failure: LabError | null = null;
  /** Payload that had arrived by when; ms of `nowUs()`. */
  readonly reported: ReportedBytes;

  readonly #session: QuicSession;
  readonly #message: Buffer;
  readonly #intervalUs: number;
  readonly #mostQueued: number;
  readonly #turnUs: number;
  /** All that are not over. */
  readonly #turns = new Set<Turn>();
  /** The one that messages go to; null while there is none. */
  #sending: Turn | null;
  /** What is to follow it, once a report shows that it is served: until then it may be refused. */
  #next: Turn | null = null;
  #turnAtUs: number;
  #arrived = 0;
  #dueUs: number;
  readonly #failed = Promise.withResolvers<void>();

  /**
   * `part` of an interval, 0 to 1, after now the first message is due; by it streams take turns at different times, too. `turnMs`:
   * how long one stream of the server's is used, but for the first. Throws what `openStream` throws.
   */
  constructor(
    session: QuicSession,
    { ratePerS, packetBytes }: Pick<LoadSettings, 'ratePerS' | 'packetBytes'>,
    message: Buffer,
    { part, turnMs = TURN_MS }: { part: number; turnMs?: number | undefined },
  ) {
    this.#session = session;
    this.#message = message;
    this.#intervalUs = 1e6 / ratePerS;
    this.#mostQueued = Math.max(MOST_QUEUED_BYTES, 4 * packetBytes);
    this.#turnUs = turnMs * 1000;
    const now = nowUs();
    this.reported = new ReportedBytes(now / 1e3);
    this.#sending = this.#open(now);
    this.#turnAtUs = now + (this.#turnUs * (1 + part)) / 2;
    this.#dueUs = now + part * this.#intervalUs;
  }

  /** Everything that arrived by then is known; ms of `nowUs()`. */
  get knownThroughMs(): number {
    return this.failure === null ? this.reported.knownThroughMs : Number.POSITIVE_INFINITY;
  }

  /** Sends what is due by `now`, microseconds. */
  tick(now: number): void {
    if (this.failure !== null) return;
    if (now >= this.#turnAtUs) this.#turn(now);
    if (now - this.#dueUs > CATCH_UP_US) {
      const missed = Math.floor((now - this.#dueUs) / this.#intervalUs);
      this.skipped += missed;
      this.#dueUs += missed * this.#intervalUs;
    }
    const stream = this.#sending?.stream;
    for (; this.#dueUs <= now && this.failure === null; this.#dueUs += this.#intervalUs) {
      if (stream === undefined || stream.queuedBytes + this.#message.length > this.#mostQueued)
        this.skipped++;
      else {
        stream.write(this.#message);
        this.sent++;
      }
    }
  }

  /** Ends it; resolves with the server's last report, or once it failed. */
  async end(): Promise<void> {
    if (this.failure !== null) return;
    for (const { stream } of this.#turns) stream.end();
    const over = Promise.all([...this.#turns].map((turn) => turn.over));
    await Promise.race([over, this.#failed.promise]);
  }

  fail(error: LabError): void {
    if (this.failure !== null) return;
    this.failure = error;
    this.#failed.resolve();
  }

  #takeOver(next: Turn): void {
    this.#sending?.stream.end();
    this.#sending = next;
    this.#next = null;
    this.#turnAtUs = next.openedAtUs + this.#turnUs;
  }

  /** Looks for a stream to follow the present one. */
  #turn(now: number): void {
    const sending = this.#sending;
    if (sending !== null && now - sending.openedAtUs > LAST_MS * 1000) {
      sending.stream.end();
      this.#sending = null;
    }
    this.#turnAtUs = now + AGAIN_US;
    if (this.#next !== null) return;
    try {
      this.#next = this.#open(now);
    } catch {
      // The server allows no further stream as yet; the end of the session is told by itself.
    }
  }

  #open(now: number): Turn {
    const stream = this.#session.openStream();
    const { promise: over, resolve } = Promise.withResolvers<void>();
    const turn: Turn = { stream, openedAtUs: now, over };
    this.#turns.add(turn);
    const end = (): void => {
      this.#turns.delete(turn);
      resolve();
    };
    let record = new Prefix(REPORT_BYTES);
    let bytes = 0;
    stream.onReset = (code) => {
      end();
      if (turn !== this.#next)
        this.fail(new LabError('RL_PEER_CLOSED', `The server ended a stream of the load with code ${code}`));
      else {
        this.#next = null;
        this.#turnAtUs = nowUs() + AGAIN_US;
      }
    };
    stream.onData = (data) => {
      for (let split = record.push(data); split !== null; split = record.push(split.rest)) {
        const report = decodeReport(split.head);
        if (report === null) {
          stream.reset(AppError.NONE);
          return this.fail(new LabError('RL_PEER_CLOSED', 'The server sent an unreadable report'));
        }
        record = new Prefix(REPORT_BYTES);
        this.#arrived += report.bytes - bytes;
        bytes = report.bytes;
        this.reported.add(nowUs() / 1e3, this.#arrived);
        if (turn === this.#next) this.#takeOver(turn);
      }
    };
    stream.onEnd = end;
    stream.write(encodeRequest({ kind: 'upload', bytes: 0, durationMs: SERVICE_LIMITS.durationMs }));
    return turn;
  }
}
