/**
 * HTTP/3 requests to any server, each on a new connection, one after the other, with the time of each phase. Where sessions are
 * resumed a request may go ahead of the handshake.
 */
import { LabError, toLabError } from '../../shared/errors.ts';
import { Http3Client } from '../quic/http3/client.ts';
import type { RequestHead, ResponseHead } from '../quic/http3/message.ts';
import type { ConnectOptions, QuicSession, SessionTicket } from '../quic/udp/api.ts';
import { connectQuic } from '../quic/udp/client.ts';
import { nowUs, toUnixMs } from '../quic/udp/clock.ts';
import { Backoff } from './backoff.ts';
import { pause } from './pause.ts';
import { firstTicket, nextTicket } from './resumption.ts';

/** One request. What did not come about is null. */
export interface RequestSample {
  atMs: number;
  /** Resolving the host's name; null too where the host is an address. */
  dnsUs: number | null;
  /** ClientHello sent to handshake complete. */
  handshakeUs: number | null;
  /** Request sent to the header section of the final response. */
  firstByteUs: number | null;
  /** From the beginning, name resolution and handshake included: what early data makes shorter. */
  untilFirstByteUs: number | null;
  /** Request sent to the last byte of the response that came. */
  responseUs: number | null;
  /**
   * Name resolution, handshake, and from the request sent to the end of the response; a request that was taken as early data
   * went ahead of the handshake, which then is part of the response. Null unless that was whole.
   */
  totalUs: number | null;
  response: ResponseHead | null;
  /** Content of the response that came. */
  bodyBytes: number;
  /** The session of the connection before was resumed. */
  resumed: boolean;
  /** What became of the request sent as early data; null when it was not. */
  earlyData: 'accepted' | 'rejected' | null;
  error: LabError | null;
}

export interface RequestOptions {
  head: RequestHead;
  body?: Buffer | undefined;
  /** Requests to make at most, and how long; at least one is made. */
  count: number;
  durationMs?: number | undefined;
  /** Resume sessions, and send requests as early data; a connection that is not counted brings the first ticket. */
  resume?: boolean | undefined;
  earlyData?: boolean | undefined;
  /** Ends it: the request under way is given up, and handed over as far as it came. */
  signal: AbortSignal;
  onRequest: (sample: RequestSample) => void;
  onProgress?: (bodyBytes: number) => void;
}

/**
 * Makes the requests. When the first does not even connect there is nothing to measure: its LabError is thrown. Another
 * failure is a sample with its error, and a pause before the next request.
 */
export async function runRequests(connect: ConnectOptions, options: RequestOptions): Promise<void> {
  const { resume, earlyData = false, signal } = options;
  const next: Next = { ticket: null };
  if (resume || earlyData) next.ticket = await firstTicket({ ...connect, signal }, { earlyData });
  const endsAtUs = nowUs() + (options.durationMs ?? Number.POSITIVE_INFINITY) * 1000;
  const backoff = new Backoff();
  for (let made = 0; made < options.count; made++) {
    const leftMs = (endsAtUs - nowUs()) / 1000;
    if (backoff.pauseMs > 0) await pause(Math.min(backoff.pauseMs, Math.ceil(leftMs)), signal);
    if (signal.aborted || (made > 0 && nowUs() >= endsAtUs)) return;
    const sample = await measure(connect, options, next);
    if (signal.aborted && sample.handshakeUs === null) return;
    if (made === 0 && sample.handshakeUs === null && sample.error !== null) throw sample.error;
    if (sample.error === null) backoff.succeeded();
    else backoff.failed();
    options.onRequest(sample);
  }
}

/** What one connection leaves to the next. */
interface Next {
  ticket: SessionTicket | null;
}

async function measure(connect: ConnectOptions, options: RequestOptions, next: Next): Promise<RequestSample> {
  const sample: RequestSample = {
    atMs: toUnixMs(nowUs()),
    dnsUs: null,
    handshakeUs: null,
    firstByteUs: null,
    untilFirstByteUs: null,
    responseUs: null,
    totalUs: null,
    response: null,
    bodyBytes: 0,
    resumed: false,
    earlyData: null,
    error: null,
  };
  let session: QuicSession;
  let early: { client: Http3Client; exchanged: Promise<void> } | null = null;
  try {
    session = await connectQuic({
      ...connect,
      signal: options.signal,
      ticket: next.ticket ?? undefined,
      ...(options.earlyData && {
        onEarly: (soon: QuicSession) => {
          const client = new Http3Client(soon);
          early = { client, exchanged: exchange(client, sample, options) };
          // Awaited below, unless the handshake fails before.
          early.exchanged.catch(() => undefined);
        },
      }),
      onResolved: (durationUs) => {
        sample.dnsUs = durationUs;
      },
    });
  } catch (thrown) {
    sample.error = withHint(toLabError(thrown));
    return sample;
  }
  const { durationUs, resumed, earlyData } = session.handshake;
  Object.assign(sample, { handshakeUs: durationUs, resumed, earlyData });
  try {
    // Set meanwhile, which the compiler does not see.
    const sent = early as { client: Http3Client; exchanged: Promise<void> } | null;
    const client = sent?.client ?? new Http3Client(session);
    await (sent?.exchanged ?? exchange(client, sample, options));
    if (options.resume || options.earlyData) next.ticket = await nextTicket(session);
    client.close();
  } catch (thrown) {
    sample.error = toLabError(thrown);
  } finally {
    await session.close();
  }
  return sample;
}

/** Resolves when the response is whole, failed or given up. Throws what `request` throws. */
function exchange(client: Http3Client, sample: RequestSample, options: RequestOptions): Promise<void> {
  const { signal } = options;
  const sentAtUs = nowUs();
  // Null while it is still under way: then the handshake is part of the time since.
  const beforeUs = (sample.dnsUs ?? 0) + (sample.handshakeUs ?? 0);
  const done = Promise.withResolvers<void>();
  const request = client.request(
    options.head,
    {
      onHead: (head) => {
        sample.response = head;
        sample.firstByteUs = sample.responseUs = nowUs() - sentAtUs;
        sample.untilFirstByteUs = beforeUs + sample.firstByteUs;
      },
      onData: (piece) => {
        sample.bodyBytes += piece.length;
        sample.responseUs = nowUs() - sentAtUs;
        options.onProgress?.(sample.bodyBytes);
      },
      onEnd: () => {
        sample.totalUs = beforeUs + nowUs() - sentAtUs;
        done.resolve();
      },
      onError: (error) => {
        sample.error = error;
        done.resolve();
      },
    },
    options.body,
  );
  const abort = (): void => {
    request.cancel();
    done.resolve();
  };
  signal.addEventListener('abort', abort);
  return done.promise.finally(() => signal.removeEventListener('abort', abort));
}

/** What to do about a server that has a page and no HTTP/3. */
const HINTS: Partial<Record<LabError['code'], string>> = {
  RL_PORT_CLOSED: 'A server may have its page over TCP alone: see whether it announces h3 in alt-svc.',
  RL_CONNECT_TIMEOUT:
    'Check that the server has HTTP/3 (alt-svc: h3) and that UDP to it is not filtered, or raise --timeout.',
  RL_ALPN_MISMATCH: 'The server speaks QUIC but not HTTP/3: measure it with --mode handshake and --alpn.',
};

function withHint(error: LabError): LabError {
  const hint = HINTS[error.code];
  return hint === undefined ? error : new LabError(error.code, error.message, { hint, cause: error });
}
