/**
 * Pings over a stream: messages of a fixed size that the server sends back in order. What is lost on the way is sent again, so a
 * ping is late instead of lost, and holds up those behind it: what an application over that transport sees.
 */
import type { QuicStream } from '../quic/udp/api.ts';
import { nowUs } from '../quic/udp/clock.ts';
import { connectionEnded } from './ended.ts';
import { AppError, decodeEcho, encodeEcho, encodeRequest, Prefix } from './protocol.ts';
import type { StreamCarrier } from './throughput.ts';

/** A sequence number and padding: as much as a small message of an application. */
const MESSAGE_BYTES = 16;
/** How long the answers to the last pings are waited for. */
const PATIENCE_MS = 2000;

export interface EchoOptions {
  /** Pings per second, each due at an absolute moment. */
  ratePerS: number;
  /** No more pings from then on; answers under way are still waited for. */
  until: Promise<unknown>;
  signal: AbortSignal;
}

export interface Echoes {
  sent: number;
  /** In the order in which they were sent. */
  rttUs: number[];
}

/** Rejects as a transfer does when the connection ends. What is not answered in time after the end is in `sent` alone. */
export async function pingOverStream(session: StreamCarrier, options: EchoOptions): Promise<Echoes> {
  const intervalUs = 1e6 / options.ratePerS;
  const stream = session.openStream();
  const sentAtUs: number[] = [];
  const rttUs: number[] = [];
  const done = Promise.withResolvers<void>();
  let message = new Prefix(MESSAGE_BYTES);
  let ended = false;
  stream.onData = (data) => {
    const atUs = nowUs();
    for (let split = message.push(data); split !== null; split = message.push(split.rest)) {
      const sequence = decodeEcho(split.head);
      // In order, each once: anything else did not come from an echo.
      if (sequence !== rttUs.length || sequence >= sentAtUs.length) return done.resolve();
      rttUs.push(atUs - sentAtUs[sequence]!);
      message = new Prefix(MESSAGE_BYTES);
    }
    if (ended && rttUs.length === sentAtUs.length) done.resolve();
  };
  void session.closed.then((info) => done.reject(connectionEnded(info, 'pings')));
  // Longer than anything that is measured beside it: the server's own bound.
  stream.write(encodeRequest({ kind: 'echo', bytes: 0, durationMs: ECHO_MS }));
  let dueUs = nowUs();
  let timer: NodeJS.Timeout | undefined;
  const tick = (): void => {
    const now = nowUs();
    if (now >= dueUs) {
      stream.write(encodeEcho(sentAtUs.length, MESSAGE_BYTES));
      sentAtUs.push(now);
      // Slots that passed meanwhile are not made up for: a burst would measure itself.
      dueUs = Math.max(dueUs + intervalUs, now);
    }
    timer = setTimeout(tick, Math.max(0, Math.ceil((dueUs - now) / 1000)));
  };
  tick();
  const stop = (): void => {
    clearTimeout(timer);
    ended = true;
    if (options.signal.aborted || rttUs.length === sentAtUs.length) done.resolve();
    else timer = setTimeout(done.resolve, PATIENCE_MS);
  };
  options.signal.addEventListener('abort', stop);
  void options.until.finally(stop).catch(() => {});
  try {
    await done.promise;
    return { sent: sentAtUs.length, rttUs };
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', stop);
    stream.onData = null;
    stream.stopSending(AppError.NONE);
    stream.reset(AppError.NONE);
  }
}

const ECHO_MS = 600_000;

/**
 * The server's side: returns what takes the client's bytes. No more is read while the answers are not taken, so a client that
 * does not read makes us keep one read of its own.
 */
export function answerEchoes(stream: QuicStream, onEnd: () => void): (data: Buffer) => void {
  stream.onDrain = () => stream.resume();
  stream.onEnd = () => {
    stream.end();
    onEnd();
  };
  return (data) => {
    if (!stream.write(data)) stream.pause();
  };
}
