/** One turn of a comparison over QUIC, and the same over TCP: a transfer on one connection, pings over a stream of another. */
import { goodputBps, quantile } from '../../shared/samples.ts';
import type { ConnectOptions } from '../quic/udp/api.ts';
import { connectQuic } from '../quic/udp/client.ts';
import type { TurnFigures } from './comparison.ts';
import { type Echoes, pingOverStream } from './echo.ts';
import { Measurement } from './measurement.ts';
import type { ControllerWish } from './observation.ts';
import { connectTcp, type TcpConnection } from './tcp.ts';
import { download, type StreamCarrier, upload } from './throughput.ts';

export const COMPARED_MODES = ['download', 'upload', 'handshake'] as const;
export type ComparedMode = (typeof COMPARED_MODES)[number];

export interface TurnPlan {
  mode: ComparedMode;
  /** Of the transfer: what comes first ends it. */
  bytes?: number | undefined;
  durationMs?: number | undefined;
  /** Of the pings beside it; 0 for none. Fewer than 20 in a transfer give no percentile. */
  pingsPerS: number;
  /** What a QUIC server is asked to use for what it sends; null leaves it its own. */
  wish: ControllerWish | null;
}

export interface DetailedTurn extends TurnFigures {
  /** Pings beside the transfer; null where there were none. */
  pings: { sent: number; answered: number } | null;
  /** What the sender of the payload is controlled by; null where it does not tell. */
  congestion: string | null;
}

const P95 = 0.95;
/** With fewer, a 95th percentile is but the worst of them. */
const LEAST_PINGS = 20;

function withPings(echoes: Echoes | null): Pick<DetailedTurn, 'pings' | 'rttP95Us'> {
  if (echoes === null) return { pings: null, rttP95Us: null };
  const rtts = Float64Array.from(echoes.rttUs).sort();
  return {
    pings: { sent: echoes.sent, answered: rtts.length },
    rttP95Us: rtts.length < LEAST_PINGS ? null : quantile(rtts, P95),
  };
}

/** Runs `transfer` with pings over `beside` for as long as it takes. */
async function besidePings<T>(
  beside: StreamCarrier | null,
  plan: TurnPlan,
  signal: AbortSignal,
  transfer: (signal: AbortSignal) => Promise<T>,
): Promise<[T, Echoes | null]> {
  if (beside === null) return [await transfer(signal), null];
  const cut = new AbortController();
  const ends = AbortSignal.any([signal, cut.signal]);
  const over = Promise.withResolvers<void>();
  const pings = pingOverStream(beside, { ratePerS: plan.pingsPerS, until: over.promise, signal: ends });
  // Without its pings a turn is not what was asked for.
  pings.catch(() => cut.abort());
  try {
    const result = await transfer(ends);
    over.resolve();
    return [result, await pings];
  } finally {
    over.resolve();
  }
}

export async function quicTurn(
  connect: ConnectOptions,
  plan: TurnPlan,
  signal: AbortSignal,
): Promise<DetailedTurn> {
  const { mode, bytes, durationMs, wish } = plan;
  const beside =
    mode === 'handshake' || plan.pingsPerS === 0 ? null : await connectQuic({ ...connect, signal });
  try {
    const [measurement, echoes] = await besidePings(beside, plan, signal, async (ends) => {
      const each = new Measurement(
        connect,
        {
          mode,
          bytes,
          durationMs,
          wish,
          everyUs: null,
          ...(mode === 'handshake' && { count: 1, durationMs: undefined }),
        },
        ends,
      );
      await each.run();
      return each;
    });
    const result = measurement.result();
    return {
      goodputBps: result.goodputDownBps ?? result.goodputUpBps,
      handshakeUs: result.handshakeUs?.p50 ?? null,
      congestion: mode === 'handshake' ? null : measurement.controller,
      ...withPings(echoes),
    };
  } finally {
    await beside?.close();
  }
}

export async function tcpTurn(
  connect: ConnectOptions,
  plan: TurnPlan,
  signal: AbortSignal,
): Promise<DetailedTurn> {
  const { mode, bytes, durationMs } = plan;
  const open = (): Promise<TcpConnection> => connectTcp({ ...connect, signal });
  const beside = mode === 'handshake' || plan.pingsPerS === 0 ? null : await open();
  try {
    const connection = await open();
    const { handshake, congestion } = connection;
    try {
      if (mode === 'handshake')
        return { goodputBps: null, handshakeUs: handshake.durationUs, congestion: null, ...withPings(null) };
      const transfer = mode === 'download' ? download : upload;
      const [received, echoes] = await besidePings(beside, plan, signal, (ends) =>
        transfer(connection, { bytes, durationMs, signal: ends }),
      );
      return {
        goodputBps: received.durationUs > 0 ? goodputBps(received) : null,
        handshakeUs: handshake.durationUs,
        congestion: mode === 'download' ? congestion.server : congestion.client,
        ...withPings(echoes),
      };
    } finally {
      await connection.close();
    }
  } finally {
    await beside?.close();
  }
}
