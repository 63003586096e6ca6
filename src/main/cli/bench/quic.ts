/**
 * `routelab bench quic`: speed and footprint of the QUIC transport, each figure as a ratio to a peer that was measured in
 * the same run, turn by turn. Every end is a process of its own.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from '../../../shared/errors.ts';
import { createAuthority, issueCertificate } from '../../quic/tls/authority.ts';
import { note, type Progress, progress } from '../output.ts';
import {
  type ConnectMethods,
  Endpoint,
  type Identity,
  type TransferMethods,
  type Usage,
} from './endpoint.ts';
import { against, figure, median, missing, type Row, ratioOf } from './rows.ts';
import type { DgramMethods } from './stacks/dgram.ts';
import type { QuicMethods } from './stacks/quic.ts';

export interface QuicBenchOptions {
  durationMs: number;
  /** Turns, whose median counts. */
  repeat: number;
  /** Handshakes, pings, idle connections and seconds enough to see that all works. */
  quick: boolean;
  /** Folder for processor profiles of a download's two ends. */
  profile: string | null;
}

/** docs/measurements.md tells what this machine reaches. */
const REACH = {
  goodput: { min: 0.85 },
  peer: { min: 1 },
  mtu: { min: 4 },
  ping: { max: 3 },
  handshakeMs: { max: 2 },
  connect: { max: 1 },
  idleKb: { max: 64 },
  probesPercent: { max: 25 },
} as const;

interface Size {
  /** Of a stream of datagrams: longer gains nothing. */
  bytes: number;
  pings: number;
  handshakes: number;
  peerHandshakes: number;
  idle: number;
  /** Of them, those opened before memory is first looked at. */
  idleBefore: number;
  routes: number;
  probeMs: number;
}
const SIZES: Record<'full' | 'quick', Size> = {
  full: {
    bytes: 100e6,
    pings: 500,
    handshakes: 200,
    peerHandshakes: 50,
    idle: 1000,
    idleBefore: 100,
    routes: 100,
    probeMs: 10_000,
  },
  quick: {
    bytes: 10e6,
    pings: 50,
    handshakes: 20,
    peerHandshakes: 5,
    idle: 50,
    idleBefore: 10,
    routes: 20,
    probeMs: 1000,
  },
};
const PINGS_PER_S = 500;
const PING_RATE = 10;
/** Until monitors of many routes no longer connect, and connections have said all they have to say. */
const SETTLE_MS = 1500;
const PEER = { binding: 'quiche binding over dgram', api: '@matrixai/quic' } as const;

type Quic = Endpoint<QuicMethods>;

/** Processes started, to be ended whatever happens. */
class Endpoints {
  readonly #started: Endpoint[] = [];

  async start<M>(stack: string, flags: readonly string[] = []): Promise<Endpoint<M>> {
    const endpoint = await Endpoint.start<M>(stack, flags);
    this.#started.push(endpoint);
    return endpoint;
  }

  stop(): void {
    for (const endpoint of this.#started.splice(0)) endpoint.stop();
  }
}

interface Bench {
  endpoints: Endpoints;
  identity: Identity & { ca: string };
  options: QuicBenchOptions;
  size: Size;
  bar: Progress;
  step: (now: string) => void;
}

export async function benchQuic(options: QuicBenchOptions): Promise<Row[]> {
  const authority = await createAuthority(Date.now());
  const names = ['localhost', '127.0.0.1'];
  const { certPem, keyPem } = await issueCertificate(authority, { names, days: 1, nowMs: Date.now() });
  const endpoints = new Endpoints();
  const bar = progress('quic', options.repeat * 7 + 6);
  let done = 0;
  const bench: Bench = {
    endpoints,
    identity: { certificate: certPem, privateKey: keyPem, ca: authority.certPem },
    options,
    size: SIZES[options.quick ? 'quick' : 'full'],
    bar,
    step: (now) => bar.update(++done, now),
  };
  try {
    return [
      ...(await goodput(bench)),
      ...(await latency(bench)),
      await idleConnections(bench),
      await probes(bench),
    ];
  } finally {
    endpoints.stop();
    bar.stop();
  }
}

const peersInstalled = (): Promise<boolean> =>
  import('@matrixai/quic').then(
    () => true,
    () => false,
  );

/** A server and a client of our own. */
async function pair(bench: Bench): Promise<{ near: Quic; far: Quic; port: number; large: number }> {
  const { endpoints, identity } = bench;
  const far: Quic = await endpoints.start('quic');
  const near: Quic = await endpoints.start('quic');
  const { port } = await far.listen({ ...identity, discover: false });
  const { port: large } = await far.listen({ ...identity, discover: true });
  return { near, far, port, large };
}

/** Processor time per packet of one transfer, microseconds, at the end that sends and the end that receives. */
interface Cost {
  sender: number;
  receiver: number;
}

async function goodput(bench: Bench): Promise<Row[]> {
  const { endpoints, identity, options, size, step } = bench;
  const { ca } = identity;
  const { bytes } = size;
  const { durationMs, repeat } = options;
  const { near, far, port, large } = await pair(bench);
  const rawFar = await endpoints.start<DgramMethods>('dgram');
  const rawNear = await endpoints.start<DgramMethods>('dgram');
  const { port: rawPort } = await rawFar.listen({ ...identity, discover: false });
  const peers = (await peersInstalled())
    ? await Promise.all((['quiche', 'matrixai'] as const).map((stack) => peerPair(bench, stack)))
    : [];

  const seen: Record<'raw' | 'sealed' | 'down' | 'up' | 'large' | 'quiche' | 'matrixai', number[]> = {
    raw: [],
    sealed: [],
    down: [],
    up: [],
    large: [],
    quiche: [],
    matrixai: [],
  };
  const costs: Record<'down' | 'up', Cost[]> = { down: [], up: [] };
  const transfer = async (direction: 'down' | 'up'): Promise<void> => {
    const before = await Promise.all([near.usage(), far.usage()]);
    const { goodputBps } = await near.ask('transfer', { port, ca, direction, durationMs, discover: false });
    const after = await Promise.all([near.usage(), far.usage()]);
    seen[direction].push(goodputBps);
    const [sender, receiver] = direction === 'down' ? [1, 0] : [0, 1];
    costs[direction].push({
      sender: perPacket(before[sender]!, after[sender]!, 'sent'),
      receiver: perPacket(before[receiver]!, after[receiver]!, 'received'),
    });
  };
  // Compiled code and grown windows are what is measured, of every stack.
  await near.ask('transfer', { port, ca, direction: 'down', durationMs: durationMs / 2, discover: false });
  await rawNear.ask('stream', { port: rawPort, bytes, sealed: true });
  for (let turn = 0; turn < repeat; turn++) {
    seen.raw.push((await rawNear.ask('stream', { port: rawPort, bytes, sealed: false })).goodputBps);
    step('raw datagrams');
    seen.sealed.push((await rawNear.ask('stream', { port: rawPort, bytes, sealed: true })).goodputBps);
    step('sealed datagrams');
    await transfer('down');
    step('download');
    await transfer('up');
    step('upload');
    const found = { port: large, ca, direction: 'down', durationMs, discover: true } as const;
    seen.large.push((await near.ask('transfer', found)).goodputBps);
    step('download in large datagrams');
    for (const { stack, run } of peers) {
      seen[stack].push(await run(durationMs));
      step(stack);
    }
  }
  if (options.profile !== null) await profile(bench, { near, far, port }, options.profile);
  const rows = goodputRows(seen, costs);
  near.stop();
  far.stop();
  for (const peer of peers) peer.stop();
  return rows;
}

/** Ends of a peer's stack; a server that takes one client is started anew for each. */
async function peerPair(
  { endpoints, identity }: Bench,
  stack: 'quiche' | 'matrixai',
): Promise<{
  stack: 'quiche' | 'matrixai';
  run: (durationMs: number) => Promise<number>;
  stop: () => void;
}> {
  const far = await endpoints.start(stack);
  const near = await endpoints.start<TransferMethods>(stack);
  return {
    stack,
    run: async (durationMs) => {
      const { port } = await far.listen({ ...identity, discover: false });
      const { ca } = identity;
      const options = { port, ca, direction: 'down', durationMs, discover: false } as const;
      return (await near.ask('transfer', options)).goodputBps;
    },
    stop: () => {
      near.stop();
      far.stop();
    },
  };
}

const perPacket = (before: Usage, after: Usage, which: 'sent' | 'received'): number =>
  (after.cpuUs - before.cpuUs) / (after[which] - before[which]);

function goodputRows(
  seen: Record<'raw' | 'sealed' | 'down' | 'up' | 'large' | 'quiche' | 'matrixai', number[]>,
  costs: Record<'down' | 'up', Cost[]>,
): Row[] {
  const mbit = (values: number[]): number => median(values) / 1e6;
  const versus = (
    name: string,
    own: number[],
    peer: string,
    peers: number[],
    reach: { min: number } | null,
  ): Row =>
    peers.length === 0
      ? missing(`${name} against ${peer}`, 'Mbit/s', 'not installed', reach)
      : against(name, mbit(own), 'Mbit/s', `${peer} (${mbit(peers).toFixed(0)})`, ratioOf(own, peers), reach);
  const cost = (name: string, of: 'down' | 'up', end: keyof Cost): Row =>
    figure(name, median(costs[of].map((entry) => entry[end])), 'µs');
  return [
    figure('raw dgram stream', mbit(seen.raw), 'Mbit/s'),
    versus('sealed dgram stream', seen.sealed, 'raw dgram stream', seen.raw, null),
    versus('download goodput', seen.down, 'sealed dgram stream', seen.sealed, REACH.goodput),
    versus('upload goodput', seen.up, 'sealed dgram stream', seen.sealed, REACH.goodput),
    versus('download goodput', seen.down, PEER.binding, seen.quiche, REACH.peer),
    versus('download goodput', seen.down, PEER.api, seen.matrixai, REACH.peer),
    versus('download, MTU found', seen.large, 'download goodput', seen.down, REACH.mtu),
    cost('processor time per packet, server sends', 'down', 'sender'),
    cost('processor time per packet, client receives', 'down', 'receiver'),
    cost('processor time per packet, client sends', 'up', 'sender'),
    cost('processor time per packet, server receives', 'up', 'receiver'),
  ];
}

async function latency(bench: Bench): Promise<Row[]> {
  const { endpoints, identity, size, step } = bench;
  const { near, port } = await pair(bench);
  const target = { port, ca: identity.ca };
  const rawFar = await endpoints.start<DgramMethods>('dgram');
  const rawNear = await endpoints.start<DgramMethods>('dgram');
  const { port: rawPort } = await rawFar.listen({ ...identity, discover: false });
  const raw = median(
    await rawNear.ask('pingPong', { port: rawPort, count: size.pings, everyMs: 1000 / PINGS_PER_S }),
  );
  const ping = median(await near.ask('pings', { ...target, count: size.pings, ratePerS: PINGS_PER_S }));
  step('pings');
  // As of every measurement: what runs for the first time is not counted.
  await near.ask('handshakes', { ...target, count: size.peerHandshakes });
  const handshake = median(await near.ask('handshakes', { ...target, count: size.handshakes })) / 1000;
  step('handshakes');
  const own = await near.ask('connect', { ...target, count: size.peerHandshakes });
  const peer = (await peersInstalled()) ? await peerConnects(bench, size.peerHandshakes) : null;
  step('handshakes of @matrixai/quic');
  const ownMs = median(own) / 1000;
  endpoints.stop();
  return [
    figure('raw dgram ping-pong p50', raw, 'µs'),
    against('ping p50', ping, 'µs', 'raw dgram ping-pong p50', ping / raw, REACH.ping),
    figure(`handshake p50 of ${size.handshakes}`, handshake, 'ms', REACH.handshakeMs),
    peer === null
      ? missing(`connect p50 against ${PEER.api}`, 'ms', 'not installed', REACH.connect)
      : against('connect p50', ownMs, 'ms', `${PEER.api} (${peer.toFixed(1)})`, ownMs / peer, REACH.connect),
  ];
}

/** Median milliseconds that a connection of `@matrixai/quic` takes. */
async function peerConnects({ endpoints, identity }: Bench, count: number): Promise<number> {
  const far = await endpoints.start('matrixai');
  const near = await endpoints.start<ConnectMethods>('matrixai');
  const { port } = await far.listen({ ...identity, discover: false });
  const target = { port, ca: identity.ca };
  await near.ask('connect', { ...target, count });
  return median(await near.ask('connect', { ...target, count })) / 1000;
}

/** What an idle connection keeps of a server's memory. */
async function idleConnections({ endpoints, identity, size, step }: Bench): Promise<Row> {
  const { idle, idleBefore } = size;
  const far: Quic = await endpoints.start('quic', ['--expose-gc']);
  const near: Quic = await endpoints.start('quic');
  const { port } = await far.listen({ ...identity, discover: true });
  const target = { port, ca: identity.ca };
  // What the first ones make the process grow by, the later ones find there.
  await near.ask('idle', { ...target, count: idleBefore });
  await sleep(SETTLE_MS);
  const before = await far.usage();
  await near.ask('idle', { ...target, count: idle - idleBefore });
  await sleep(SETTLE_MS);
  const after = await far.usage();
  const open = await far.ask('sessions', null);
  if (open !== idle) throw new LabError('RL_INTERNAL', `${open} of ${idle} idle connections are open`);
  step('idle connections');
  endpoints.stop();
  const each = (of: 'rssBytes' | 'heapBytes' | 'bufferBytes'): number =>
    (after[of] - before[of]) / (idle - idleBefore) / 1024;
  return {
    ...figure(`memory of one of ${idle} idle connections`, each('rssBytes'), 'KB', REACH.idleKb),
    note: `heap ${each('heapBytes').toFixed(1)}, buffers ${each('bufferBytes').toFixed(1)}`,
  };
}

/** What probing many routes costs: the process of the probe worker, its main thread taking the samples. */
async function probes({ endpoints, identity, size, step }: Bench): Promise<Row> {
  const { routes, probeMs } = size;
  const far: Quic = await endpoints.start('quic');
  const near: Quic = await endpoints.start('quic');
  const { port } = await far.listen({ ...identity, discover: true });
  await near.ask('monitors', { port, ca: identity.ca, routes, pingRate: PING_RATE });
  await sleep(SETTLE_MS);
  const startedAt = performance.now();
  const before = await near.usage();
  const echoesBefore = await near.ask('echoes', null);
  await sleep(probeMs);
  const after = await near.usage();
  const echoes = await near.ask('echoes', null);
  const elapsedUs = (performance.now() - startedAt) * 1000;
  step('probes');
  const rate = ((echoes.echoed - echoesBefore.echoed) * 1e6) / elapsedUs;
  return {
    ...figure(
      `${routes} routes × ${PING_RATE}/s`,
      (100 * (after.cpuUs - before.cpuUs)) / elapsedUs,
      '%',
      REACH.probesPercent,
    ),
    note: `of one core, ${rate.toFixed(0)} echoes/s`,
  };
}

/** One more download, with both ends watched. */
async function profile(
  { identity, options }: Bench,
  { near, far, port }: { near: Quic; far: Quic; port: number },
  folder: string,
): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await Promise.all([near.profile(), far.profile()]);
  const { ca } = identity;
  const { durationMs } = options;
  await near.ask('transfer', { port, ca, direction: 'down', durationMs, discover: false });
  for (const [end, name] of [
    [far, 'sender'],
    [near, 'receiver'],
  ] as const) {
    const path = join(folder, `${name}.cpuprofile`);
    note(`${name}, ${path}`);
    for (const { name: row, share } of await end.saveProfile(path))
      note(`  ${(100 * share).toFixed(1).padStart(5)} %  ${row}`);
  }
}
