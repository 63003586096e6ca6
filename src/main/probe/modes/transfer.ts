/** Modes `download`, `upload` and `bidi`: payload over one connection, one way or both at once. */
import { LabError } from '../../../shared/errors.ts';
import { goodputBps } from '../../../shared/samples.ts';
import { formatBytes, formatRate } from '../../../shared/units.ts';
import type { QuicSession } from '../../quic/udp/api.ts';
import { download, type Received, upload } from '../throughput.ts';
import { DEFAULT_DURATION_MS, type Mode, type ModeContext } from './mode.ts';

const rate = (received: Received | null): number | null =>
  received === null || received.durationUs <= 0 ? null : Math.round(goodputBps(received));

export function transferMode(context: ModeContext): Mode {
  const { plan, signal } = context;
  const { mode, bytes } = plan;
  const durationMs = plan.durationMs ?? (bytes === undefined ? DEFAULT_DURATION_MS : undefined);
  let down: Received | null = null;
  let up: Received | null = null;
  /** What arrived so far, both directions together. */
  const received = (): Received => ({
    bytes: (down?.bytes ?? 0) + (up?.bytes ?? 0),
    durationUs: Math.max(down?.durationUs ?? 0, up?.durationUs ?? 0),
  });

  /** When one direction fails the other ends too. */
  const transfer = async (session: QuicSession): Promise<void> => {
    const either = new AbortController();
    const options = { bytes, durationMs, signal: AbortSignal.any([signal, either.signal]) };
    const cut = (error: unknown): never => {
      either.abort();
      throw error;
    };
    const runs = [
      ...(mode === 'upload'
        ? []
        : [
            async () => {
              down = await download(session, { ...options, onProgress: (now) => (down = now) });
            },
          ]),
      ...(mode === 'download'
        ? []
        : [
            async () => {
              up = await upload(session, { ...options, onProgress: (now) => (up = now) });
            },
          ]),
    ];
    const ends = await Promise.allSettled(runs.map((run) => run().catch(cut)));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  };

  return {
    durationMs,
    get part() {
      return bytes === undefined ? 0 : received().bytes / (mode === 'bidi' ? 2 * bytes : bytes);
    },
    get newest() {
      const now = received();
      return `${formatBytes(now.bytes)}  ${formatRate(rate(now))}`;
    },
    measure: () => context.withSession({ during: mode, serverSends: mode !== 'upload' }, transfer),
    figures: () => ({
      bytesDown: down?.bytes ?? null,
      bytesUp: up?.bytes ?? null,
      goodputDownBps: rate(down),
      goodputUpBps: rate(up),
    }),
    fault: () => {
      const isTooLittle =
        (mode !== 'upload' && down?.durationUs === 0) || (mode !== 'download' && up?.durationUs === 0);
      return isTooLittle
        ? new LabError('RL_CONNECTION_LOST', `The ${mode} moved too little to derive a rate`, {
            hint: 'Transfer more: raise the bytes or the duration.',
          })
        : null;
    },
  };
}
