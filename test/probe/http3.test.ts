/** HTTP/3 of a RouteLab server, and the requests that measure one. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type RequestSample, runRequests } from '../../src/main/probe/http3.ts';
import { SERVICE_LIMITS } from '../../src/main/probe/service-limits.ts';
import { Http3Client } from '../../src/main/quic/http3/client.ts';
import type { RequestHead, ResponseHead } from '../../src/main/quic/http3/message.ts';
import { Http3Server, type ServerRequest } from '../../src/main/quic/http3/server.ts';
import { type Loopback, startLoopback } from './loopback.ts';

let loopback: Loopback;
beforeAll(async () => {
  loopback = await startLoopback(['h3']);
});
afterAll(async () => {
  await loopback[Symbol.asyncDispose]();
});

const settled = (check: () => void) => vi.waitFor(check, { timeout: 5000, interval: 10 });

const head = (path: string, method = 'GET'): RequestHead => ({
  method,
  scheme: 'https',
  authority: 'localhost',
  path,
  headers: [],
});

interface Answer {
  status: number;
  fields: Record<string, string>;
  body: Buffer;
}

function ask(client: Http3Client, request: RequestHead, content?: Uint8Array): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = [];
    let response: ResponseHead;
    client.request(
      request,
      {
        onHead: (head) => {
          response = head;
        },
        onData: (piece) => pieces.push(Buffer.from(piece)),
        onEnd: () =>
          resolve({
            status: response.status,
            fields: Object.fromEntries(response.headers),
            body: Buffer.concat(pieces),
          }),
        onError: reject,
      },
      content,
    );
  });
}

/** As docs/probe-protocol.md states it. */
const contentOf = (size: number): Buffer =>
  Buffer.from(
    Array.from({ length: size }, (_, i) => Number((((BigInt(i) % 65_536n) * 2_654_435_761n) >> 24n) & 0xffn)),
  );

describe('a RouteLab server over HTTP/3', () => {
  const client = async () => new Http3Client(await loopback.connect());

  it('names itself at /, whatever the query', async () => {
    const answer = await ask(await client(), head('/?x'));
    expect(answer).toMatchObject({
      status: 200,
      fields: {
        server: 'RouteLab',
        'content-type': 'text/plain;charset=utf-8',
        'content-length': String(answer.body.length),
      },
    });
    expect(answer.body.toString()).toMatch(/^RouteLab\n/);
  });

  it.each([0, 1, 65_536, 200_001])('sends exactly the %i bytes that are documented', async (size) => {
    const { fields, body } = await ask(await client(), head(`/bytes/${size}`));
    expect(fields['content-length']).toBe(String(size));
    expect(body.equals(contentOf(size))).toBe(true);
  });

  it('counts what it is sent', async () => {
    const before = loopback.counters.bytesUp;
    const { body } = await ask(await client(), head('/', 'POST'), Buffer.alloc(3_000_000));
    expect(body.toString()).toBe('3000000\n');
    expect(loopback.counters.bytesUp - before).toBe(3_000_000);
  });

  it('says of what size something is without sending it', async () => {
    const { fields, body } = await ask(await client(), head('/bytes/1000', 'HEAD'));
    expect(fields['content-length']).toBe('1000');
    expect(body).toHaveLength(0);
  });

  it.each([
    ['/none', 'GET', 404],
    ['/bytes/', 'GET', 404],
    ['/bytes/-1', 'GET', 404],
    [`/bytes/${SERVICE_LIMITS.bytes + 1}`, 'GET', 400],
    ['/', 'DELETE', 405],
    ['/bytes/1', 'POST', 405],
  ])('answers %s, %s, with %i', async (path, method, status) => {
    expect(await ask(await client(), head(path, method))).toMatchObject({ status });
  });

  it('moves the content of four at once for a client, and of a fifth when one has ended', async () => {
    const http = await client();
    const forever = [1, 2, 3, 4].map(() => {
      const started = Promise.withResolvers<void>();
      const request = http.request(head(`/bytes/${SERVICE_LIMITS.bytes}`), {
        onHead: () => started.resolve(),
        onData() {},
        onEnd() {},
        onError: started.reject,
      });
      return { request, started: started.promise };
    });
    await Promise.all(forever.map(({ started }) => started));
    expect(await ask(http, head('/bytes/1'))).toMatchObject({ status: 503, fields: { 'retry-after': '1' } });
    expect((await ask(http, head('/'))).status).toBe(200);
    for (const { request } of forever) request.cancel();
    await settled(() => expect(loopback.counters.activeTransfers).toBe(0));
    expect((await ask(http, head('/bytes/1'))).status).toBe(200);
  });
});

describe('requests that measure', () => {
  const measure = async (path: string, count: number, changes: { host?: string; port?: number } = {}) => {
    const samples: RequestSample[] = [];
    await runRequests(
      { ...loopback.options, ...changes },
      {
        head: head(path),
        count,
        signal: new AbortController().signal,
        onRequest: (sample) => samples.push(sample),
      },
    );
    return samples;
  };

  it('each use a connection of their own, and time its phases', async () => {
    const sessions = loopback.counters.sessions;
    const samples = await measure('/bytes/100000', 3, { host: 'localhost' });
    expect(loopback.counters.sessions - sessions).toBe(3);
    expect(samples).toHaveLength(3);
    for (const sample of samples) {
      expect(sample).toMatchObject({ bodyBytes: 100_000, response: { status: 200 }, error: null });
      const { dnsUs, handshakeUs, firstByteUs, responseUs, totalUs } = sample;
      for (const us of [dnsUs, handshakeUs, firstByteUs]) expect(us).toBeGreaterThan(0);
      expect(responseUs).toBeGreaterThanOrEqual(firstByteUs!);
      expect(totalUs).toBeGreaterThanOrEqual(dnsUs! + handshakeUs! + responseUs!);
    }
  });

  it('resolve no name where there is none', async () => {
    expect((await measure('/', 1))[0]).toMatchObject({ dnsUs: null, error: null });
  });

  it('throw when there is no HTTP/3, and say how that comes', async () => {
    await using other = await startLoopback();
    const { port } = other.listener;
    const trust = other.options.trust;
    await expect(measure('/', 1, { port, trust } as object)).rejects.toMatchObject({
      code: 'RL_ALPN_MISMATCH',
      hint: expect.stringContaining('not HTTP/3'),
    });
  });

  it('keep what came before the server failed', async () => {
    const requests: ServerRequest[] = [];
    await using failing = await startLoopback(['h3'], (session) => {
      const onRequest = (request: ServerRequest) => {
        requests.push(request);
        // The connection is cut once the client has read something.
        const body = (function* () {
          yield Buffer.alloc(2_000_000);
          void session.close(0x102, 'out of tea');
        })();
        request.respond({ status: 200, headers: [], body });
      };
      new Http3Server(session, { onRequest });
    });
    const samples: RequestSample[] = [];
    await runRequests(failing.options, {
      head: head('/'),
      count: 2,
      signal: new AbortController().signal,
      onRequest: (sample) => samples.push(sample),
    });
    expect(samples).toHaveLength(2);
    for (const sample of samples) {
      expect(sample).toMatchObject({
        response: { status: 200 },
        totalUs: null,
        error: { code: 'RL_PEER_CLOSED' },
      });
      expect(sample.bodyBytes).toBeGreaterThan(0);
    }
  });

  it('end when they are told to, with what came', async () => {
    const stop = new AbortController();
    const samples: RequestSample[] = [];
    await runRequests(loopback.options, {
      head: head(`/bytes/${SERVICE_LIMITS.bytes}`),
      count: 5,
      signal: stop.signal,
      onRequest: (sample) => samples.push(sample),
      onProgress: (bytes) => {
        if (bytes > 1_000_000) stop.abort();
      },
    });
    expect(samples).toHaveLength(1);
    expect(samples[0]).toMatchObject({ response: { status: 200 }, totalUs: null, error: null });
    expect(samples[0]!.bodyBytes).toBeGreaterThan(1_000_000);
    await settled(() => expect(loopback.counters.activeTransfers).toBe(0));
  });
});
