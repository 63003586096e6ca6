/**
 * Flows of several congestion controllers over one bottleneck: what one flow does, and what the shares of all of them say. Each flow
 * is a connection of its own; that they meet in one queue is the path's doing.
 */
import type { Controller } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { jain } from '../../shared/statistics.ts';
import type { ConnectOptions, ControllerChoice } from '../quic/udp/api.ts';
import { connectQuic } from '../quic/udp/client.ts';
import { observe } from './observe.ts';
import { download, type Received, upload } from './throughput.ts';

export interface FlowPlan {
  controller: ControllerChoice;
  /** Of the client: `up` is governed by its own controller, `down` by one that the server lets it choose. */
  direction: 'up' | 'down';
  /** Payload is sent so long, from the end of the handshake. */
  durationMs: number;
}

/** Payload that had arrived by each moment, since the handshake of the flow or any other origin all flows have in common. */
export type FlowPoints = (readonly [atMs: number, bytes: number])[];

export interface FlowOutcome {
  points: FlowPoints;
  /** What QUIC counted at the end that sends. */
  minRttUs: number | null;
  smoothedRttUs: number | null;
  retransmitRatio: number | null;
}

/** Points of a download are kept at most so often; of an upload they come with the server's reports, each 250 ms. */
const POINT_MS = 50;
const SELDOM_US = 10_000_000;

/**
 * Runs one flow. `nowMs` is the clock of its points. Rejects with RL_PEER_UNSUPPORTED where the server does not follow the choice of
 * a controller, and as transfers do.
 */
export async function runFlow(
  connect: ConnectOptions,
  { controller, direction, durationMs }: FlowPlan,
  options: { nowMs: () => number; signal: AbortSignal; onPoint?: (atMs: number, bytes: number) => void },
): Promise<FlowOutcome> {
  const { nowMs, signal } = options;
  const session = await connectQuic({ ...connect, controller, signal });
  const points: FlowPoints = [];
  const note = ({ bytes }: Received): void => {
    const atMs = nowMs();
    if (points.length > 1 && atMs - points.at(-1)![0] < POINT_MS) return;
    points.push([atMs, bytes]);
    options.onPoint?.(atMs, bytes);
  };
  try {
    const { name, parameters = {} } = controller;
    const wish = { name, parameters };
    const observed =
      direction === 'up' ? null : await observe(session, { everyUs: SELDOM_US, wish, onSeries: () => {} });
    if (observed !== null && observed.followed !== true) throw notFollowed(name);
    points.push([nowMs(), 0]);
    const transfer = direction === 'up' ? upload : download;
    const received = await transfer(session, { durationMs, signal, onProgress: note });
    points.push([nowMs(), received.bytes]);
    const told = (await observed?.finish()) ?? null;
    if (told !== null) return { points, ...told };
    const { minRttUs, smoothedRttUs, streamBytesSent, streamBytesRetransmitted } = session.stats();
    const sent = streamBytesSent + streamBytesRetransmitted;
    return {
      points,
      minRttUs,
      smoothedRttUs,
      retransmitRatio: sent === 0 ? null : streamBytesRetransmitted / sent,
    };
  } finally {
    await session.close();
  }
}

const notFollowed = (name: string): LabError =>
  new LabError('RL_PEER_UNSUPPORTED', `The server does not send with ${name} as it was asked to`, {
    hint: 'Let clients choose with server --clients-choose.',
  });

/** Place of the first point at or after `atMs`. */
function firstFrom(points: FlowPoints, atMs: number): number {
  let [low, high] = [0, points.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle]![0] >= atMs) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Bytes that had arrived by `atMs`, linear between points; null before the first and after the last. */
export function bytesBy(points: FlowPoints, atMs: number): number | null {
  const after = firstFrom(points, atMs);
  if (after === points.length) return null;
  const [toMs, toBytes] = points[after]!;
  if (toMs === atMs) return toBytes;
  if (after === 0) return null;
  const [fromMs, fromBytes] = points[after - 1]!;
  return fromBytes + ((toBytes - fromBytes) * (atMs - fromMs)) / (toMs - fromMs);
}

/** Goodput between two moments; null where the flow did not send throughout. */
function goodputBetween(points: FlowPoints, fromMs: number, toMs: number): number | null {
  const [from, to] = [bytesBy(points, fromMs), bytesBy(points, toMs)];
  return from === null || to === null ? null : ((to - from) * 8e3) / (toMs - fromMs);
}

export interface FairnessFlow {
  controller: Controller;
  points: FlowPoints;
}

export interface Fairness {
  /** While all flows sent. */
  fromMs: number;
  toMs: number;
  flows: { goodputBps: number; share: number; perSecondBps: (number | null)[] }[];
  /** Of each controller: what its flows have together, and would have if every flow had the same. */
  controllers: {
    controller: Controller;
    flows: number;
    goodputBps: number;
    share: number;
    fairShare: number;
  }[];
  jain: number;
  /** Of those flows that sent throughout each second from 0 on; null where fewer than two did. */
  jainPerSecond: (number | null)[];
}

/**
 * What each flow had of the time in which all of them sent, from `warmupMs` after the last began to `endMs`, when they no longer
 * do: what arrives after that is only what was on the way. Null where there is no such time.
 */
export function fairnessOf(
  flows: readonly FairnessFlow[],
  { warmupMs, endMs }: { warmupMs: number; endMs: number },
): Fairness | null {
  const fromMs =
    Math.max(...flows.map(({ points }) => points[0]?.[0] ?? Number.POSITIVE_INFINITY)) + warmupMs;
  const toMs = Math.min(endMs, ...flows.map(({ points }) => points.at(-1)?.[0] ?? 0));
  if (!(toMs > fromMs)) return null;
  const goodputs = flows.map(({ points }) => goodputBetween(points, fromMs, toMs)!);
  const total = goodputs.reduce((sum, bps) => sum + bps, 0);
  const shareOf = (bps: number): number => (total === 0 ? 0 : bps / total);
  const seconds = Math.floor(endMs / 1000);
  const perSecond = flows.map(({ points }) =>
    Array.from({ length: seconds }, (_, second) =>
      goodputBetween(points, second * 1000, (second + 1) * 1000),
    ),
  );
  return {
    fromMs,
    toMs,
    flows: goodputs.map((goodputBps, i) => ({
      goodputBps,
      share: shareOf(goodputBps),
      perSecondBps: perSecond[i]!,
    })),
    controllers: [...new Set(flows.map(({ controller }) => controller))].map((controller) => {
      const own = goodputs.filter((_, i) => flows[i]!.controller === controller);
      const goodputBps = own.reduce((sum, bps) => sum + bps, 0);
      const fairShare = own.length / flows.length;
      return { controller, flows: own.length, goodputBps, share: shareOf(goodputBps), fairShare };
    }),
    jain: jain(goodputs),
    jainPerSecond: Array.from({ length: seconds }, (_, second) => {
      const active = perSecond.flatMap((flow) => flow[second] ?? []);
      return active.length < 2 ? null : jain(active);
    }),
  };
}
