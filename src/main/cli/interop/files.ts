/**
 * Files over a session of ours, served and fetched: with HTTP/3, or with the HTTP/0.9 of the interop cases ("hq-interop"), a
 * stream with "GET /path" that is answered by the bytes of the file.
 */
import { Http3Client } from '../../quic/http3/client.ts';
import { Http3Server } from '../../quic/http3/server.ts';
import type { QuicSession } from '../../quic/udp/api.ts';

export const HQ = 'hq-interop';
const H3 = 'h3';
/** H3_REQUEST_CANCELLED means as much here: there is nothing under that path. */
const NOT_FOUND = 0x10c;
const MAX_REQUEST = 4096;
/** Until the peer allows another stream. */
const RETRY_MS = 5;

export interface ServedFile {
  content: Buffer;
  type: string;
}

/** Answers the requests of a session with what `fileOf` has. */
export function serveFiles(session: QuicSession, fileOf: (path: string) => ServedFile | null): void {
  if (session.handshake.alpn === H3) serveH3(session, fileOf);
  else serveHq(session, fileOf);
}

function serveH3(session: QuicSession, fileOf: (path: string) => ServedFile | null): void {
  new Http3Server(session, {
    onRequest: (request) => {
      const file = fileOf(request.head.path);
      if (!file) {
        request.respond({ status: 404, headers: [['content-length', '0']] });
        return;
      }
      const headers = [
        ['content-type', file.type],
        ['content-length', String(file.content.length)],
      ] as const;
      request.respond({ status: 200, headers, body: file.content });
    },
  });
}

function serveHq(session: QuicSession, fileOf: (path: string) => ServedFile | null): void {
  session.onStream = (stream) => {
    if (stream.unidirectional) {
      stream.stopSending(NOT_FOUND);
      return;
    }
    let request = '';
    stream.onData = (data) => {
      request += data.toString('latin1');
      if (request.length > MAX_REQUEST) stream.reset(NOT_FOUND);
    };
    stream.onEnd = () => {
      const path = /^GET (\S+)/.exec(request)?.[1];
      const file = path === undefined ? null : fileOf(path);
      if (file) stream.end(file.content);
      else stream.reset(NOT_FOUND);
    };
  };
}

/** Fetches a path each time it is called. Rejects when the session ends before the file does. */
export function fetcher(session: QuicSession, alpn: string): (path: string) => Promise<Buffer> {
  const ended = session.closed.then(({ reason, code }) => {
    throw new Error(`the session ended: ${code} ${reason}`);
  });
  ended.catch(() => undefined);
  const client = alpn === H3 ? new Http3Client(session) : null;
  return async (path) => {
    for (;;) {
      try {
        const fetched = client ? fetchH3(client, path) : fetchHq(session, path);
        return await Promise.race([fetched, ended]);
      } catch (error) {
        // The peer's limit of streams: it lets more come as others end.
        if ((error as { code?: string }).code !== 'RL_CONFLICT') throw error;
        await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, RETRY_MS))]);
      }
    }
  };
}

function fetchH3(client: Http3Client, path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    client.request(
      { method: 'GET', scheme: 'https', authority: 'localhost', path, headers: [] },
      {
        onHead: ({ status }) => {
          if (status !== 200) reject(new Error(`${path}: status ${status}`));
        },
        onData: (piece) => parts.push(Buffer.from(piece)),
        onEnd: () => resolve(Buffer.concat(parts)),
        onError: reject,
      },
    );
  });
}

function fetchHq(session: QuicSession, path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const stream = session.openStream();
    const parts: Buffer[] = [];
    stream.onData = (data) => parts.push(Buffer.from(data));
    stream.onEnd = () => resolve(Buffer.concat(parts));
    stream.onReset = (code) => reject(new Error(`${path} was reset with ${code}`));
    stream.end(Buffer.from(`GET ${path}\r\n`));
  });
}
