/** `probe --compare-tcp`: QUIC against the kernel's TCP, pair by pair. */
import { randomInt } from 'node:crypto';
import type { LabError } from '../../shared/errors.ts';
import { formatDuration, formatRate } from '../../shared/units.ts';
import { compareTransports, type TransportComparison } from '../probe/comparison.ts';
import {
  type ComparedMode,
  type DetailedTurn,
  quicTurn,
  type TurnPlan,
  tcpTurn,
} from '../probe/transport-turns.ts';
import { warmUp } from '../probe/warm-up.ts';
import type { ConnectOptions } from '../quic/udp/api.ts';
import { nowUs } from '../quic/udp/clock.ts';
import { type ComparisonHead, comparisonFields, comparisonTable, type TcpPath } from './comparison-result.ts';
import { note, paint, print, printJson, progress } from './output.ts';

const DEFAULT_PAIRS = 8;
const DEFAULT_TRANSFER_MS = 5000;
/** A hundredth of a megabit: beside a transfer they take nothing from it, and a hundred of them make a p95. */
const PINGS_PER_S = 20;

export interface CompareOptions {
  pairs?: number | undefined;
  seed?: number | undefined;
  /** Microseconds, of each transfer. */
  duration?: number | undefined;
  bytes?: number | undefined;
  json?: true | undefined;
}

export interface CompareSetting {
  target: string;
  mode: ComparedMode;
  tcpPath: TcpPath;
  emulated: boolean;
  wish: TurnPlan['wish'];
}

export interface Compared {
  head: ComparisonHead;
  comparison: TransportComparison<DetailedTurn>;
  /** Pairs that were wanted. */
  wanted: number;
}

/** Measures; rejects when nothing could be. */
export async function measureAgainstTcp(
  { target, mode, tcpPath, emulated, wish }: CompareSetting,
  options: Omit<CompareOptions, 'json'>,
  connect: ConnectOptions,
  signal: AbortSignal,
): Promise<Compared> {
  const { pairs = DEFAULT_PAIRS, seed = randomInt(2 ** 32), bytes } = options;
  const durationMs =
    options.duration !== undefined
      ? options.duration / 1000
      : bytes === undefined
        ? DEFAULT_TRANSFER_MS
        : undefined;
  const plan: TurnPlan = { mode, bytes, durationMs, pingsPerS: PINGS_PER_S, wish };
  const startedAt = new Date();
  // What the first turn would take to be compiled is not the network's.
  await warmUp();
  const startedAtUs = nowUs();
  const bar = progress(`${mode}, ${pairs} pairs`, 2 * pairs);
  let turns = 0;
  const shortly = ({ goodputBps, handshakeUs }: DetailedTurn): string =>
    mode === 'handshake' ? formatDuration(handshakeUs) : formatRate(goodputBps);
  const comparison = await compareTransports<DetailedTurn>({
    pairs,
    seed,
    a: () => quicTurn(connect, plan, signal),
    b: () => tcpTurn(connect, plan, signal),
    signal,
    onTurn: ({ of, figures }) => bar.update(++turns, `${of === 'a' ? 'QUIC' : 'TCP'} ${shortly(figures)}`),
  }).finally(() => bar.stop());
  const head: ComparisonHead = {
    target,
    mode,
    tcp_path: tcpPath,
    ...(emulated && { emulated: true as const }),
    ...(connect.trust.insecure && { insecure: true as const }),
    ...(signal.aborted && { interrupted: true as const }),
    seed,
    started_at: startedAt.toISOString(),
    duration_s: Math.round((nowUs() - startedAtUs) / 1e3) / 1e3,
  };
  return { head, comparison, wanted: pairs };
}

/** Measures and prints. Returns why not all of it could be measured, if so; throws when nothing could. */
export async function compareTcp(
  setting: CompareSetting,
  options: CompareOptions,
  connect: ConnectOptions,
  signal: AbortSignal,
): Promise<LabError | null> {
  const { target, mode, emulated } = setting;
  const { head, comparison, wanted } = await measureAgainstTcp(setting, options, connect, signal);
  if (options.json) printJson(comparisonFields(head, comparison));
  else {
    const marks = [
      ...(emulated ? ['emulated'] : []),
      ...(head.insecure ? ['insecure: certificate not checked'] : []),
      ...(head.interrupted ? ['interrupted'] : []),
    ];
    const title = [
      paint('bold', target),
      `${mode}: QUIC against TCP`,
      ...marks.map((mark) => paint('yellow', mark)),
    ];
    print(`${title.join('  ')}\n${comparisonTable(head, comparison)}`);
  }
  if (comparison.pairs.length < wanted && !signal.aborted)
    note(`${paint('yellow', 'note', process.stderr)} ${comparison.failed} of ${wanted} pairs failed`);
  return comparison.lastFailure;
}
