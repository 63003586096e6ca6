/** What other implementations write into their qlog files, read as congestion series. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ngtcp2 } from '../../src/main/cli/interop/ngtcp2.ts';
import type { Peer, Workplace } from '../../src/main/cli/interop/peer.ts';
import { quicGo } from '../../src/main/cli/interop/programs.ts';
import { QlogReader, type ReadQlog } from '../../src/main/quic/qlog/reader.ts';
import { createAuthority, issueCertificate } from '../../src/main/quic/tls/authority.ts';
import { run } from '../cli/run.ts';

const folder = mkdtempSync(join(tmpdir(), 'routelab-qlog-'));
const FILE_BYTES = 2_000_000;
let place: Workplace;

beforeAll(async () => {
  const authority = await createAuthority(Date.now());
  const { certPem, keyPem } = await issueCertificate(authority, {
    names: ['localhost', '127.0.0.1'],
    days: 1,
    nowMs: Date.now(),
  });
  const write = (name: string, content: string | Buffer): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const www = join(folder, 'www');
  mkdirSync(www);
  writeFileSync(join(www, 'file'), Buffer.alloc(FILE_BYTES));
  place = {
    ca: write('ca.pem', authority.certPem),
    cert: write('cert.pem', certPem),
    key: write('key.pem', keyPem),
    www,
    folder: () => folder,
  };
});
afterAll(() => rmSync(folder, { recursive: true }));

const qlogOf = (text: string): ReadQlog => {
  const reader = new QlogReader();
  for (let at = 0; at < text.length; at += 10_000) reader.push(text.slice(at, at + 10_000));
  return reader.end();
};

const fetchFrom = (port: number) =>
  run([
    'probe',
    `https://localhost:${port}/file`,
    '--ca',
    place.ca,
    '--data',
    join(folder, 'none'),
    '--json',
  ]);

test.each<[string, Peer]>([
  ['ngtcp2', ngtcp2],
  ['quic-go', quicGo],
])(
  'a download from %s shows its window grow from slow start on',
  async (name, peer) => {
    const missing = peer.missing();
    if (missing !== null) return expect(missing).toEqual(expect.any(String));
    const traces = join(folder, name);
    mkdirSync(traces);
    const server = await peer.serve!(place, { host: '127.0.0.1', retry: false, qlog: traces });
    let fetched = await fetchFrom(server.port);
    // One that says nothing when it is ready is found with its port still closed.
    for (let tries = 0; fetched.code === 3 && tries < 20; tries++) fetched = await fetchFrom(server.port);
    expect(fetched.code, fetched.stderr).toBe(0);
    await server.close();
    const files = readdirSync(traces).map((file) => qlogOf(readFileSync(join(traces, file), 'utf8')));
    const { series, vantage, packetsSent, newest, durationUs } = files.toSorted(
      (a, b) => b.packetsSent - a.packetsSent,
    )[0]!;
    expect(vantage).toBe('server');
    expect(packetsSent).toBeGreaterThan(FILE_BYTES / 1500);
    const windows = series.cwndBytes.filter((value) => value !== null);
    expect(Math.max(...windows)).toBeGreaterThan(2 * windows[0]!);
    expect(Math.max(...series.inFlightBytes.filter((value) => value !== null))).toBeLessThan(FILE_BYTES);
    // A loopback's round trip is less than a second; ngtcp2 writes whole milliseconds, so it may well be 0.
    expect(newest.minRttUs).toBeGreaterThanOrEqual(0);
    expect(newest.minRttUs).toBeLessThan(1e6);
    expect(series.tUs).toEqual(series.tUs.toSorted((a, b) => a - b));
    expect(series.tUs.at(-1)).toBeLessThanOrEqual(durationUs);
    if (series.phases.length > 0) expect(series.phases[0]!.state).toMatch(/slow.?start/i);
  },
  60_000,
);
