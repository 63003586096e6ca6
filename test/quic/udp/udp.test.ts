/** Client and server over real sockets on loopback. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { issueCertificate } from '../../../src/main/quic/tls/authority.ts';
import { connectQuic } from '../../../src/main/quic/udp/client.ts';
import { listenQuic } from '../../../src/main/quic/udp/server.ts';
import { LabError } from '../../../src/shared/errors.ts';
import { authority, identity, listen, target } from './ends.ts';

const failure = async (promise: Promise<unknown>): Promise<LabError> => {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(LabError);
  return error as LabError;
};

describe('connecting', () => {
  it('verifies the certificate and reports the handshake', async () => {
    const { port } = await listen();
    const session = await connectQuic(target(port));
    expect(session.handshake).toMatchObject({ alpn: 'test', group: 'X25519', insecure: false });
    expect(session.handshake.durationUs).toBeGreaterThan(0);
    await session.close();
  });

  it('works over IPv6 and by name', async () => {
    const { port } = await listen({ host: '::1' });
    const session = await connectQuic(target(port, { host: '[::1]' }));
    expect(session.remote.address).toBe('::1');
    await session.close();
    const byName = await listen();
    const named = await connectQuic(target(byName.port, { host: '127.0.0.1', serverName: 'localhost' }));
    expect(named.handshake.serverName).toBe('localhost');
    await named.close();
  });

  it('marks a session whose certificate was not verified', async () => {
    const { port } = await listen();
    const session = await connectQuic(target(port, { trust: { ca: [], system: false, insecure: true } }));
    expect(session.handshake.insecure).toBe(true);
    await session.close();
  });

  it('fails with RL_PORT_CLOSED where nothing listens', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    await once(socket, 'listening');
    const { port } = socket.address();
    socket.close();
    expect((await failure(connectQuic(target(port)))).code).toBe('RL_PORT_CLOSED');
  });

  it('fails with RL_CONNECT_TIMEOUT where nobody answers', async () => {
    const silent = createSocket('udp4').bind(0, '127.0.0.1');
    await once(silent, 'listening');
    const error = await failure(connectQuic(target(silent.address().port, { timeoutMs: 150 })));
    expect(error.code).toBe('RL_CONNECT_TIMEOUT');
    silent.close();
  });

  it('fails with RL_HOST_UNKNOWN for a name that does not exist', async () => {
    expect((await failure(connectQuic(target(4433, { host: 'no-such-host.invalid' })))).code).toBe(
      'RL_HOST_UNKNOWN',
    );
  });

  it('fails with RL_ALPN_MISMATCH and names what was offered', async () => {
    const { port } = await listen({ alpn: ['other'] });
    const error = await failure(connectQuic(target(port)));
    expect(error.code).toBe('RL_ALPN_MISMATCH');
    expect(error.message).toContain('test');
  });

  it('fails with RL_CERT_UNTRUSTED for an unknown authority and RL_CERT_HOST_MISMATCH for another name', async () => {
    const { port } = await listen();
    const unknown = { ca: [], system: false, insecure: false };
    expect((await failure(connectQuic(target(port, { trust: unknown })))).code).toBe('RL_CERT_UNTRUSTED');
    expect((await failure(connectQuic(target(port, { serverName: 'elsewhere.example' })))).code).toBe(
      'RL_CERT_HOST_MISMATCH',
    );
  });

  it('fails with RL_VERSION_UNSUPPORTED when the server negotiates other versions only', async () => {
    const server = createSocket('udp4').bind(0, '127.0.0.1');
    await once(server, 'listening');
    server.on('message', (datagram, remote) => {
      const dcid = datagram.subarray(6, 6 + datagram[5]!);
      const scid = datagram.subarray(7 + dcid.length, 7 + dcid.length + datagram[6 + dcid.length]!);
      const header = Buffer.from([0x80, 0, 0, 0, 0]);
      const versions = Buffer.from([0x6b, 0x33, 0x43, 0xcf]);
      const answer = Buffer.concat([
        header,
        Buffer.from([scid.length]),
        scid,
        Buffer.from([dcid.length]),
        dcid,
        versions,
      ]);
      server.send(answer, remote.port, remote.address);
    });
    const error = await failure(connectQuic(target(server.address().port)));
    expect(error.code).toBe('RL_VERSION_UNSUPPORTED');
    expect(error.message).toContain('0x6b3343cf');
    server.close();
  });

  it('offers the cipher suites it is told to, and refuses names of none', async () => {
    const { port } = await listen();
    const session = await connectQuic(target(port, { cipherSuites: ['TLS_AES_256_GCM_SHA384'] }));
    expect(session.handshake.cipherSuite).toBe('TLS_AES_256_GCM_SHA384');
    await session.close();
    const error = await failure(connectQuic(target(port, { cipherSuites: ['TLS_NULL'] })));
    expect(error).toMatchObject({ code: 'RL_INPUT_INVALID', field: 'cipherSuites' });
  });

  it('can be cancelled', async () => {
    const silent = createSocket('udp4').bind(0, '127.0.0.1');
    await once(silent, 'listening');
    const abort = new AbortController();
    const pending = failure(connectQuic(target(silent.address().port, { signal: abort.signal })));
    abort.abort();
    expect((await pending).code).toBe('RL_CANCELLED');
    silent.close();
  });
});

describe('listening', () => {
  it('fails with RL_PORT_IN_USE and names the port', async () => {
    const { port } = await listen();
    const error = await failure(listen({ port }));
    expect(error.code).toBe('RL_PORT_IN_USE');
    expect(error.message).toContain(String(port));
  });

  it('fails with RL_INPUT_INVALID for a key of another certificate', async () => {
    const other = await issueCertificate(authority, { names: ['localhost'], days: 7, nowMs: Date.now() });
    const listening = listenQuic({
      host: '127.0.0.1',
      port: 0,
      alpn: ['test'],
      certificate: identity.certPem,
      privateKey: other.keyPem,
      onSession: () => undefined,
    });
    expect(await failure(listening)).toMatchObject({ code: 'RL_INPUT_INVALID', field: 'privateKey' });
  });

  it('answers an unknown version with Version Negotiation, and only in reply to a full datagram', async () => {
    const { port } = await listen();
    const socket = createSocket('udp4');
    const answers: Buffer[] = [];
    socket.on('message', (datagram) => answers.push(datagram));
    const first = Buffer.alloc(1200);
    Buffer.from([0xc0, 0xba, 0xba, 0xba, 0xba, 8, 1, 2, 3, 4, 5, 6, 7, 8, 2, 9, 9]).copy(first);
    socket.send(first.subarray(0, 600), port, '127.0.0.1');
    socket.send(first, port, '127.0.0.1');
    await once(socket, 'message');
    expect(answers).toHaveLength(1);
    expect([...answers[0]!.subarray(1, 5)]).toEqual([0, 0, 0, 0]);
    expect([...answers[0]!.subarray(-4)]).toEqual([0, 0, 0, 1]);
    socket.close();
  });

  it('survives garbage, and serves the next client', async () => {
    const { port } = await listen();
    const socket = createSocket('udp4');
    for (let i = 0; i < 500; i++) {
      const noise = Buffer.alloc(1 + ((i * 37) % 1400), i);
      if (i % 2 === 0) noise[0] = 0xc0 | (i & 0x3f);
      if (i % 4 === 0 && noise.length > 5) noise.writeUInt32BE(1, 1);
      await new Promise((resolve) => socket.send(noise, port, '127.0.0.1', resolve));
    }
    const session = await connectQuic(target(port));
    expect(session.handshake.alpn).toBe('test');
    await session.close();
    socket.close();
  });
});

describe('a session', () => {
  it('echoes datagrams and streams, and tells the peer why it ends', async () => {
    const ended: unknown[] = [];
    const { port } = await listen({
      onSession: (session) => {
        session.onDatagram = (data) => session.sendDatagram(data);
        session.onStream = (stream) => {
          stream.onData = (data) => stream.write(data);
          stream.onEnd = () => stream.end();
        };
        void session.closed.then((info) => ended.push(info));
      },
    });
    const session = await connectQuic(target(port));
    const echoed = new Promise<Buffer>((resolve) => {
      session.onDatagram = resolve;
    });
    expect(session.sendDatagram(Buffer.from('ping'))).toBe(true);
    expect((await echoed).toString()).toBe('ping');

    const stream = session.openStream();
    const received: Buffer[] = [];
    const end = new Promise<void>((resolve) => {
      stream.onEnd = resolve;
    });
    stream.onData = (data) => received.push(data);
    const sent = Buffer.alloc(300_000, 'route');
    stream.end(sent);
    await end;
    expect(Buffer.concat(received).equals(sent)).toBe(true);

    await session.close(7, 'enough');
    expect(await session.closed).toMatchObject({ by: 'local', code: 7 });
    await expect.poll(() => ended).toEqual([{ by: 'peer', code: 7, application: true, reason: 'enough' }]);
  });

  it('holds back a writer whose reader has paused', async () => {
    const { port } = await listen({
      onSession: (session) => {
        session.onStream = (stream) => {
          const chunk = Buffer.alloc(1 << 20);
          let chunks = 0;
          const fill = (): void => {
            while (chunks < 40) {
              chunks++;
              if (!stream.write(chunk)) return;
            }
            stream.end();
          };
          stream.onDrain = fill;
          stream.onData = () => undefined;
          fill();
        };
      },
    });
    const session = await connectQuic(target(port));
    const stream = session.openStream();
    let received = 0;
    stream.onData = (data) => {
      received += data.length;
    };
    stream.write(Buffer.from('go'));
    await expect.poll(() => received).toBeGreaterThan(0);
    stream.pause();
    const end = new Promise<void>((resolve) => {
      stream.onEnd = resolve;
    });
    stream.resume();
    await end;
    expect(received).toBe(40 << 20);
    await session.close();
  });
});
