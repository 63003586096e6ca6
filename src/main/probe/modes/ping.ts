/** Mode `ping`: echoes of DATAGRAM frames at a fixed rate over one connection. */
import type { PingStats } from '../../../shared/domain.ts';
import { LabError } from '../../../shared/errors.ts';
import { type PingSample, pingStats } from '../../../shared/samples.ts';
import { formatDuration } from '../../../shared/units.ts';
import type { QuicSession } from '../../quic/udp/api.ts';
import { Pinger } from '../ping.ts';
import { PingTally } from '../ping-tally.ts';
import { DEFAULT_DURATION_MS, type Mode, type ModeContext } from './mode.ts';

const DEFAULT_RATE = 10;

/** Statistics of pings as they were resolved, in any order. */
export const pingFigures = (pings: readonly PingSample[]): PingStats =>
  pingStats(
    pings.toSorted((a, b) => a.atMs - b.atMs),
    [],
    0,
    Number.POSITIVE_INFINITY,
  );

export function pingMode(context: ModeContext): Mode {
  const { plan, signal, remarks } = context;
  const { count } = plan;
  const durationMs = plan.durationMs ?? (count === undefined ? DEFAULT_DURATION_MS : undefined);
  const pings: PingSample[] = [];
  const tally = new PingTally();
  let lost = 0;
  let newestUs: number | null = null;

  const ping = async (session: QuicSession): Promise<void> => {
    const pinger = new Pinger(session, {
      ratePerS: plan.ratePerS ?? DEFAULT_RATE,
      count,
      durationMs,
      onPing: (sample) => {
        pings.push(sample);
        tally.add(sample);
        if (sample.rttUs === null) lost++;
        newestUs = sample.rttUs ?? newestUs;
      },
    });
    const stop = (): void => pinger.stop();
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    await pinger.finished;
    signal.removeEventListener('abort', stop);
    const { late, duplicates } = pinger.ledger;
    if (late > 0) remarks.push(`${late} echoes came after their ping had been counted as lost`);
    if (duplicates > 0) remarks.push(`${duplicates} echoes came more than once`);
    if (pinger.skipped > 0)
      remarks.push(`${pinger.skipped} pings were not sent: this machine or the connection was too busy`);
  };

  return {
    durationMs,
    get part() {
      return count === undefined ? 0 : pings.length / count;
    },
    get newest() {
      return `rtt ${formatDuration(newestUs)}  lost ${lost}`;
    },
    measure: () => context.withSession({ during: 'ping', serverSends: false }, ping),
    figures: (isOver) => {
      const { sent, received, lossRatio, rttUs, jitterUs } = isOver ? pingFigures(pings) : tally.figures();
      return { sent, received, lossRatio, rttUs, jitterUs };
    },
    fault: () =>
      pings.every(({ rttUs }) => rttUs === null)
        ? new LabError('RL_CONNECTION_LOST', `None of ${pings.length} pings was answered`)
        : null,
  };
}
