/** HTTP/0.9 over QUIC, as the interop cases use it ("hq-interop"): a stream with "GET /path", answered by the bytes of the file. */
import type { QuicSession, QuicStream } from '../../quic/udp/api.ts';

export const HQ = 'hq-interop';
/** H3_REQUEST_CANCELLED means as much here: there is nothing under that path. */
const NOT_FOUND = 0x10c;
const MAX_REQUEST = 4096;

/** Answers the requests of a session with what `fileOf` has. */
export function serveHq(session: QuicSession, fileOf: (path: string) => Buffer | null): void {
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
      if (file) stream.end(file);
      else stream.reset(NOT_FOUND);
    };
  };
}

/** Fetches one path on a stream of its own. Rejects when the stream or the session ends before the file does. */
export function fetchHq(session: QuicSession, path: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let stream: QuicStream;
    const open = (): void => {
      try {
        stream = session.openStream();
      } catch {
        // The peer's limit of streams: it lets more come as others end.
        setTimeout(open, 5);
        return;
      }
      const parts: Buffer[] = [];
      stream.onData = (data) => parts.push(Buffer.from(data));
      stream.onEnd = () => resolve(Buffer.concat(parts));
      stream.onReset = (code) => reject(new Error(`${path} was reset with ${code}`));
      stream.end(Buffer.from(`GET ${path}\r\n`));
    };
    void session.closed.then(({ reason, code }) => reject(new Error(`the session ended: ${code} ${reason}`)));
    open();
  });
}
