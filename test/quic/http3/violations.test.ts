/** Peers that break HTTP/3, written octet by octet, against our server and our client. */
import { describe, expect, it } from 'vitest';
import { Http3Client } from '../../../src/main/quic/http3/client.ts';
import { Http3Code } from '../../../src/main/quic/http3/errors.ts';
import { encodeFrameHeader, encodeHeaders, FrameType } from '../../../src/main/quic/http3/frames.ts';
import type { ResponseHead } from '../../../src/main/quic/http3/message.ts';
import { encodeFieldSection } from '../../../src/main/quic/http3/qpack.ts';
import { Http3Server, type ServerRequest } from '../../../src/main/quic/http3/server.ts';
import type { Field } from '../../../src/main/quic/http3/static-table.ts';
import type { QuicSession, QuicStream } from '../../../src/main/quic/udp/api.ts';
import type { LabError } from '../../../src/shared/errors.ts';
import { connectEnds } from './loopback.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const headers = (...fields: Field[]): Buffer => encodeHeaders(encodeFieldSection(fields));
const data = (content: string): Buffer =>
  Buffer.concat([encodeFrameHeader(FrameType.DATA, content.length), Buffer.from(content)]);
/** A control stream with empty SETTINGS. */
const CONTROL = '00 04 00';

const unidirectional = (session: QuicSession, content: Buffer): QuicStream => {
  const stream = session.openStream({ unidirectional: true });
  stream.write(content);
  return stream;
};

const GET: Field[] = [
  [':method', 'GET'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', '/'],
];
const without = (name: string): Field[] => GET.filter(([other]) => other !== name);
const OK: Field = [':status', '200'];

describe('our server ends the connection of a client', () => {
  const closeOf = async (act: (client: QuicSession) => void): Promise<number> => {
    await using ends = await connectEnds();
    new Http3Server(ends.server, { onRequest: (request) => request.respond({ status: 200, headers: [] }) });
    act(ends.client);
    const info = await ends.client.closed;
    expect(info).toMatchObject({ by: 'peer', application: true });
    return info.code;
  };

  it.each([
    ['whose control stream begins with another frame', '00 07 01 00', Http3Code.MISSING_SETTINGS],
    ['whose control stream begins with an unknown frame', '00 21 00', Http3Code.MISSING_SETTINGS],
    ['with SETTINGS twice', '00 0400 0400', Http3Code.FRAME_UNEXPECTED],
    ['with DATA on the control stream', '00 0400 0000', Http3Code.FRAME_UNEXPECTED],
    ['with a setting of HTTP/2', '00 0402 0200', Http3Code.SETTINGS_ERROR],
    ['whose MAX_PUSH_ID shrinks', '00 0400 0d0105 0d0104', Http3Code.ID_ERROR],
    ['whose GOAWAY grows', '00 0400 070104 070105', Http3Code.ID_ERROR],
    ['that cancels a push nobody promised', '00 0400 030100', Http3Code.ID_ERROR],
    ['that pushes', '01 00', Http3Code.STREAM_CREATION_ERROR],
    ['that inserts into the QPACK table', '02 3fbd01', Http3Code.QPACK_ENCODER_STREAM_ERROR],
    ['that acknowledges what was never sent', '03 84', Http3Code.QPACK_DECODER_STREAM_ERROR],
  ])('%s', async (_, text, code) => {
    expect(await closeOf((client) => unidirectional(client, hex(text)))).toBe(code);
  });

  it.each([['00 0400'], ['02'], ['03']])('with a second stream of a kind (%s)', async (text) => {
    const code = await closeOf((client) => {
      unidirectional(client, hex(text));
      unidirectional(client, hex(text));
    });
    expect(code).toBe(Http3Code.STREAM_CREATION_ERROR);
  });

  it('that ends or resets its control stream', async () => {
    expect(await closeOf((client) => unidirectional(client, hex(CONTROL)).end())).toBe(
      Http3Code.CLOSED_CRITICAL_STREAM,
    );
    const code = await closeOf((client) => {
      const control = unidirectional(client, hex(CONTROL));
      // Its type must have come for the reset to matter: a request is answered after it.
      const request = client.openStream();
      request.onData = () => control.reset(0);
      request.end(headers(...GET));
    });
    expect(code).toBe(Http3Code.CLOSED_CRITICAL_STREAM);
  });

  it.each([
    ['DATA before HEADERS', data('x'), Http3Code.FRAME_UNEXPECTED],
    ['SETTINGS on a request', hex('0400'), Http3Code.FRAME_UNEXPECTED],
    ['PRIORITY of HTTP/2', hex('0200'), Http3Code.FRAME_UNEXPECTED],
    ['PUSH_PROMISE', hex('0500'), Http3Code.FRAME_UNEXPECTED],
    ['a frame that is cut off', hex('0105 00'), Http3Code.FRAME_ERROR],
    ['a dynamic reference', hex('0103 000080'), Http3Code.QPACK_DECOMPRESSION_FAILED],
    [
      'DATA after trailers',
      Buffer.concat([headers(...GET), headers(['x', '']), data('x')]),
      Http3Code.FRAME_UNEXPECTED,
    ],
  ])('for %s', async (_, content, code) => {
    expect(await closeOf((client) => client.openStream().end(content))).toBe(code);
  });
});

describe('our server ends a request', () => {
  const resetOf = async (content: Buffer): Promise<number> => {
    await using ends = await connectEnds();
    new Http3Server(ends.server, {
      onRequest: (request: ServerRequest) => {
        request.onData = () => undefined;
        request.onEnd = () => request.respond({ status: 200, headers: [] });
      },
    });
    const code = await new Promise<number>((resolve) => {
      const stream = ends.client.openStream();
      stream.onData = () => undefined;
      stream.onReset = resolve;
      stream.end(content);
    });
    // The connection lives on.
    const next = ends.client.openStream();
    const answered = new Promise<void>((resolve) => {
      next.onEnd = resolve;
    });
    next.onData = () => undefined;
    next.end(headers(...GET));
    await answered;
    return code;
  };

  it.each<[string, Field[]]>([
    ['without :method', without(':method')],
    ['without :scheme', without(':scheme')],
    ['without :path', without(':path')],
    ['without an authority', without(':authority')],
    ['with an empty authority', [...without(':authority'), [':authority', '']]],
    ['with a path that is none', [...without(':path'), [':path', 'x']]],
    ['with another host than :authority', [...GET, ['host', 'other']]],
    ['with an unknown pseudo-header', [...GET, [':status', '200']]],
    ['with a pseudo-header twice', [...GET, [':path', '/']]],
    ['with a pseudo-header after a field', [['accept', '*/*'], ...GET]],
    ['with an upper-case name', [...GET, ['Accept', '*/*']]],
    ['with an empty name', [...GET, ['', 'x']]],
    ['with a line break in a value', [...GET, ['x', 'a\r\nb']]],
    ['with white space around a value', [...GET, ['x', ' a']]],
    ['with a field of HTTP/1', [...GET, ['transfer-encoding', 'chunked']]],
    ['with te other than trailers', [...GET, ['te', 'gzip']]],
    ['with a content-length that is none', [...GET, ['content-length', '-1']]],
    ['with two content-lengths', [...GET, ['content-length', '0, 1']]],
    ['with content that does not come', [...GET, ['content-length', '5']]],
    ['CONNECT with a path', GET.map(([name, value]) => [name, name === ':method' ? 'CONNECT' : value])],
  ])('%s', async (_, fields) => {
    expect(await resetOf(headers(...fields))).toBe(Http3Code.MESSAGE_ERROR);
  });

  it('with more content than announced', async () => {
    const content = Buffer.concat([headers(...GET, ['content-length', '2']), data('abc')]);
    expect(await resetOf(content)).toBe(Http3Code.MESSAGE_ERROR);
  });

  it('with a pseudo-header in its trailers', async () => {
    expect(await resetOf(Buffer.concat([headers(...GET), headers(OK)]))).toBe(Http3Code.MESSAGE_ERROR);
  });

  it('that ends before its header section', async () => {
    expect(await resetOf(Buffer.alloc(0))).toBe(Http3Code.REQUEST_INCOMPLETE);
  });
});

describe('our server puts up with', () => {
  it('unknown streams, frames, settings and trailers, host instead of :authority, and a stream without a type', async () => {
    await using ends = await connectEnds();
    const requests: ServerRequest[] = [];
    new Http3Server(ends.server, {
      onRequest: (request) => {
        requests.push(request);
        request.respond({ status: 200, headers: [] });
      },
    });
    const unknown = ends.client.openStream({ unidirectional: true });
    unknown.write(hex('40 54 00 00'));
    ends.client.openStream({ unidirectional: true }).end();
    unidirectional(ends.client, hex('00 04 05 21 05 4043 00 21 02 aabb 0d 01 00'));
    unidirectional(ends.client, hex('02 20'));
    unidirectional(ends.client, hex('03 44'));
    const stream = ends.client.openStream();
    const ended = new Promise<void>((resolve) => {
      stream.onEnd = resolve;
    });
    stream.onData = () => undefined;
    const parts = [hex('21 03 616263'), headers(...without(':authority'), ['host', 'localhost'])];
    stream.end(Buffer.concat([...parts, hex('21 00'), data('x'), headers(['etag', 'x'])]));
    await ended;
    expect(requests.map(({ head }) => head.authority)).toEqual(['localhost']);
  });
});

const request = { method: 'GET', scheme: 'https', authority: 'localhost', path: '/', headers: [] };

interface Outcome {
  heads: ResponseHead[];
  error: LabError | null;
  /** How our client closed the connection, where it is `closing`. */
  closeCode: number | null;
}

/** What our client makes of a server that does `act` with the session and the first request. */
async function outcomeOf(
  act: (server: QuicSession, stream: QuicStream) => void,
  { method = 'GET', closing = false } = {},
): Promise<Outcome> {
  await using ends = await connectEnds();
  ends.server.onStream = (stream) => {
    if (!stream.unidirectional) act(ends.server, stream);
  };
  const client = new Http3Client(ends.client);
  const heads: ResponseHead[] = [];
  const error = await new Promise<LabError | null>((resolve) => {
    client.request(
      { ...request, method },
      {
        onHead: (head) => heads.push(head),
        onData: () => undefined,
        onEnd: () => resolve(null),
        onError: resolve,
      },
    );
  });
  return { heads, error, closeCode: closing ? (await ends.server.closed).code : null };
}

describe('our client ends the connection to a server', () => {
  it.each<[string, (server: QuicSession, stream: QuicStream) => void, number]>([
    [
      'that opens a bidirectional stream',
      (server) => server.openStream().write(Buffer.from('x')),
      Http3Code.STREAM_CREATION_ERROR,
    ],
    ['that pushes', (server) => unidirectional(server, hex('01 00')), Http3Code.ID_ERROR],
    ['that promises a push', (_, stream) => stream.write(hex('0500')), Http3Code.ID_ERROR],
    [
      'whose GOAWAY names no request',
      (server) => unidirectional(server, hex(`${CONTROL} 070101`)),
      Http3Code.ID_ERROR,
    ],
    [
      'with MAX_PUSH_ID',
      (server) => unidirectional(server, hex(`${CONTROL} 0d0101`)),
      Http3Code.FRAME_UNEXPECTED,
    ],
    [
      'with DATA before HEADERS',
      (_, stream) => stream.end(Buffer.concat([headers([':status', '103']), data('x')])),
      Http3Code.FRAME_UNEXPECTED,
    ],
    ['that cuts a frame off', (_, stream) => stream.end(hex('0105 00')), Http3Code.FRAME_ERROR],
  ])('%s', async (_, act, code) => {
    const { error, closeCode } = await outcomeOf(act, { closing: true });
    expect(error).toMatchObject({ code: 'RL_PROTOCOL_VIOLATION' });
    expect(closeCode).toBe(code);
  });
});

describe('our client fails a request', () => {
  it.each<[string, Buffer]>([
    ['without :status', headers(['server', 'x'])],
    ['with a :status that is none', headers([':status', '20'])],
    ['with 101', headers([':status', '101'])],
    ['with a pseudo-header of requests', headers(OK, [':path', '/'])],
    ['with an upper-case name', headers(OK, ['Server', 'x'])],
    ['with less content than announced', Buffer.concat([headers(OK, ['content-length', '5']), data('abc')])],
    ['with more content than announced', Buffer.concat([headers(OK, ['content-length', '2']), data('abc')])],
    ['with content under 204', Buffer.concat([headers([':status', '204']), data('abc')])],
    ['that ends before its header section', headers([':status', '103'])],
  ])('whose response is malformed: %s', async (_, content) => {
    const { error } = await outcomeOf((__, stream) => stream.end(content));
    expect(error).toMatchObject({ code: 'RL_PROTOCOL_VIOLATION' });
    expect(error!.message).toContain('H3_MESSAGE_ERROR');
  });

  it('whose header section is larger than it takes', async () => {
    const { error } = await outcomeOf((_, stream) => stream.end(headers(OK, ['x', 'y'.repeat(20_000)])));
    expect(error!.message).toContain('H3_EXCESSIVE_LOAD');
  });

  it('that the server cuts off', async () => {
    const { error } = await outcomeOf((_, stream) => {
      stream.write(headers(OK));
      stream.reset(Http3Code.INTERNAL_ERROR);
    });
    expect(error).toMatchObject({ code: 'RL_PEER_CLOSED' });
    expect(error!.message).toContain('H3_INTERNAL_ERROR');
  });
});

describe('our client puts up with', () => {
  it('interim responses, trailers, unknown frames, a length without content under HEAD, and a late GOAWAY', async () => {
    const content = Buffer.concat([
      headers([':status', '103'], ['link', '</x>']),
      hex('21 01 00'),
      headers(OK, ['content-length', '5']),
    ]);
    const { heads, error, closeCode } = await outcomeOf(
      (server, stream) => {
        // 2^62 − 4: "finish what you have" (RFC 9114 §5.2).
        unidirectional(server, hex(`${CONTROL} 0708 fffffffffffffffc`));
        stream.end(content);
      },
      { method: 'HEAD', closing: true },
    );
    expect(error).toBeNull();
    expect(closeCode).toBe(Http3Code.NO_ERROR);
    expect(heads).toEqual([{ status: 200, headers: [['content-length', '5']] }]);
  });

  it('trailers after content', async () => {
    const { error } = await outcomeOf((_, stream) =>
      stream.end(
        Buffer.concat([headers(OK, ['content-length', '3']), data('ab'), data('c'), headers(['x', 'y'])]),
      ),
    );
    expect(error).toBeNull();
  });
});
