/** Responsiveness under load as a number and as a grade; docs/probes.md explains both. */
import type { ResponsivenessDetail } from './probe-details.ts';

/** Part of the RTTs, the smallest ones, that the mean is taken of (draft-ietf-ippm-responsiveness: 95 % trimmed). */
const TRIMMED = 0.95;

function trimmedMean(rising: Float64Array): number | null {
  const kept = rising.subarray(0, Math.ceil(rising.length * TRIMMED));
  return kept.length === 0 ? null : kept.reduce((sum, value) => sum + value, 0) / kept.length;
}

/** The working RTT: half of it from the connection that carries the load, half from one beside it. RTTs rising. */
export function workingOf(separateUs: Float64Array, ownUs: Float64Array): number | null {
  const separate = trimmedMean(separateUs);
  const own = trimmedMean(ownUs);
  return separate === null || own === null ? null : (separate + own) / 2;
}

type BloatGrade = NonNullable<ResponsivenessDetail['grade']>;

/** Grades by the RTT that load adds: the first whose bound it is below. As DSLReports' speed test grades (its FAQ, 17930). */
export const BLOAT_RULE: readonly { grade: BloatGrade; belowMs: number }[] = [
  { grade: 'A+', belowMs: 5 },
  { grade: 'A', belowMs: 30 },
  { grade: 'B', belowMs: 60 },
  { grade: 'C', belowMs: 200 },
  { grade: 'D', belowMs: 400 },
  { grade: 'F', belowMs: Number.POSITIVE_INFINITY },
];

/** Of the mean of what both directions add. */
export const gradeOfBloat = (addedUs: number): BloatGrade =>
  BLOAT_RULE.find(({ belowMs }) => addedUs < belowMs * 1000)!.grade;
