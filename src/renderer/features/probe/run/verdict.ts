/** What a run says its path is good for, by the rules that judge routes. */
import type { ProbeResult, ProbeRun } from '../../../../shared/probes.ts';
import { LEAST_PINGS, type Verdict, verdictOf } from '../../../../shared/verdict.ts';

/** Null for a run of which nothing was measured, as of an import. */
export function verdictOfRun({ result, startedAtMs, input }: ProbeRun): Verdict | null {
  if (result === null || input === null || startedAtMs === null) return null;
  const { sent, received, lossRatio, rttUs, jitterUs, durationUs } = result;
  const pings = input.mode === 'ping' && sent !== null && received !== null;
  const transfer = (bytes: number | null, goodputBps: number | null) =>
    bytes === null || goodputBps === null ? null : { atMs: startedAtMs, bytes, durationUs, goodputBps };
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
  return pings && sent < LEAST_PINGS ? verdict : { ...verdict, words: wordsOf(verdict, result) };
}

function wordsOf({ uses }: Verdict, { rttUs }: ProbeResult): string {
  const graded = uses.flatMap(({ use, grade }) => (grade === null ? [] : [`${grade} for ${use}`]));
  if (graded.length > 0) return graded.join(', ');
  return rttUs === null ? 'nothing to judge by yet' : 'no rule judges this mode';
}
