/**
 * Mode `migration`: pings while the client's address changes, behind QUIC's back as a NAT does it, and by moving to a path that it
 * has validated (RFC 9000 §9).
 */
import { LabError, toLabError } from '../../../shared/errors.ts';
import { MOVES, type Move, type MoveFigures } from '../../../shared/probe-details.ts';
import type { PingSample } from '../../../shared/samples.ts';
import { formatDuration } from '../../../shared/units.ts';
import type { QuicSession } from '../../quic/udp/api.ts';
import { nowUs, toUnixMs } from '../../quic/udp/clock.ts';
import { pause } from '../pause.ts';
import { Pinger } from '../ping.ts';
import { DEFAULT_DURATION_MS, LOADED_PINGS_PER_S, type Mode, type ModeContext } from './mode.ts';
import { pingFigures } from './ping.ts';

/** What is lost or late so long after a move, or four round trips, may be its doing. */
const AFTERMATH_MS = 1000;

interface Moved extends Omit<MoveFigures, 'gapUs' | 'lostPings'> {
  error: LabError | null;
}

export function migrationMode(context: ModeContext): Mode {
  const { plan, signal } = context;
  const { moves = MOVES, durationMs = DEFAULT_DURATION_MS, ratePerS = LOADED_PINGS_PER_S } = plan;
  const pings: PingSample[] = [];
  const moved: Moved[] = [];
  let newestUs: number | null = null;

  const make = async (session: QuicSession, move: Move): Promise<void> => {
    const beganAtUs = nowUs();
    const resets = session.stats().congestionResets;
    let validatedUs: number | null = null;
    let error: LabError | null = null;
    try {
      if (move === 'rebinding') await session.rebind();
      else {
        await session.migrate();
        validatedUs = nowUs() - beganAtUs;
      }
    } catch (thrown) {
      error = toLabError(thrown);
    }
    moved.push({
      move,
      atMs: toUnixMs(beganAtUs),
      validatedUs,
      congestionReset: session.stats().congestionResets > resets,
      errorCode: error?.code ?? null,
      error,
    });
  };

  const measure = async (session: QuicSession): Promise<void> => {
    const beganAtUs = nowUs();
    const pinger = new Pinger(session, {
      ratePerS,
      durationMs,
      onPing: (ping) => {
        pings.push(ping);
        newestUs = ping.rttUs ?? newestUs;
      },
    });
    const stop = (): void => pinger.stop();
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
    for (const [index, move] of moves.entries()) {
      const dueUs = beganAtUs + (durationMs * 1000 * (index + 1)) / (moves.length + 1);
      await pause((dueUs - nowUs()) / 1000, signal);
      if (signal.aborted) break;
      await make(session, move);
    }
    await pinger.finished;
    signal.removeEventListener('abort', stop);
  };

  const figuresOf = ({ error, ...each }: Moved, index: number): MoveFigures => {
    const rttMs = (pingFigures(pings).rttUs?.p50 ?? 0) / 1000;
    const untilMs = Math.min(
      each.atMs + Math.max(AFTERMATH_MS, 4 * rttMs),
      moved[index + 1]?.atMs ?? Number.POSITIVE_INFINITY,
    );
    // An echo later than that is of a path that carries pings again.
    const settledMs = each.atMs + (each.validatedUs ?? 0) / 1000 + 2 * rttMs;
    const gapMs = longestGap(pings, each.atMs, settledMs);
    return {
      ...each,
      gapUs: gapMs === null ? null : Math.max(0, gapMs - 1000 / ratePerS) * 1000,
      // Those under way to the old address went with it.
      lostPings: pings.filter(
        ({ atMs, rttUs }) => rttUs === null && atMs >= each.atMs - 2 * rttMs && atMs < untilMs,
      ).length,
    };
  };

  return {
    durationMs,
    get part() {
      return 0;
    },
    get newest() {
      return `rtt ${formatDuration(newestUs)}  moves ${moved.length} of ${moves.length}`;
    },
    measure: () => context.withSession({ during: 'migration', serverSends: false }, measure),
    figures: () => {
      const { sent, received, lossRatio, rttUs, jitterUs } = pingFigures(pings);
      return {
        sent,
        received,
        lossRatio,
        rttUs,
        jitterUs,
        detail: { kind: 'migration', moves: moved.map(figuresOf) },
      };
    },
    fault: () => {
      if (pings.every(({ rttUs }) => rttUs === null))
        return new LabError('RL_CONNECTION_LOST', `None of ${pings.length} pings was answered`);
      return moved.every(({ error }) => error !== null) ? (moved[0]?.error ?? null) : null;
    },
  };
}

/** Longest time between two successive echoes of which the later came after `fromMs`, the earlier by `untilMs`; unix ms. */
function longestGap(pings: readonly PingSample[], fromMs: number, untilMs: number): number | null {
  const echoes = pings
    .flatMap(({ atMs, rttUs }) => (rttUs === null ? [] : [atMs + rttUs / 1000]))
    .sort((a, b) => a - b);
  let longest: number | null = null;
  for (const [index, echo] of echoes.entries()) {
    const before = echoes[index - 1];
    if (before === undefined || echo <= fromMs || before > untilMs) continue;
    longest = Math.max(longest ?? 0, echo - before);
  }
  return longest;
}
