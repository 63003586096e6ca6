/**
 * What paths and keys go through, with ngtcp2 at the other end (Debian: ngtcp2-server, ngtcp2-client): Retry and tokens, key
 * update, migration and rebinding, path MTU discovery, loss of packets. On its own ALPN, h3, without any HTTP.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programEnv as env, freePort, isInstalled } from '../../src/main/cli/interop/peer.ts';
import { createAuthority, issueCertificate } from '../../src/main/quic/tls/authority.ts';
import type { ConnectionStats, ConnectOptions, QuicSession } from '../../src/main/quic/udp/api.ts';
import { connectQuic } from '../../src/main/quic/udp/client.ts';
import { listenQuic } from '../../src/main/quic/udp/server.ts';
import { LabError } from '../../src/shared/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'routelab-transport-'));
const path = (name: string): string => join(folder, name);
const authority = await createAuthority(Date.now());
const identity = await issueCertificate(authority, {
  names: ['localhost', '127.0.0.1', '::1'],
  days: 1,
  nowMs: Date.now(),
});
writeFileSync(path('cert.pem'), identity.certPem);
writeFileSync(path('key.pem'), identity.keyPem);
afterAll(() => rmSync(folder, { recursive: true }));

const connect = async (port: number, options: Partial<ConnectOptions> = {}): Promise<QuicSession> => {
  for (let tries = 0; ; tries++) {
    try {
      return await connectQuic({
        host: '127.0.0.1',
        port,
        alpn: ['h3'],
        trust: { ca: [authority.certPem], system: false, insecure: false },
        ...options,
      });
    } catch (error) {
      // It says nothing when it is ready: the port may still be closed.
      if (!(error instanceof LabError) || error.code !== 'RL_PORT_CLOSED' || tries > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
};

/** Turns of the loop until something is so; the test's own timeout ends what never becomes so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe.skipIf(!isInstalled('gtlsserver'))('our client against gtlsserver (package ngtcp2-server)', () => {
  const servers: ChildProcess[] = [];
  const start = async (host: string, ...flags: string[]): Promise<number> => {
    const port = await freePort();
    const args = ['-q', ...flags, '-d', folder, host, String(port), path('key.pem'), path('cert.pem')];
    const server = spawn('gtlsserver', args, { env, stdio: 'ignore' });
    servers.push(server);
    await once(server, 'spawn');
    return port;
  };
  let plain: number;
  beforeAll(async () => {
    plain = await start('127.0.0.1');
  });
  afterAll(async () => {
    for (const server of servers) {
      server.kill();
      await once(server, 'exit');
    }
  });

  it('answers its Retry, and brings the token that spares the next', async () => {
    const port = await start('127.0.0.1', '-V');
    const first = await connect(port);
    expect(first.handshake.retried).toBe(true);
    await until(() => first.token !== null);
    await first.close();
    const second = await connect(port, { token: first.token! });
    expect(second.handshake.retried).toBe(false);
    await second.close();
  });

  it('updates keys, and is answered under the new ones', async () => {
    const session = await connect(plain);
    await until(() => session.updateKeys());
    const before = session.stats().packetsReceived;
    // A request stream that is reset at once asks for an acknowledgement.
    session.openStream().reset(0x010c);
    await until(() => session.stats().packetsReceived > before);
    expect(session.stats().keyUpdates).toBe(1);
    await session.close();
  });

  it('moves to another port', async () => {
    const session = await connect(plain);
    // Once the handshake is confirmed, and the server has given an id for another path.
    for (let moved = false; !moved; ) {
      try {
        await session.migrate();
        moved = true;
      } catch (error) {
        if (!(error instanceof LabError) || error.code !== 'RL_CONFLICT') throw error;
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    }
    expect(session.stats().migrations).toBe(1);
    const before = session.stats().packetsReceived;
    session.openStream().reset(0x010c);
    await until(() => session.stats().packetsReceived > before);
    await session.close();
  });

  it('finds out how large its datagrams may be', async () => {
    const session = await connect(plain);
    // What it takes at most, and says so: 1452 bytes in this version.
    await until(() => session.stats().datagramBytes >= 1452);
    await session.close();
  });

  it('speaks to it over IPv6', async () => {
    const port = await start('::1');
    const session = await connect(port, { host: '::1' });
    expect(session.remote.address).toBe('::1');
    await session.close();
  });
});

describe.skipIf(!isInstalled('gtlsclient'))('gtlsclient (package ngtcp2-client) against our server', () => {
  /** Figures of the one connection that a run of gtlsclient makes, at its end. */
  async function served(
    retry: 'always' | 'under-load',
    isDone: (session: QuicSession) => boolean,
    ...flags: string[]
  ): Promise<{ stats: ConnectionStats; retried: boolean; log: string }> {
    const sessions: QuicSession[] = [];
    const listener = await listenQuic({
      host: '127.0.0.1',
      port: 0,
      alpn: ['h3'],
      certificate: identity.certPem,
      privateKey: identity.keyPem,
      retry,
      onSession: (session) => {
        sessions.push(session);
        // gtlsclient looks at its own plans only when something arrives: HTTP/3's control stream, with frames that mean nothing.
        const control = session.openStream({ unidirectional: true });
        control.write(Buffer.from([0x00, 0x04, 0x00]));
        const timer = setInterval(() => control.write(Buffer.from([0x21, 0x00])), 50);
        void session.closed.then(() => clearInterval(timer));
      },
    });
    const client = spawn(
      'gtlsclient',
      [
        '--no-quic-dump',
        '--no-http-dump',
        '--timeout=30s',
        ...flags,
        '127.0.0.1',
        String(listener.port),
        'https://localhost/',
      ],
      { env, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    let log = '';
    for (const stream of [client.stdout, client.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        log += text;
      });
    }
    await until(() => client.exitCode !== null || (sessions.length > 0 && isDone(sessions[0]!)));
    const stats = sessions.map((session) => session.stats());
    client.kill('SIGKILL');
    if (client.exitCode === null && client.signalCode === null) await once(client, 'close');
    await listener.close();
    expect(sessions, log).toHaveLength(1);
    return { stats: stats[0]!, retried: sessions[0]!.handshake.retried, log };
  }

  const hasMoved = (session: QuicSession): boolean => session.stats().migrations > 0;

  it('comes back from a Retry', async () => {
    expect((await served('always', () => true)).retried).toBe(true);
  });

  it('updates keys, and we follow', async () => {
    expect(
      (await served('under-load', (session) => session.stats().keyUpdates > 0, '--key-update=200ms')).stats
        .keyUpdates,
    ).toBe(1);
  });

  it('moves, and we follow', async () => {
    expect((await served('under-load', hasMoved, '--change-local-addr=200ms')).stats.migrations).toBe(1);
  });

  it('is rebound by a NAT, and we follow', async () => {
    const { stats } = await served(
      'under-load',
      hasMoved,
      '--change-local-addr=200ms',
      '--nat-rebinding',
      '--delay-stream=400ms',
    );
    expect(stats.migrations).toBe(1);
  });

  it('gets through a fifth of its packets lost, both ways', async () => {
    const { stats } = await served(
      'under-load',
      (session) => session.stats().packetsReceived > 20,
      '--tx-loss=0.2',
      '--rx-loss=0.2',
    );
    expect(stats.packetsReceived).toBeGreaterThan(20);
  });
});
