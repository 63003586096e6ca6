/** One stream of a load: messages at a fixed rate, and what the server reports of them. */
import { LabError } from '../../shared/errors.ts';
import type { LoadSettings } from '../../shared/load.ts';
import type { QuicSession, QuicStream } from '../quic/udp/api.ts';
import { nowUs } from '../quic/udp/clock.ts';
import { bytesBy, type FlowPoints } from './fairness.ts';
import { AppError, decodeReport, encodeRequest, Prefix, REPORT_BYTES } from './protocol.ts';
import { SERVICE_LIMITS } from './service-limits.ts';

/** Slots older than this are not made up for: a burst would measure itself. */
const CATCH_UP_US = 100_000;
/** More is not queued on a stream: what waits there is late already. */
const MOST_QUEUED_BYTES = 64 * 1024;
/** A server takes a stream so long, and no longer (service-limits.ts); another follows it. */
const TURN_MS = SERVICE_LIMITS.durationMs - 30_000;

export class LoadStream {
  sent = 0;
  skipped = 0;
  /** Why it ended before its time. */
  failure: LabError | null = null;
  /** Payload that had arrived by when, by the reports of the server; ms of `nowUs()`. */
  readonly points: FlowPoints = [];

  readonly #session: QuicSession;
  readonly #message: Buffer;
  readonly #intervalUs: number;
  readonly #mostQueued: number;
  #stream: QuicStream;
  #turnEndsUs = 0;
  /** Of streams before this one. */
  #bytesBefore = 0;
  #ended: PromiseWithResolvers<void> = Promise.withResolvers();
  #dueUs: number;

  /** `part` of an interval, 0 to 1, after now the first message is due. Throws what `openStream` throws. */
  constructor(
    session: QuicSession,
    { ratePerS, packetBytes }: Pick<LoadSettings, 'ratePerS' | 'packetBytes'>,
    message: Buffer,
    part: number,
  ) {
    this.#session = session;
    this.#message = message;
    this.#intervalUs = 1e6 / ratePerS;
    this.#mostQueued = Math.max(MOST_QUEUED_BYTES, 4 * packetBytes);
    this.#stream = this.#open();
    const now = nowUs();
    this.#dueUs = now + part * this.#intervalUs;
    this.points.push([now / 1e3, 0]);
  }

  /** Sends what is due by `now`, microseconds. */
  tick(now: number): void {
    if (this.failure !== null) return;
    if (now >= this.#turnEndsUs) this.#turn();
    if (now - this.#dueUs > CATCH_UP_US) {
      const missed = Math.floor((now - this.#dueUs) / this.#intervalUs);
      this.skipped += missed;
      this.#dueUs += missed * this.#intervalUs;
    }
    for (; this.#dueUs <= now && this.failure === null; this.#dueUs += this.#intervalUs) {
      if (this.#stream.queuedBytes + this.#message.length > this.#mostQueued) this.skipped++;
      else {
        this.#stream.write(this.#message);
        this.sent++;
      }
    }
  }

  /** Ends the stream; resolves with the server's last report, or once it failed. */
  async end(): Promise<void> {
    if (this.failure !== null) return;
    this.#stream.end();
    await this.#ended.promise;
  }

  fail(error: LabError): void {
    if (this.failure !== null) return;
    this.failure = error;
    this.#ended.resolve();
  }

  /** Payload that arrived between two moments; null where reports do not reach back so far. */
  bytesBetween(fromMs: number, toMs: number): number | null {
    const last = this.points.at(-1)!;
    const from = bytesBy(this.points, fromMs);
    // After the newest report nothing is known to have arrived.
    const to = bytesBy(this.points, toMs) ?? (toMs >= last[0] ? last[1] : null);
    return to === null ? null : to - (from ?? (fromMs >= last[0] ? last[1] : this.points[0]![1]));
  }

  #open(): QuicStream {
    const stream = this.#session.openStream();
    const before = this.#bytesBefore;
    const ended = Promise.withResolvers<void>();
    this.#ended = ended;
    let record = new Prefix(REPORT_BYTES);
    let bytes = 0;
    stream.onReset = (code) =>
      this.fail(new LabError('RL_PEER_CLOSED', `The server ended a stream of the load with code ${code}`));
    stream.onData = (data) => {
      for (let split = record.push(data); split !== null; split = record.push(split.rest)) {
        const report = decodeReport(split.head);
        if (report === null) {
          stream.reset(AppError.NONE);
          return this.fail(new LabError('RL_PEER_CLOSED', 'The server sent an unreadable report'));
        }
        record = new Prefix(REPORT_BYTES);
        bytes = report.bytes;
        this.#bytesBefore = before + bytes;
        this.points.push([nowUs() / 1e3, before + bytes]);
      }
    };
    stream.onEnd = () => ended.resolve();
    stream.write(encodeRequest({ kind: 'upload', bytes: 0, durationMs: SERVICE_LIMITS.durationMs }));
    this.#turnEndsUs = nowUs() + TURN_MS * 1000;
    return stream;
  }

  /** Another stream takes over once all of this one has arrived. */
  #turn(): void {
    this.#turnEndsUs = Number.POSITIVE_INFINITY;
    const { promise } = this.#ended;
    this.#stream.end();
    void promise.then(() => {
      if (this.failure !== null) return;
      try {
        this.#stream = this.#open();
      } catch (thrown) {
        this.fail(thrown as LabError);
      }
    });
  }
}
