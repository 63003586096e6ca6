/** `routelab bench NAME`: measurements of RouteLab itself, each as a ratio to a peer measured in the same run. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { LabError } from '../../shared/errors.ts';
import { goodputBps, quantile } from '../../shared/samples.ts';
import { parseDuration } from '../../shared/units.ts';
import { runHandshakes } from '../probe/handshake.ts';
import { Pinger } from '../probe/ping.ts';
import { ALPN } from '../probe/protocol.ts';
import { download, upload } from '../probe/throughput.ts';
import type { ConnectOptions, QuicSession } from '../quic/udp/api.ts';
import { connectQuic } from '../quic/udp/client.ts';
import { RawProbe, rawPeer } from './bench-raw.ts';
import { parseChoice, parseNumber, withDefault } from './options.ts';
import { paint, print, printJson, progress, table } from './output.ts';
import { readTrust } from './trust.ts';

/** One measured row. `reach` is the bound on `ratio`; `ok` whether it is met (true where there is none). */
interface Row {
  name: string;
  value: number;
  unit: string;
  /** What it is measured against; null for the peer itself. */
  peer: string | null;
  ratio: number | null;
  reach: { min: number } | { max: number } | null;
  ok: boolean;
}

interface BenchOptions {
  /** Microseconds. */
  duration: number;
  repeat: number;
  json?: true;
}

const PINGS = { count: 500, ratePerS: 500 } as const;
const HANDSHAKES = 20;
/** Raw stream of one repetition; longer gains nothing. */
const RAW_BYTES = 100_000_000;
/** Not part of the interface: the far end of the raw baseline, in a process of its own. */
const RAW_PEER = 'raw-peer';

/**
 * What each row has to reach. The sealed stream is what a QUIC packet costs at least in this runtime: sealed, sent, received
 * and opened, without loss recovery or congestion control. Measured 0.6 of it, 4.5 times with large datagrams, and 2.2.
 */
const REACH = {
  transfer: { min: 0.5 },
  mtu: { min: 4 },
  ping: { max: 3 },
} as const;

export function configure(command: Command): void {
  command
    .argument('<name>', 'loopback: goodput, RTT and handshakes over 127.0.0.1', (text) =>
      parseChoice(text, 'name', ['loopback', RAW_PEER]),
    )
    .addOption(
      withDefault('--duration <time>', 'of each transfer', 2e6, '2s').argParser((text) =>
        parseDuration(text, '--duration', 's'),
      ),
    )
    .option(
      '--repeat <n>',
      'repetitions, whose median counts',
      (text) => parseNumber(text, '--repeat', { min: 1, max: 100, integer: true }),
      5,
    )
    .action((name: string, options: BenchOptions) => (name === RAW_PEER ? serveRaw() : loopback(options)));
}

async function serveRaw(): Promise<void> {
  const { port } = await rawPeer();
  print(`listening on 127.0.0.1:${port}`);
}

async function loopback(options: BenchOptions): Promise<void> {
  const data = mkdtempSync(join(tmpdir(), 'routelab-bench-'));
  const children: ChildProcess[] = [];
  try {
    const large = await start(children, ['server', '--listen', '127.0.0.1:0', '--data', data]);
    const server = await start(children, [
      'server',
      '--listen',
      '127.0.0.1:0',
      '--data',
      data,
      '--no-mtu-discovery',
    ]);
    const raw = await start(children, ['bench', RAW_PEER]);
    const rows = await measure(options, { server, large, raw, data });
    if (rows.some((row) => !row.ok)) process.exitCode = 1;
    if (options.json) printJson({ rows });
    else print(rowTable(rows));
  } finally {
    for (const child of children) child.kill('SIGTERM');
    rmSync(data, { recursive: true, force: true });
  }
}

/** Starts this program with other arguments; resolves with the port it says it listens on. */
async function start(children: ChildProcess[], args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let complaint = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    complaint = text.trim();
  });
  for await (const line of createInterface({ input: child.stdout! })) {
    const port = /^listening on .*:(\d+)\b/.exec(line)?.[1];
    if (port === undefined) continue;
    // Nobody reads on; what it still prints must not block it.
    child.stdout!.resume();
    return Number(port);
  }
  const [code] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode];
  throw new LabError('RL_INTERNAL', `"routelab ${args.join(' ')}" ended with code ${code}: ${complaint}`);
}

async function measure(
  { duration, repeat }: BenchOptions,
  at: { server: number; large: number; raw: number; data: string },
): Promise<Row[]> {
  const connect: ConnectOptions = {
    host: '127.0.0.1',
    port: at.server,
    alpn: [ALPN],
    trust: readTrust({ data: at.data }),
    mtuDiscovery: false,
  };
  const discovering: ConnectOptions = { ...connect, port: at.large, mtuDiscovery: true };
  const raw = await RawProbe.open(at.raw);
  const down: number[] = [];
  const up: number[] = [];
  const largeDown: number[] = [];
  const rawDown: number[] = [];
  const sealedDown: number[] = [];
  const bar = progress('loopback', repeat * 5 + 2);
  let done = 0;
  const step = (now: string): void => bar.update(++done, now);
  // Taking turns, so that whatever else the machine does falls on all of them.
  for (let i = 0; i < repeat; i++) {
    rawDown.push(await raw.stream(RAW_BYTES));
    step('raw stream');
    sealedDown.push(await raw.stream(RAW_BYTES, true));
    step('sealed stream');
    largeDown.push(await transfer(discovering, download, duration));
    step('download in large datagrams');
    down.push(await transfer(connect, download, duration));
    step('download');
    up.push(await transfer(connect, upload, duration));
    step('upload');
  }
  const rawRtts = await raw.pingPong(PINGS.count, 1000 / PINGS.ratePerS);
  const rtts = await pings(connect);
  step('pings');
  const handshakes: number[] = [];
  await runHandshakes(connect, {
    count: HANDSHAKES,
    signal: new AbortController().signal,
    onHandshake: ({ durationUs }) => durationUs !== null && handshakes.push(durationUs),
  });
  bar.stop();
  raw.close();
  const mbit = (values: number[]): number => median(values) / 1e6;
  const rawBps = median(rawDown);
  const sealed = mbit(sealedDown);
  const rawRttUs = median(rawRtts);
  return [
    baseline('raw dgram stream', rawBps / 1e6, 'Mbit/s'),
    row('sealed dgram stream', sealed, 'Mbit/s', 'raw dgram stream', (sealed * 1e6) / rawBps, null),
    row('download goodput', mbit(down), 'Mbit/s', 'sealed dgram stream', mbit(down) / sealed, REACH.transfer),
    row('upload goodput', mbit(up), 'Mbit/s', 'sealed dgram stream', mbit(up) / sealed, REACH.transfer),
    row(
      'download, MTU found',
      mbit(largeDown),
      'Mbit/s',
      'download goodput',
      mbit(largeDown) / mbit(down),
      REACH.mtu,
    ),
    baseline('raw dgram ping-pong p50', rawRttUs, 'µs'),
    row('ping p50', median(rtts), 'µs', 'raw dgram ping-pong p50', median(rtts) / rawRttUs, REACH.ping),
    baseline('handshake p50', median(handshakes) / 1000, 'ms'),
  ];
}

const median = (values: number[]): number =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

const baseline = (name: string, value: number, unit: string): Row => ({
  name,
  value,
  unit,
  peer: null,
  ratio: null,
  reach: null,
  ok: true,
});

function row(
  name: string,
  value: number,
  unit: string,
  peer: string,
  ratio: number,
  reach: { min: number } | { max: number } | null,
): Row {
  const ok = reach === null || ('min' in reach ? ratio >= reach.min : ratio <= reach.max);
  return { name, value, unit, peer, ratio, reach, ok };
}

async function transfer(connect: ConnectOptions, run: typeof download, durationUs: number): Promise<number> {
  const session = await connectQuic(connect);
  try {
    return goodputBps(await run(session, { durationMs: durationUs / 1000 }));
  } finally {
    await session.close();
  }
}

async function pings(connect: ConnectOptions): Promise<number[]> {
  const session: QuicSession = await connectQuic(connect);
  const rtts: number[] = [];
  const pinger = new Pinger(session, { ...PINGS, onPing: ({ rttUs }) => rttUs !== null && rtts.push(rttUs) });
  await pinger.finished;
  await session.close();
  return rtts;
}

function rowTable(rows: readonly Row[]): string {
  return table(
    rows.map(({ name, value, unit, peer, ratio, reach, ok }) => [
      name,
      value.toFixed(1),
      unit,
      ratio === null ? '' : `${ratio.toFixed(2)} ×`,
      peer ?? '',
      reach === null ? '' : 'min' in reach ? `≥ ${reach.min}` : `≤ ${reach.max}`,
      reach === null ? '' : ok ? paint('green', 'ok') : paint('red', 'missed'),
    ]),
    ['left', 'right', 'unit', 'right', 'left', 'right', 'left'],
  );
}
