/**
 * HTTP/3 with others, every byte compared: our client with ngtcp2's server, ngtcp2's client and Chromium with ours (Debian:
 * ngtcp2-server, ngtcp2-client, chromium).
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium } from '@playwright/test';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programEnv as env, freePort, isInstalled } from '../../src/main/cli/interop/peer.ts';
import { PAGE } from '../../src/main/probe/http3-service.ts';
import { Http3Client } from '../../src/main/quic/http3/client.ts';
import type { ResponseHead } from '../../src/main/quic/http3/message.ts';
import { createAuthority, issueCertificate } from '../../src/main/quic/tls/authority.ts';
import type { QuicSession } from '../../src/main/quic/udp/api.ts';
import { connectQuic } from '../../src/main/quic/udp/client.ts';
import { LabError } from '../../src/shared/errors.ts';
import { type Running, run, startServer } from '../cli/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'routelab-http3-interop-'));
const path = (name: string): string => join(folder, name);
const authority = await createAuthority(Date.now());
const identity = await issueCertificate(authority, {
  names: ['localhost', '127.0.0.1'],
  days: 1,
  nowMs: Date.now(),
});
/** Bytes that no two offsets of a stream share by chance. */
const file = createHash('shake256', { outputLength: 3_000_001 }).update('file').digest();
mkdirSync(path('www'));
writeFileSync(path('www/file'), file);
writeFileSync(path('ca.pem'), authority.certPem);
writeFileSync(path('cert.pem'), identity.certPem);
writeFileSync(path('key.pem'), identity.keyPem);
afterAll(() => rmSync(folder, { recursive: true }));

/** As docs/probe-protocol.md states it. */
const contentOf = (size: number): Buffer =>
  Buffer.from(
    Array.from({ length: size }, (_, i) => Number((((BigInt(i) % 65_536n) * 2_654_435_761n) >> 24n) & 0xffn)),
  );

describe.skipIf(!isInstalled('gtlsserver'))('our client against gtlsserver (package ngtcp2-server)', () => {
  let server: ChildProcess;
  let port: number;
  beforeAll(async () => {
    port = await freePort();
    const args = ['-q', '--send-trailers', '-d', path('www'), '127.0.0.1', String(port)];
    server = spawn('gtlsserver', [...args, path('key.pem'), path('cert.pem')], { env, stdio: 'ignore' });
    await once(server, 'spawn');
  });
  afterAll(async () => {
    server.kill();
    await once(server, 'exit');
  });

  async function connect(): Promise<{ session: QuicSession; client: Http3Client }> {
    for (let tries = 0; ; tries++) {
      try {
        const session = await connectQuic({
          host: '127.0.0.1',
          port,
          alpn: ['h3'],
          trust: { ca: [authority.certPem], system: false, insecure: false },
        });
        return { session, client: new Http3Client(session) };
      } catch (error) {
        // It says nothing when it is ready: the port may still be closed.
        if (!(error instanceof LabError) || error.code !== 'RL_PORT_CLOSED' || tries > 100) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }

  function ask(
    client: Http3Client,
    method: string,
    resource: string,
    content?: Uint8Array,
  ): Promise<{ status: number; fields: Record<string, string>; body: Buffer }> {
    return new Promise((resolve, reject) => {
      const pieces: Buffer[] = [];
      let response: ResponseHead;
      const length = content ? ([['content-length', String(content.length)]] as const) : [];
      client.request(
        { method, scheme: 'https', authority: 'localhost', path: resource, headers: length },
        {
          onHead: (head) => {
            response = head;
          },
          onData: (piece) => pieces.push(Buffer.from(piece)),
          onEnd: () => {
            const fields = Object.fromEntries(response.headers);
            resolve({ status: response.status, fields, body: Buffer.concat(pieces) });
          },
          onError: reject,
        },
        content,
      );
    });
  }

  it('gets a file, several at once, and what is not there', async () => {
    const { session, client } = await connect();
    const answers = await Promise.all([1, 2, 3, 4].map(() => ask(client, 'GET', '/file')));
    for (const { status, fields, body } of answers) {
      expect(status).toBe(200);
      expect(fields['content-length']).toBe(String(file.length));
      expect(body.equals(file)).toBe(true);
    }
    expect((await ask(client, 'GET', '/none')).status).toBe(404);
    client.close();
    expect(await session.closed).toMatchObject({ by: 'local', code: 0x100 });
  });

  it('asks for the fields alone', async () => {
    const { client } = await connect();
    const { status, fields, body } = await ask(client, 'HEAD', '/file');
    expect(status).toBe(200);
    expect(fields['content-length']).toBe(String(file.length));
    expect(body).toHaveLength(0);
    client.close();
  });

  it('posts', async () => {
    const { client } = await connect();
    const { status, body } = await ask(client, 'POST', '/file', Buffer.alloc(2_000_000, 'post'));
    expect(status).toBe(200);
    // It answers a POST as a GET, once it has read its content.
    expect(body.equals(file)).toBe(true);
    client.close();
  });

  it('measures it from the command line, certificate verified', async () => {
    const url = `https://localhost:${port}/file`;
    const args = ['--count', '3', '--ca', path('ca.pem'), '--data', path('none'), '--json'];
    const { code, stdout } = await run(['probe', url, ...args]);
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ sent: 3, received: 3, bytes: 3 * file.length });
    expect(result).not.toHaveProperty('insecure');
    for (const request of result.requests) {
      expect(request).toMatchObject({ status: 200, headers: { server: expect.stringContaining('ngtcp2') } });
      for (const name of ['dns_ms', 'handshake_ms', 'ttfb_ms', 'total_ms', 'goodput_bps'])
        expect(request[name]).toBeGreaterThan(0);
    }
  });
});

describe('against our server', () => {
  let server: Running & { port: number };
  beforeAll(async () => {
    const args = ['--cert', path('cert.pem'), '--key', path('key.pem'), '--json'];
    server = await startServer(args, path('data'));
  });
  afterAll(async () => {
    server.child.kill('SIGTERM');
    await server.finished;
  });

  describe.skipIf(!isInstalled('gtlsclient'))('gtlsclient (package ngtcp2-client)', () => {
    const client = async (resources: readonly string[], ...flags: string[]): Promise<string> => {
      const urls = resources.map((resource) => `https://localhost${resource}`);
      const args = [
        '--no-quic-dump',
        '--exit-on-all-streams-close',
        ...flags,
        '127.0.0.1',
        String(server.port),
      ];
      const { stdout, stderr } = await promisify(execFile)('gtlsclient', [...args, ...urls], {
        env,
        maxBuffer: 64 * 1024 * 1024,
      });
      return stdout + stderr;
    };

    it('downloads', async () => {
      mkdirSync(path('dl'));
      const sizes = [1, 70_000, 3_000_000];
      await client(
        sizes.map((size) => `/bytes/${size}`),
        '-q',
        '--no-http-dump',
        `--download=${path('dl')}`,
      );
      for (const size of sizes) {
        expect(readFileSync(path(`dl/${size}`)).equals(contentOf(size)), `${size} bytes`).toBe(true);
      }
    });

    it('posts what we count', async () => {
      const log = await client(['/'], '-m', 'POST', '-d', path('www/file'));
      expect(log).toContain('[:status: 200]');
      // The count and a line break, as its dump shows them.
      expect(log).toContain('33 30 30 30 30 30 31 0a');
    });

    it('asks for the fields alone', async () => {
      const log = await client(['/bytes/77'], '-m', 'HEAD');
      expect(log).toContain('[content-length: 77]');
      expect(log).not.toMatch(/body \d+ bytes/);
    });
  });

  describe.skipIf(!isInstalled('chromium'))('Chromium (package chromium)', () => {
    it('shows the page, downloads and posts, all over h3', async () => {
      const key = new X509Certificate(identity.certPem).publicKey.export({ type: 'spki', format: 'der' });
      const spki = createHash('sha256').update(key).digest('base64');
      const origin = `localhost:${server.port}`;
      const browser = await chromium.launch({
        executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
        args: [
          '--no-sandbox',
          '--disable-sync',
          '--disable-component-update',
          '--disable-background-networking',
          '--host-resolver-rules=MAP localhost 127.0.0.1, MAP * ~NOTFOUND',
          `--origin-to-force-quic-on=${origin}`,
          `--ignore-certificate-errors-spki-list=${spki}`,
        ],
      });
      try {
        const page = await browser.newPage();
        await page.goto(`https://${origin}/`);
        expect(await page.locator('pre').textContent()).toBe(PAGE);
        const size = 3_000_000;
        const seen = await page.evaluate<{
          sha256: string;
          count: string;
          protocols: string[];
        }>(`(async () => {
          const content = await (await fetch('/bytes/${size}')).arrayBuffer();
          const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', content));
          const posted = await fetch('/', { method: 'POST', body: content });
          const entries = performance.getEntries().filter((entry) => entry.nextHopProtocol !== undefined);
          return {
            sha256: [...digest].map((octet) => octet.toString(16).padStart(2, '0')).join(''),
            count: await posted.text(),
            protocols: [...new Set(entries.map((entry) => entry.nextHopProtocol))],
          };
        })()`);
        expect(seen).toEqual({
          sha256: createHash('sha256').update(contentOf(size)).digest('hex'),
          count: `${size}\n`,
          protocols: ['h3'],
        });
      } finally {
        await browser.close();
      }
    });
  });
});
