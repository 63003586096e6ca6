/** Goodput of `bench quic`, and what a packet costs at either end. */
import { join } from 'node:path';
import { note } from '../output.ts';
import { type Bench, PEER, pair, peersInstalled, type Quic, REACH } from './context.ts';
import type { TransferMethods, Usage } from './endpoint.ts';
import { against, figure, median, missing, type Row, ratioOf } from './rows.ts';
import type { DgramMethods } from './stacks/dgram.ts';

/** Processor time per packet of one transfer, microseconds, at the end that sends and the end that receives. */
interface Cost {
  sender: number;
  receiver: number;
}

export async function goodput(bench: Bench): Promise<Row[]> {
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

/** One more download, with both ends watched. */
async function profile(
  { identity, options }: Bench,
  { near, far, port }: { near: Quic; far: Quic; port: number },
  folder: string,
): Promise<void> {
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
