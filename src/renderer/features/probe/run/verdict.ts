/** What a run says its path is good for, by the rules that judge routes. */
import type { ProbeMode, ProbeRun } from '../../../../shared/probes.ts';
import { LEAST_PINGS, type Verdict, verdictOf } from '../../../../shared/verdict.ts';
import { isOver } from './figures.ts';

/** Null for a run of which nothing was measured, as of an import. */
export function verdictOfRun(run: ProbeRun): Verdict | null {
  const { result, startedAtMs, input } = run;
  if (result === null || input === null || startedAtMs === null) return null;
  const { sent, received, lossRatio, rttUs, jitterUs, durationUs } = result;
  const pings = input.mode === 'ping' && sent !== null && received !== null;
  // The goodput of one request is its server's as much as the path's.
  const isJudged = input.mode !== 'http3';
  const transfer = (bytes: number | null, goodputBps: number | null) =>
    !isJudged || bytes === null || goodputBps === null
      ? null
      : { atMs: startedAtMs, bytes, durationUs, goodputBps };
  const verdict = verdictOf({
    state: 'up',
    ping: pings
      ? {
          fromMs: startedAtMs,
          toMs: startedAtMs + durationUs / 1e3,
          sent,
          received,
          lost: sent - received,
          skipped: 0,
          lossRatio,
          rttUs,
          jitterUs,
        }
      : null,
    down: transfer(result.bytesDown, result.goodputDownBps),
    up: transfer(result.bytesUp, result.goodputUpBps),
  });
  // Pings that were not to be made are not too few.
  if (pings && sent < LEAST_PINGS) {
    const words = isOver(run) ? `no verdict: ${sent} pings, ${LEAST_PINGS} are needed` : verdict.words;
    return { ...verdict, words };
  }
  return { ...verdict, words: gradesOf(verdict) ?? whyNone(input.mode, isOver(run)) };
}

function gradesOf({ uses }: Verdict): string | null {
  const graded = uses.flatMap(({ use, grade }) => (grade === null ? [] : [`${grade} for ${use}`]));
  return graded.length > 0 ? graded.join(', ') : null;
}

function whyNone(mode: ProbeMode, isOver: boolean): string {
  if (mode === 'handshake') return 'no verdict: no rule judges handshakes';
  if (mode === 'migration') return 'no verdict: no rule judges migrations';
  if (mode === 'http3') return 'no verdict: no rule judges requests';
  if (mode === 'fec') return 'no verdict: no rule judges FEC';
  if (!isOver) return 'nothing to judge by yet';
  return mode === 'ping' ? 'no verdict: no ping was echoed' : 'no verdict: nothing was transferred';
}
