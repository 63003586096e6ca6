/**
 * An independent reading of every byte: tshark (Debian: tshark) captures a session of ours on the loopback interface, opens it
 * with our key log, and sees what our qlog says was sent.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { programEnv as env, isInstalled } from '../../src/main/cli/interop/peer.ts';
import { createAuthority, issueCertificate } from '../../src/main/quic/tls/authority.ts';
import type { QuicSession, QuicStream } from '../../src/main/quic/udp/api.ts';
import { connectQuic } from '../../src/main/quic/udp/client.ts';
import { listenQuic } from '../../src/main/quic/udp/server.ts';
import { type Log, readQlog } from '../quic/qlog/schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'routelab-tshark-'));
const path = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

/** Ends a capture: it comes after everything that was captured. */
const MARK = 'routelab: that was all';
const BYTES = 400_000;

const whyNot = !isInstalled('tshark')
  ? ': package tshark is not installed'
  : spawnSync('dumpcap', ['-L', '-i', 'lo'], { env }).status !== 0
    ? ': capturing is not permitted'
    : '';

describe.skipIf(whyNot !== '')(`tshark reads a captured session${whyNot}`, () => {
  const qlog = { client: '', server: '' };
  let port = 0;
  let dumpcap: ChildProcess;
  /** Of each QUIC packet, in the order of the wire. */
  let packets: { from: 'client' | 'server'; type: string; number: number }[];
  let warnings: string;

  beforeAll(async () => {
    const { sessions, listener } = await serve();
    ({ port } = listener);
    dumpcap = spawn(
      'dumpcap',
      ['-q', '-i', 'lo', '-f', `udp port ${port}`, '-B', '64', '-w', path('f.pcapng')],
      {
        env,
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    let said = '';
    for await (const chunk of dumpcap.stderr!) {
      said += String(chunk);
      if (said.includes('File: ')) break;
    }
    await session(sessions);
    await listener.close();
    const marker = createSocket('udp4');
    await until(() => {
      marker.send(MARK, port, '127.0.0.1');
      return existsSync(path('f.pcapng')) && readFileSync(path('f.pcapng')).includes(MARK);
    });
    marker.close();
    dumpcap.kill('SIGINT');
    await once(dumpcap, 'exit');
    ({ packets, warnings } = dissect());
  });

  it('decrypts every packet, and finds nothing wrong with any', () => {
    expect(packets.length).toBeGreaterThan(100);
    expect(warnings).toBe('');
  });

  it('would tell: without the key log it reads nothing beyond the Initial packets', () => {
    const without = dissect(path('no-keys'));
    expect(without.warnings).toContain('Secrets are not available');
    expect(without.packets.filter(({ type }) => type === '1RTT')).toEqual([]);
  });

  it.each(['client', 'server'] as const)(
    'sees the packets that the qlog of the %s says were sent',
    (side) => {
      const log: Log = readQlog(qlog[side]);
      const logged = log
        .all('packet_sent')
        .map(({ header }) => ({ from: side, type: header.packet_type, number: header.packet_number }));
      expect(logged).toEqual(packets.filter(({ from }) => from === side));
    },
  );

  it('sees both key phases, the DATAGRAMs and all bytes of the streams', () => {
    const count = (filter: string): number =>
      tshark(path('keys'), '-Y', filter, '-T', 'fields', '-e', 'frame.number').length;
    expect(count('quic.key_phase == 0')).toBeGreaterThan(0);
    expect(count('quic.key_phase == 1')).toBeGreaterThan(0);
    expect(count('quic.frame_type == 0x31')).toBeGreaterThan(0);
    const streams = ['client', 'server'].map((side) =>
      readQlog(qlog[side as 'client' | 'server'])
        .all('packet_sent')
        .flatMap(({ frames }) => frames!)
        .filter((frame) => frame.frame_type === 'stream'),
    );
    for (const sent of streams)
      expect(Math.max(...sent.map(({ offset = 0, raw }) => offset + raw.length))).toBe(BYTES);
  });

  async function serve() {
    const authority = await createAuthority(Date.now());
    const identity = await issueCertificate(authority, { names: ['localhost'], days: 1, nowMs: Date.now() });
    const sessions: QuicSession[] = [];
    const options = { ca: [authority.certPem], system: false, insecure: false };
    const listener = await listenQuic({
      host: '127.0.0.1',
      port: 0,
      alpn: ['test'],
      certificate: identity.certPem,
      privateKey: identity.keyPem,
      qlog: { open: into('server') },
      onSession: (accepted) => {
        sessions.push(accepted);
        accepted.onStream = echo;
        accepted.onDatagram = (data) => accepted.sendDatagram(data);
      },
    });
    trust = options;
    return { sessions, listener };
  }
  let trust: { ca: string[]; system: boolean; insecure: boolean };

  const into = (side: 'client' | 'server') => () => ({
    write: (record: string) => {
      qlog[side] += record;
    },
    end() {},
  });

  /** Handshake, a transfer and back, DATAGRAMs and back, a key update in the middle. */
  async function session(accepted: QuicSession[]): Promise<void> {
    const client = await connectQuic({
      host: '127.0.0.1',
      port,
      serverName: 'localhost',
      alpn: ['test'],
      trust,
      keyLog: (line) => appendFileSync(path('keys'), `${line}\n`),
      qlog: { open: into('client') },
    });
    let echoes = 0;
    client.onDatagram = () => {
      echoes++;
    };
    const transfer = async (): Promise<void> => {
      const stream = client.openStream();
      let received = 0;
      stream.onData = (data) => {
        received += data.length;
      };
      const ended = new Promise<void>((resolve) => {
        stream.onEnd = resolve;
      });
      stream.end(Buffer.alloc(BYTES, 0x61));
      await ended;
      expect(received).toBe(BYTES);
    };
    await transfer();
    for (let i = 0; i < 20; i++) client.sendDatagram(Buffer.from(`ping ${i}`));
    await until(() => echoes === 20);
    await until(() => client.updateKeys());
    await transfer();
    expect(client.stats().keyUpdates).toBe(1);
    await client.close();
    await accepted[0]!.closed;
  }

  function echo(stream: QuicStream): void {
    stream.onData = (data) => stream.write(data);
    stream.onEnd = () => stream.end();
  }

  function tshark(keys: string, ...args: string[]): string[] {
    const common = ['-r', path('f.pcapng'), '-o', `tls.keylog_file:${keys}`, '-d', `udp.port==${port},quic`];
    const text = execFileSync('tshark', [...common, ...args], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      maxBuffer: 256 * 1024 * 1024,
    });
    return text.split('\n').filter((line) => line !== '');
  }

  function dissect(keys = path('keys')) {
    const fields = [
      'udp.srcport',
      'quic.long.packet_type',
      'quic.packet_number',
      '_ws.expert.message',
      '_ws.malformed',
    ];
    const lines = tshark(
      keys,
      ...[
        '-Y',
        `quic && !(frame contains "${MARK}")`,
        '-T',
        'fields',
        '-E',
        'occurrence=a',
        '-E',
        'separator=|',
      ],
      ...fields.flatMap((field) => ['-e', field]),
    );
    const asksForAck = new Set(
      (['client', 'server'] as const).flatMap((side) =>
        readQlog(qlog[side])
          .all('packet_sent')
          .filter(({ frames = [] }) =>
            frames.some(
              (frame) => frame.frame_type === 'unknown' && frame.frame_type_bytes === IMMEDIATE_ACK,
            ),
          )
          .map(({ header }) => `${side} ${header.packet_number}`),
      ),
    );
    const found: typeof packets = [];
    const problems: string[] = [];
    for (const line of lines) {
      const [source, types = '', numbers = '', ...rest] = line.split('|');
      // Packets with a short header come last in a datagram.
      const long =
        types === '' ? [] : types.split(',').map((type) => ({ '0': 'initial', '2': 'handshake' })[type]!);
      for (const [i, number] of (numbers === '' ? [] : numbers.split(',')).entries()) {
        found.push({
          from: Number(source) === port ? 'server' : 'client',
          type: long[i] ?? '1RTT',
          number: Number(number),
        });
      }
      const last = found.at(-1);
      const known = [
        ...(isTraceroutes(port) ? [/Possible traceroute: hop #\d+, attempt #\d+,?/g] : []),
        ...(last && asksForAck.has(`${last.from} ${last.number}`) ? [/Unknown Frame Type 0x1f,?/g] : []),
      ];
      const remarks = known.reduce((text, pattern) => text.replaceAll(pattern, ''), rest.join(''));
      if (remarks !== '') problems.push(line);
    }
    return { packets: found, warnings: problems.join('\n') };
  }
});

/** tshark does not know it (draft-ietf-quic-ack-frequency §5); it goes with a probe where this machine stood still. */
const IMMEDIATE_ACK = 0x1f;

/** tshark remarks on whatever is sent to these, which a free port may be one of. */
const isTraceroutes = (port: number): boolean => port >= 33434 && port <= 33523;

/** Turns of the loop until something is so; the test's own timeout ends what never becomes so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 20));
}
