/**
 * Bulk transfers over one stream. Goodput is payload bytes over the receiver's own time, from its first payload byte
 * to its last, or to the moment a transfer is cut short, so that a path that stalls at the end is not flattered. The
 * receiver's time is ours for a download; for an upload it is in the server's reports.
 */
import { LabError } from '../../shared/errors.ts';
import type { CloseInfo, QuicStream } from '../quic/udp/api.ts';
import { nowUs } from '../quic/udp/clock.ts';
import { connectionEnded } from './ended.ts';
import {
  AppError,
  decodeReport,
  encodeRequest,
  PAYLOAD,
  Prefix,
  REPORT_BYTES,
  WRITES_PER_TURN,
} from './protocol.ts';

/** What carries a transfer: a session of QUIC, or a connection of TCP with its one stream. */
export interface StreamCarrier {
  openStream(): QuicStream;
  readonly closed: Promise<CloseInfo>;
}

export interface TransferOptions {
  /** Ends after this many payload bytes, or this long; at least one is needed. */
  bytes?: number | undefined;
  durationMs?: number | undefined;
  /** Ends the transfer early; what was measured so far is the result. */
  signal?: AbortSignal;
  /** On every delivery (download) or report (upload). */
  onProgress?: (progress: Received) => void;
}

/** What the receiver got, on its clock since its first payload byte. */
export interface Received {
  bytes: number;
  /** 0 when everything came at once: no rate can be derived from it. */
  durationUs: number;
}

/** How long a server may take to send the first byte, or to say anything new. */
const SILENCE_MS = 10_000;
/** How long after a timed upload the last bytes and the final report may take before the newest report counts. */
const DRAIN_MS = 500;
/** An older report than this does not tell what became of the upload: there is no result. */
const STALE_REPORT_US = 1_000_000;

/** One transfer under way: its stream, its timers, and the one way it ends. */
class Run {
  readonly stream: QuicStream;
  readonly result: Promise<Received>;
  newest: Received = { bytes: 0, durationUs: 0 };
  /** Brings `newest` up to now; called when the transfer is cut short. */
  elapse: (() => void) | null = null;

  readonly #options: TransferOptions;
  readonly #silence: NodeJS.Timeout;
  #endTimer: NodeJS.Timeout | undefined;
  readonly #abort = (): void => this.abandon();
  #settle: { resolve: (received: Received) => void; reject: (error: LabError) => void } | null = null;

  /** Opens the stream and sends the request. Throws what `openStream` throws. */
  constructor(session: StreamCarrier, kind: 'download' | 'upload', options: TransferOptions) {
    this.#options = options;
    this.stream = session.openStream();
    this.result = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.stream.onReset = (code) => this.fail(refusal(code));
    void session.closed.then((info) => this.fail(connectionEnded(info, kind)));
    this.#silence = setTimeout(
      () => this.fail(new LabError('RL_CONNECTION_LOST', `The server fell silent during the ${kind}`)),
      SILENCE_MS,
    );
    options.signal?.addEventListener('abort', this.#abort);
    const durationMs = Math.round(options.durationMs ?? 0);
    this.stream.write(encodeRequest({ kind, bytes: options.bytes ?? 0, durationMs }));
    if (options.signal?.aborted) this.abandon();
  }

  get isOver(): boolean {
    return this.#settle === null;
  }

  /** The receiver has got further. */
  progress(received: Received): void {
    if (this.isOver) return;
    if (received.bytes > this.newest.bytes) this.#silence.refresh();
    this.newest = received;
    this.#options.onProgress?.(received);
  }

  /** Calls `then` after `ms` unless the transfer is over; replaces an earlier one. */
  after(ms: number, then: () => void): void {
    clearTimeout(this.#endTimer);
    // One that was aborted as it began is waited for by nobody.
    if (!this.isOver) this.#endTimer = setTimeout(then, ms);
  }

  /** The result is what has been received. */
  complete(): void {
    this.#end()?.resolve(this.newest);
  }

  /** As `complete`, with both directions of the stream cut: the rest is of no interest. */
  abandon(): void {
    const settle = this.#end();
    if (settle === undefined) return;
    this.elapse?.();
    this.#cut();
    settle.resolve(this.newest);
  }

  fail(error: LabError): void {
    const settle = this.#end();
    if (settle === undefined) return;
    this.#cut();
    settle.reject(error);
  }

  #cut(): void {
    this.stream.stopSending(AppError.NONE);
    this.stream.reset(AppError.NONE);
  }

  #end() {
    const settle = this.#settle;
    if (settle === null) return undefined;
    this.#settle = null;
    clearTimeout(this.#silence);
    clearTimeout(this.#endTimer);
    this.#options.signal?.removeEventListener('abort', this.#abort);
    const { stream } = this;
    stream.onData = stream.onEnd = stream.onReset = stream.onDrain = null;
    return settle;
  }
}

function refusal(code: number): LabError {
  switch (code) {
    case AppError.BUSY:
      return new LabError('RL_PEER_CLOSED', 'The server is busy with other transfers', {
        hint: 'Try again when they are done.',
      });
    case AppError.OVER_LIMIT:
      return new LabError('RL_PEER_CLOSED', 'The server does not allow a transfer this large', {
        hint: 'Ask for fewer --bytes or a shorter --duration.',
      });
    default:
      return new LabError('RL_PEER_CLOSED', `The server ended the transfer with code ${code}`);
  }
}

/**
 * Fetches payload from the server. A duration counts from the first byte. Rejects with RL_PEER_CLOSED when the
 * server refuses or ends early, RL_CONNECTION_LOST when it falls silent.
 */
export function download(session: StreamCarrier, options: TransferOptions): Promise<Received> {
  const run = new Run(session, 'download', options);
  const { stream } = run;
  let firstAtUs = 0;
  run.elapse = () => {
    const { bytes } = run.newest;
    if (bytes > 0) run.newest = { bytes, durationUs: nowUs() - firstAtUs };
  };
  stream.onData = (data) => {
    const now = nowUs();
    if (run.newest.bytes === 0) {
      firstAtUs = now;
      if (options.durationMs !== undefined) run.after(options.durationMs, () => run.abandon());
    }
    run.progress({ bytes: run.newest.bytes + data.length, durationUs: now - firstAtUs });
  };
  stream.onEnd = () => {
    const isShort = options.durationMs === undefined && run.newest.bytes < options.bytes!;
    if (isShort) run.fail(new LabError('RL_PEER_CLOSED', 'The server ended the download early'));
    else run.complete();
  };
  stream.end();
  return run.result;
}

/**
 * Sends payload to the server, which counts it. A duration counts from the request. Rejects as `download` does.
 */
export function upload(session: StreamCarrier, options: TransferOptions): Promise<Received> {
  const run = new Run(session, 'upload', options);
  const { stream } = run;
  let left = options.bytes ?? Number.POSITIVE_INFINITY;

  let ended = false;
  const finish = (): void => {
    ended = true;
    stream.onDrain = null;
    stream.end();
  };
  const pump = (): void => {
    if (ended || run.isOver) return;
    for (let writes = 0; writes < WRITES_PER_TURN && left > 0; writes++) {
      const chunk = left < PAYLOAD.length ? PAYLOAD.subarray(0, left) : PAYLOAD;
      left -= chunk.length;
      if (!stream.write(chunk) && left > 0) return;
    }
    if (left === 0) finish();
    else setImmediate(pump);
  };

  let record = new Prefix(REPORT_BYTES);
  let reportedAtUs: number | null = null;
  stream.onData = (data) => {
    for (let split = record.push(data); split !== null; split = record.push(split.rest)) {
      const report = decodeReport(split.head);
      if (report === null)
        return run.fail(new LabError('RL_PEER_CLOSED', 'The server sent an unreadable report'));
      reportedAtUs = nowUs();
      record = new Prefix(REPORT_BYTES);
      run.progress(report);
    }
  };
  stream.onEnd = () => {
    if (reportedAtUs !== null) run.complete();
    else run.fail(new LabError('RL_PEER_CLOSED', 'The server ended the upload without a report'));
  };
  if (options.durationMs !== undefined) {
    run.after(options.durationMs, () => {
      if (!ended) finish();
      run.after(DRAIN_MS, () => {
        // What the path has not taken by now stays behind; the newest report is consistent in itself.
        if (reportedAtUs !== null && nowUs() - reportedAtUs < STALE_REPORT_US) run.abandon();
        else run.fail(new LabError('RL_CONNECTION_LOST', 'The server’s reports stopped during the upload'));
      });
    });
  }
  stream.onDrain = pump;
  pump();
  return run.result;
}
