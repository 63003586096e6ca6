/** Handshakes with ngtcp2 (Debian: ngtcp2-server, ngtcp2-client), each side once, certificates verified. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programEnv as env, freePort, isInstalled } from '../../src/main/cli/interop/peer.ts';
import { createAuthority, issueCertificate } from '../../src/main/quic/tls/authority.ts';
import { run, startServer } from '../cli/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'routelab-interop-'));
const path = (name: string): string => join(folder, name);
beforeAll(async () => {
  const authority = await createAuthority(Date.now());
  const { certPem, keyPem } = await issueCertificate(authority, {
    names: ['localhost', '127.0.0.1'],
    days: 1,
    nowMs: Date.now(),
  });
  writeFileSync(path('ca.pem'), authority.certPem);
  writeFileSync(path('cert.pem'), certPem);
  writeFileSync(path('key.pem'), keyPem);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(!isInstalled('gtlsserver'))('our client against gtlsserver (package ngtcp2-server)', () => {
  let server: ChildProcess;
  let port: number;
  beforeAll(async () => {
    port = await freePort();
    const args = ['-q', '-d', folder, '127.0.0.1', String(port), path('key.pem'), path('cert.pem')];
    server = spawn('gtlsserver', args, { env, stdio: 'ignore' });
    await once(server, 'spawn');
  });
  afterAll(async () => {
    server.kill();
    await once(server, 'exit');
  });

  const handshake = (...args: string[]) =>
    run([
      'probe',
      `127.0.0.1:${port}`,
      '--mode',
      'handshake',
      '--alpn',
      'h3',
      '--data',
      path('none'),
      '--json',
      ...args,
    ]);

  it('completes handshakes with its certificate verified', async () => {
    // It says nothing when it is ready: the first handshakes may find the port still closed.
    let result = await handshake('--count', '5', '--ca', path('ca.pem'));
    for (let tries = 0; result.code === 3 && tries < 20; tries++) {
      result = await handshake('--count', '5', '--ca', path('ca.pem'));
    }
    expect(result.code).toBe(0);
    expect(JSON.parse(result.stdout)).toMatchObject({ sent: 5, received: 5 });
    expect(JSON.parse(result.stdout)).not.toHaveProperty('insecure');
  });

  it('refuses its certificate without the authority, and another name', async () => {
    expect(JSON.parse((await handshake()).stdout)).toMatchObject({ code: 'RL_CERT_UNTRUSTED' });
    const other = await handshake('--ca', path('ca.pem'), '--server-name', 'other.example');
    expect(JSON.parse(other.stdout)).toMatchObject({ code: 'RL_CERT_HOST_MISMATCH' });
  });

  it('is told that it does not speak our protocol', async () => {
    const result = await run([
      'probe',
      `127.0.0.1:${port}`,
      '--ca',
      path('ca.pem'),
      '--data',
      path('none'),
      '--json',
    ]);
    expect(JSON.parse(result.stdout)).toMatchObject({ code: 'RL_ALPN_MISMATCH' });
    expect(result.code).toBe(4);
  });
});

describe.skipIf(!isInstalled('gtlsclient'))('gtlsclient (package ngtcp2-client) against our server', () => {
  // gtlsclient checks no certificates; that ours verifies is tested from the other side, and against Chromium.
  it('completes a handshake', async () => {
    const keys = path('keys.log');
    const args = [
      '--cert',
      path('cert.pem'),
      '--key',
      path('key.pem'),
      '--alpn',
      'h3',
      '--json',
      '--keylog',
      keys,
    ];
    const server = await startServer(args, path('data'));
    const client = spawn(
      'gtlsclient',
      [
        '--no-quic-dump',
        '--no-http-dump',
        '--timeout=2s',
        '127.0.0.1',
        String(server.port),
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
    await once(client, 'close');
    server.child.kill('SIGTERM');
    const { stdout } = await server.finished;
    expect(JSON.parse(stdout), log).toMatchObject({ alpn: ['h3'], sessions: 1, requests: 1, transfers: 0 });
    expect(readFileSync(keys, 'utf8')).toContain('SERVER_TRAFFIC_SECRET_0');
    expect(log).toContain('Negotiated cipher suite');
  });
});
