/** Both ends of an observation: a server that tells what its congestion controller does, and a probe that asks. */
import { type CongestionSeries, decimateSeries } from '../../shared/congestion-series.ts';
import type { ProbeTransport } from '../../shared/probes.ts';
import type { CongestionRecord, QuicSession, QuicStream } from '../quic/udp/api.ts';
import {
  type ControllerWish,
  decodeWish,
  encodeObservation,
  encodeWish,
  ObservationReader,
  transportOf,
} from './observation.ts';
import { AppError, encodeRequest, type ObserveRequest, Prefix } from './protocol.ts';

const TELL_EVERY_MS = 100;
/** What is told may take this part of what the connection sends, but always so many bytes each time. */
const SHARE = 0.01;
const LEAST_BYTES = 200;
/** Of a point, about. */
const POINT_BYTES = 16;
/** How long a server may take to say which controller it uses, or to end: this, or four round trips. */
const PATIENCE_MS = 2000;

/**
 * Tells on `stream` until the client ends its side, then calls `done`. `mayChoose` lets the client choose the controller.
 * Returns what takes the client's further bytes, and how to end.
 */
export function tell(
  session: QuicSession,
  stream: QuicStream,
  request: ObserveRequest,
  options: { mayChoose: boolean; onBad: () => void; done: () => void },
): { receive: (data: Buffer) => void; stop: () => void } {
  let wish = request.wishBytes === 0 ? null : new Prefix(request.wishBytes);
  let tick: NodeJS.Timeout | undefined;
  let watch: CongestionRecord | null = null;
  let toldOf = session.stats().bytesSent;

  const tellSeries = (): void => {
    const series = watch?.take() ?? null;
    if (series === null) return;
    const { bytesSent } = session.stats();
    const bytes = Math.max(LEAST_BYTES, SHARE * (bytesSent - toldOf));
    toldOf = bytesSent;
    const points = Math.max(2, Math.floor(bytes / POINT_BYTES));
    stream.write(encodeObservation({ type: 'series', series: decimateSeries(series, { points }) }));
  };
  const begin = (): void => {
    stream.write(encodeObservation({ type: 'controller', name: session.stats().controller }));
    watch = session.watchCongestion(request.everyUs);
    // What has not left yet would only be joined by more.
    tick = setInterval(() => stream.queuedBytes === 0 && tellSeries(), TELL_EVERY_MS);
  };
  const choose = (content: Buffer): boolean => {
    const chosen = decodeWish(content);
    if (chosen === null) return false;
    if (!options.mayChoose) {
      stream.write(encodeObservation({ type: 'declined' }));
      return true;
    }
    try {
      session.changeController(chosen);
      return true;
    } catch {
      return false;
    }
  };

  if (wish === null) begin();
  stream.onEnd = () => {
    if (wish !== null) return options.onBad();
    tellSeries();
    stream.write(encodeObservation({ type: 'transport', transport: transportOf('server', session.stats()) }));
    stream.end();
    options.done();
  };
  return {
    receive: (data) => {
      const split = wish?.push(data);
      if (split === null) return;
      if (split === undefined || split.rest.length > 0 || !choose(split.head)) return options.onBad();
      wish = null;
      begin();
    },
    stop: () => {
      clearInterval(tick);
      watch?.end();
    },
  };
}

/** A server that tells of itself. */
export interface Observed {
  /** The controller the server uses; null when it does not tell: an older one, or one that is not ours. */
  readonly controller: string | null;
  /** Whether the server follows the wish; null where none was sent or the server does not tell. */
  readonly followed: boolean | null;
  /** What the server counted; null when it did not tell. Nothing is told afterwards. */
  finish(): Promise<ProbeTransport | null>;
}

/**
 * Asks the server to tell what its congestion controller does, and, where it lets clients choose, to use `wish`. Resolves once
 * it answered. Never rejects: a server that does not tell is no failure of the measurement.
 */
export async function observe(
  session: QuicSession,
  options: { everyUs: number; wish: ControllerWish | null; onSeries: (series: CongestionSeries) => void },
): Promise<Observed> {
  const wish = options.wish === null ? Buffer.alloc(0) : encodeWish(options.wish);
  const stream = session.openStream();
  const reader = new ObservationReader();
  const answered = Promise.withResolvers<string | null>();
  const ended = Promise.withResolvers<ProbeTransport | null>();
  let transport: ProbeTransport | null = null;
  let declined = false;
  const giveUp = (): void => {
    answered.resolve(null);
    ended.resolve(transport);
  };
  stream.onReset = giveUp;
  stream.onEnd = giveUp;
  void session.closed.then(giveUp);
  stream.onData = (data) => {
    try {
      for (const observation of reader.push(data)) {
        if (observation.type === 'controller') answered.resolve(observation.name);
        else if (observation.type === 'series') options.onSeries(observation.series);
        else if (observation.type === 'declined') declined = true;
        else transport = observation.transport;
      }
    } catch {
      stream.stopSending(AppError.BAD_REQUEST);
      stream.reset(AppError.BAD_REQUEST);
      giveUp();
    }
  };
  stream.write(
    Buffer.concat([
      encodeRequest({ kind: 'observe', everyUs: options.everyUs, wishBytes: wish.length }),
      wish,
    ]),
  );
  const controller = await orNull(answered.promise, session);
  if (controller === null) {
    stream.stopSending(AppError.NONE);
    stream.reset(AppError.NONE);
  }
  return {
    controller,
    followed: controller === null || options.wish === null ? null : !declined,
    finish: async () => {
      if (controller === null) return null;
      stream.end();
      const last = await orNull(ended.promise, session);
      stream.onData = null;
      return last;
    },
  };
}

/** The answer, or null after a time in which every server that tells would have. */
async function orNull<T>(answer: Promise<T | null>, session: QuicSession): Promise<T | null> {
  const patienceMs = Math.max(PATIENCE_MS, (session.stats().smoothedRttUs ?? 0) / 250);
  const timer = Promise.withResolvers<null>();
  const timeout = setTimeout(() => timer.resolve(null), patienceMs);
  const first = await Promise.race([answer, timer.promise]);
  clearTimeout(timeout);
  return first;
}
