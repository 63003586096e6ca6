/** Modes `download`, `upload` and `bidi`: payload over one connection, one way or both at once. */
import { LabError } from '../../../shared/errors.ts';
import type { CountedTransfer } from '../../../shared/probe-details.ts';
import { goodputBps } from '../../../shared/samples.ts';
import { formatBytes, formatRate } from '../../../shared/units.ts';
import type { QuicSession } from '../../quic/udp/api.ts';
import { Intervals } from '../intervals.ts';
import { download, type Received, upload } from '../throughput.ts';
import { DEFAULT_DURATION_MS, type Mode, type ModeContext } from './mode.ts';

/** One direction: what arrived, and when. */
class Way {
  received: Received | null = null;
  readonly #intervals: Intervals;

  constructor(options: { warmUpMs: number; isExact: boolean }) {
    this.#intervals = new Intervals(options);
  }

  take(received: Received): void {
    this.received = received;
    this.#intervals.add(received);
  }

  counted(): CountedTransfer | null {
    return this.#intervals.counted();
  }

  /** After the warm-up; null where no rate can be derived. */
  get rateBps(): number | null {
    const counted = this.counted();
    return counted === null || counted.durationUs <= 0 ? null : Math.round(goodputBps(counted));
  }
}

export function transferMode(context: ModeContext): Mode {
  const { plan, signal } = context;
  const { mode, bytes, warmUpMs = 0 } = plan;
  const durationMs = plan.durationMs ?? (bytes === undefined ? DEFAULT_DURATION_MS : undefined);
  const down = mode === 'upload' ? null : new Way({ warmUpMs, isExact: true });
  const up = mode === 'download' ? null : new Way({ warmUpMs, isExact: false });
  const ways = [...(down ? [down] : []), ...(up ? [up] : [])];
  const bytesMoved = (): number => ways.reduce((sum, way) => sum + (way.received?.bytes ?? 0), 0);

  /** When one direction fails the other ends too. */
  const transfer = async (session: QuicSession): Promise<void> => {
    const either = new AbortController();
    const options = { bytes, durationMs, signal: AbortSignal.any([signal, either.signal]) };
    const move = async (way: Way, run: typeof download): Promise<void> => {
      try {
        way.take(await run(session, { ...options, onProgress: (now) => way.take(now) }));
      } catch (error) {
        either.abort();
        throw error;
      }
    };
    const ends = await Promise.allSettled([
      ...(down ? [move(down, download)] : []),
      ...(up ? [move(up, upload)] : []),
    ]);
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  };

  return {
    durationMs,
    get part() {
      return bytes === undefined ? 0 : bytesMoved() / (ways.length * bytes);
    },
    get newest() {
      const rates = ways.map(({ rateBps }) => formatRate(rateBps));
      return `${formatBytes(bytesMoved())}  ${rates.join('  ')}`;
    },
    measure: () => context.withSession({ during: mode, serverSends: mode !== 'upload' }, transfer),
    figures: () => ({
      bytesDown: down?.received?.bytes ?? null,
      bytesUp: up?.received?.bytes ?? null,
      goodputDownBps: down?.rateBps ?? null,
      goodputUpBps: up?.rateBps ?? null,
      detail: { kind: 'transfer', down: down?.counted() ?? null, up: up?.counted() ?? null },
    }),
    fault: () => {
      if (ways.every((way) => way.received === null || way.rateBps !== null)) return null;
      const isCold = warmUpMs > 0 && ways.every(({ received }) => (received?.durationUs ?? 0) > 0);
      return new LabError(
        'RL_CONNECTION_LOST',
        isCold
          ? `The ${mode} was over before its warm-up was`
          : `The ${mode} moved too little to derive a rate`,
        { hint: 'Transfer more: raise the bytes or the duration.' },
      );
    },
  };
}
