/** Our client and our server with each other. */
import { createHash } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { Http3Client, type ResponseHandler } from '../../../src/main/quic/http3/client.ts';
import { Http3Code } from '../../../src/main/quic/http3/errors.ts';
import type { RequestHead, ResponseHead } from '../../../src/main/quic/http3/message.ts';
import { Http3Server, type ServerRequest } from '../../../src/main/quic/http3/server.ts';
import type { LabError } from '../../../src/shared/errors.ts';
import { connectEnds, type Ends } from './loopback.ts';

const settled = (check: () => void) => vi.waitFor(check, { timeout: 5000, interval: 10 });

const head = (path: string, changes: Partial<RequestHead> = {}): RequestHead => ({
  method: 'GET',
  scheme: 'https',
  authority: 'localhost',
  path,
  headers: [],
  ...changes,
});

interface Answer {
  head: ResponseHead;
  interim: ResponseHead[];
  body: Buffer;
}

function ask(client: Http3Client, request: RequestHead, body?: Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    const interim: ResponseHead[] = [];
    let response: ResponseHead;
    client.request(
      request,
      {
        onInterim: (head) => interim.push(head),
        onHead: (head) => {
          response = head;
        },
        onData: (piece) => pieces.push(Buffer.from(piece)),
        onEnd: () => resolve({ head: response, interim, body: Buffer.concat(pieces) }),
        onError: reject,
      },
      body,
    );
  });
}

const nothing: ResponseHandler = { onHead() {}, onData() {}, onEnd() {}, onError() {} };

interface Service extends Ends {
  http: Http3Client;
  service: Http3Server;
}

async function serve(
  onRequest: (request: ServerRequest) => void,
  maxFieldSection?: number,
): Promise<Service> {
  const ends = await connectEnds();
  const service = new Http3Server(ends.server, {
    onRequest,
    ...(maxFieldSection === undefined ? {} : { maxFieldSection }),
  });
  return { ...ends, service, http: new Http3Client(ends.client) };
}

const sha256 = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');

describe('a request', () => {
  it('carries method, path, authority and fields, and the response status, fields and content', async () => {
    const seen: RequestHead[] = [];
    await using ends = await serve((request) => {
      seen.push(request.head);
      request.respond({ status: 418, headers: [['x-kettle', 'on']], body: Buffer.from('short and stout') });
    });
    const sent = head('/pot?milk=no', { headers: [['accept', '*/*']] });
    const answer = await ask(ends.http, sent);
    expect(seen).toEqual([sent]);
    expect(answer.head).toEqual({ status: 418, headers: [['x-kettle', 'on']] });
    expect(answer.body.toString()).toBe('short and stout');
  });

  it('brings back megabytes, pulled as they go', async () => {
    const piece = Buffer.alloc(65_536, 'route');
    let pulled = 0;
    await using ends = await serve((request) => {
      const body = (function* () {
        for (; pulled < 160; pulled++) yield piece;
      })();
      request.respond({ status: 200, headers: [], body });
    });
    const { body } = await ask(ends.http, head('/'));
    expect(sha256(body)).toBe(sha256(Buffer.concat(Array(160).fill(piece))));
  });

  it('takes megabytes along', async () => {
    const content = Buffer.alloc(5_000_000, 'upload');
    await using ends = await serve((request) => {
      const hash = createHash('sha256');
      request.onData = (piece) => hash.update(piece);
      request.onEnd = () =>
        request.respond({ status: 200, headers: [], body: Buffer.from(hash.digest('hex')) });
    });
    const headers = [['content-length', String(content.length)]] as const;
    const { body } = await ask(ends.http, head('/', { method: 'POST', headers }), content);
    expect(body.toString()).toBe(sha256(content));
  });

  it('goes beside others', async () => {
    const waiting: ServerRequest[] = [];
    await using ends = await serve((request) => {
      waiting.push(request);
      if (waiting.length < 20) return;
      for (const one of waiting.reverse())
        one.respond({ status: 200, headers: [], body: Buffer.from(one.head.path) });
    });
    const paths = Array.from({ length: 20 }, (_, i) => `/${i}`);
    const answers = await Promise.all(paths.map((path) => ask(ends.http, head(path))));
    expect(answers.map(({ body }) => body.toString())).toEqual(paths);
  });

  it('with HEAD gets the fields and no content, whatever they announce', async () => {
    await using ends = await serve((request) =>
      request.respond({ status: 200, headers: [['content-length', '5']], body: Buffer.from('hello') }),
    );
    const answer = await ask(ends.http, head('/', { method: 'HEAD' }));
    expect(answer.head.headers).toEqual([['content-length', '5']]);
    expect(answer.body).toHaveLength(0);
  });

  it('that waits for 100 gets it, once the server wants its content', async () => {
    await using ends = await serve((request) => {
      request.onData = () => undefined;
      request.onEnd = () => request.respond({ status: 200, headers: [] });
    });
    const headers = [['expect', '100-continue']] as const;
    const answer = await ask(ends.http, head('/', { method: 'PUT', headers }), Buffer.from('x'));
    expect(answer.interim).toEqual([{ status: 100, headers: [] }]);
    expect(answer.head.status).toBe(200);
  });

  it('is answered before its content came, and that is spared', async () => {
    await using ends = await serve((request) => request.respond({ status: 403, headers: [] }));
    const body = (function* () {
      for (;;) yield Buffer.alloc(65_536);
    })();
    const answer = await new Promise<ResponseHead>((resolve, reject) => {
      ends.http.request(
        head('/', { method: 'POST' }),
        { ...nothing, onHead: resolve, onError: reject },
        body,
      );
    });
    expect(answer.status).toBe(403);
    await settled(() => expect(body.next().done).toBe(true));
  });

  it('is cancelled: no more is sent, and nobody called', async () => {
    let over = 0;
    await using ends = await serve((request) => {
      request.onOver = () => over++;
      const body = (function* () {
        for (;;) yield Buffer.alloc(65_536);
      })();
      request.respond({ status: 200, headers: [], body });
    });
    let calls = 0;
    const request = ends.http.request(head('/'), {
      ...nothing,
      onData: () => {
        calls++;
        request.cancel();
      },
      onEnd: () => calls++,
      onError: () => calls++,
    });
    await settled(() => expect(over).toBe(1));
    expect(calls).toBe(1);
  });

  it('with header fields that cannot be is not sent', async () => {
    await using ends = await serve(() => undefined);
    for (const field of [
      ['Upper', ''],
      ['x', 'a\nb'],
      ['x', ' a'],
      ['connection', 'close'],
      [':path', '/'],
    ] as const) {
      expect(() => ends.http.request(head('/', { headers: [field] }), nothing)).toThrow(
        expect.objectContaining({ code: 'RL_INPUT_INVALID' }),
      );
    }
  });

  it('with more header fields than the server takes is answered with 431, or not sent when that is known', async () => {
    await using ends = await serve(() => undefined, 500);
    const large = head('/', { headers: [['x', 'y'.repeat(500)]] });
    expect((await ask(ends.http, large)).head.status).toBe(431);
    // The server's SETTINGS came before its answer.
    expect(() => ends.http.request(large, nothing)).toThrow(
      expect.objectContaining({ code: 'RL_INPUT_INVALID' }),
    );
  });

  it('fails with the connection', async () => {
    await using ends = await serve(() => undefined);
    const failed = [1, 2].map(() => ask(ends.http, head('/')));
    await ends.server.close(Http3Code.INTERNAL_ERROR, 'out of tea');
    for (const one of failed) {
      await expect(one).rejects.toMatchObject({
        code: 'RL_PEER_CLOSED',
        message: expect.stringMatching(/H3_INTERNAL_ERROR: out of tea/),
      });
    }
    expect(() => ends.http.request(head('/'), nothing)).toThrow(
      expect.objectContaining({ code: 'RL_CONFLICT' }),
    );
  });

  it('fails when the server aborts it', async () => {
    await using ends = await serve((request) => request.abort(Http3Code.INTERNAL_ERROR));
    const error: LabError = await ask(ends.http, head('/')).then(
      () => {
        throw new Error('answered');
      },
      (error) => error,
    );
    expect(error).toMatchObject({ code: 'RL_PEER_CLOSED' });
    expect(error.message).toContain('H3_INTERNAL_ERROR');
  });
});

describe('going away', () => {
  it('a server answers what came, takes no more, and the client closes after the last', async () => {
    const waiting: ServerRequest[] = [];
    await using ends = await serve((request) => waiting.push(request));
    const first = ask(ends.http, head('/'));
    await settled(() => expect(waiting).toHaveLength(1));
    ends.service.shutdown();
    // Sent before the GOAWAY has come.
    const late = ask(ends.http, head('/late'));
    await expect(late).rejects.toMatchObject({ code: 'RL_PEER_CLOSED' });
    expect(() => ends.http.request(head('/'), nothing)).toThrow(
      expect.objectContaining({ code: 'RL_CONFLICT' }),
    );
    waiting[0]!.respond({ status: 200, headers: [], body: Buffer.from('last') });
    expect((await first).body.toString()).toBe('last');
    expect(await ends.server.closed).toMatchObject({ by: 'peer', code: Http3Code.NO_ERROR });
    expect(waiting).toHaveLength(1);
  });

  it('a server without requests closes at once', async () => {
    await using ends = await serve(() => undefined);
    ends.service.shutdown();
    expect(await ends.client.closed).toMatchObject({ by: 'peer', code: Http3Code.NO_ERROR });
  });

  it('a client waits for its last response', async () => {
    const waiting: ServerRequest[] = [];
    await using ends = await serve((request) => waiting.push(request));
    const last = ask(ends.http, head('/'));
    ends.http.close();
    expect(() => ends.http.request(head('/'), nothing)).toThrow(
      expect.objectContaining({ code: 'RL_CONFLICT' }),
    );
    await settled(() => expect(waiting).toHaveLength(1));
    waiting[0]!.respond({ status: 204, headers: [] });
    expect((await last).head.status).toBe(204);
    expect(await ends.server.closed).toMatchObject({ by: 'peer', code: Http3Code.NO_ERROR });
  });
});
