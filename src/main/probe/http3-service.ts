/**
 * What a RouteLab server says over HTTP/3, for any client of it: a page that names it, content of a size asked for, and
 * a count of what it is sent. Bounded as transfers of `routelab/1` are; docs/probe-protocol.md has the table.
 */
import { Http3Code } from '../quic/http3/errors.ts';
import { type Http3Response, Http3Server, type ServerRequest } from '../quic/http3/server.ts';
import type { QuicSession } from '../quic/udp/api.ts';
import { SERVICE_LIMITS, type ServiceCounters } from './service-limits.ts';

export const H3_ALPN = 'h3';

/** /bytes/N over and over: octet i is the top one of i × 2 654 435 761 mod 2³², known to whoever checks it. */
const BLOCK = Buffer.from(Array.from({ length: 65_536 }, (_, i) => Math.imul(i, 2_654_435_761) >>> 24));

export const PAGE = `RouteLab

This is a server to measure routes against. Over HTTP/3 it has

GET  /         this page
GET  /bytes/N  N bytes of content, at most ${SERVICE_LIMITS.bytes}
POST /         the count of bytes it was sent
`;

/** Serves one session until it closes; returns how it is asked to come to an end. */
export function serveHttp3(session: QuicSession, counters: ServiceCounters): { shutdown(): void } | null {
  /** Requests under way that move content. */
  const transfers = new Set<ServerRequest>();
  const service = { transfers, counters };
  try {
    return new Http3Server(session, {
      onRequest: (request) => {
        counters.requests++;
        const { method, path } = request.head;
        const [resource] = path.split('?', 1);
        const size = /^\/bytes\/(\d{1,15})$/.exec(resource!)?.[1];
        if (resource === '/' && method === 'POST') count(request, service);
        else if (resource !== '/' && size === undefined)
          request.respond(text(404, `There is no ${resource}`));
        else if (method !== 'GET' && method !== 'HEAD') {
          const allow = size === undefined ? 'GET, HEAD, POST' : 'GET, HEAD';
          request.respond(text(405, `${method} does not apply to ${resource}`, [['allow', allow]]));
        } else if (size === undefined) request.respond(text(200, PAGE));
        else send(request, Number(size), service);
      },
    });
  } catch {
    // A client that allows no control stream (RFC 9114 §6.2), or is gone already.
    void session.close(Http3Code.GENERAL_PROTOCOL_ERROR, 'no control stream is allowed');
    return null;
  }
}

interface Service {
  transfers: Set<ServerRequest>;
  counters: ServiceCounters;
}

const common = (): [string, string][] => [
  ['server', 'RouteLab'],
  ['date', new Date().toUTCString()],
];

function text(status: number, content: string, headers: [string, string][] = []): Http3Response {
  const body = Buffer.from(content.endsWith('\n') ? content : `${content}\n`);
  const about: [string, string][] = [
    ['content-type', 'text/plain;charset=utf-8'],
    ['content-length', String(body.length)],
  ];
  return { status, headers: [...common(), ...about, ...headers], body };
}

/** Gives a request a place among the transfers, and bounds its time; false when it was refused one. */
function admit(request: ServerRequest, { transfers, counters }: Service): boolean {
  const { requestsPerSession, transfers: most, durationMs, graceMs } = SERVICE_LIMITS;
  if (transfers.size >= requestsPerSession || counters.activeTransfers >= most) {
    counters.refused++;
    request.respond(text(503, 'Too many transfers at once', [['retry-after', '1']]));
    return false;
  }
  transfers.add(request);
  counters.transfers++;
  counters.activeTransfers++;
  const guard = setTimeout(() => {
    counters.refused++;
    request.abort(Http3Code.REQUEST_CANCELLED);
  }, durationMs + graceMs);
  request.onOver = () => {
    clearTimeout(guard);
    transfers.delete(request);
    counters.activeTransfers--;
  };
  return true;
}

function send(request: ServerRequest, size: number, service: Service): void {
  const { counters } = service;
  if (size > SERVICE_LIMITS.bytes) {
    counters.refused++;
    request.respond(text(400, `At most ${SERVICE_LIMITS.bytes} bytes`));
    return;
  }
  const headers: [string, string][] = [
    ...common(),
    ['content-type', 'application/octet-stream'],
    ['content-length', String(size)],
  ];
  if (request.head.method === 'HEAD') request.respond({ status: 200, headers });
  else if (admit(request, service)) request.respond({ status: 200, headers, body: content(size, counters) });
}

function* content(size: number, counters: ServiceCounters): Generator<Buffer> {
  for (let left = size; left > 0; left -= BLOCK.length) {
    const piece = left < BLOCK.length ? BLOCK.subarray(0, left) : BLOCK;
    counters.bytesDown += piece.length;
    yield piece;
  }
}

function count(request: ServerRequest, service: Service): void {
  if (!admit(request, service)) return;
  let bytes = 0;
  request.onData = (piece) => {
    bytes += piece.length;
    service.counters.bytesUp += piece.length;
    if (bytes <= SERVICE_LIMITS.bytes) return;
    service.counters.refused++;
    // What is left of it is spared from here on.
    request.onData = request.onEnd = null;
    request.respond(text(413, `At most ${SERVICE_LIMITS.bytes} bytes`));
  };
  request.onEnd = () => request.respond(text(200, String(bytes)));
}
