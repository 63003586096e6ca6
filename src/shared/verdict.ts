/**
 * What a route is good for, in words, and the rule behind every word. A pure function of what was measured: a use
 * is graded by its worst criterion, and a criterion that was not measured grades nothing.
 */
import type { RouteStatus } from './domain.ts';

type Grade = 'good' | 'fair' | 'poor';

interface Criterion {
  readonly name: string;
  readonly kind: 'duration' | 'ratio' | 'rate';
  /** The bound of `good` and of `fair`, in microseconds, 0 to 1, or bits per second. At the bound is within it. */
  readonly good: number;
  readonly fair: number;
  readonly value: (status: Measured) => number | null;
}

interface Rule {
  readonly use: string;
  readonly because: string;
  readonly criteria: readonly Criterion[];
}

type Measured = Pick<RouteStatus, 'state' | 'ping' | 'down' | 'up'>;

/** Below this many pings a percentile of the tail says nothing, and no verdict is given. */
export const LEAST_PINGS = 50;

const RULES: readonly Rule[] = [
  {
    use: 'calls',
    because:
      'ITU-T G.114 asks for at most 150 ms from mouth to ear and gives up at 400 ms; codec and jitter buffer ' +
      'take some 50 ms of the first. Concealment hides about 1 % of loss and is heard at 5 %.',
    criteria: [
      {
        name: 'RTT p95',
        kind: 'duration',
        good: 200e3,
        fair: 400e3,
        value: (s) => s.ping?.rttUs?.p95 ?? null,
      },
      { name: 'Jitter', kind: 'duration', good: 30e3, fair: 60e3, value: (s) => s.ping?.jitterUs ?? null },
      { name: 'Loss', kind: 'ratio', good: 0.01, fair: 0.05, value: (s) => s.ping?.lossRatio ?? null },
    ],
  },
  {
    use: 'bulk',
    because:
      'At 20 Mbit/s a gigabyte takes seven minutes, at 5 Mbit/s half an hour. The slower direction decides.',
    criteria: [
      { name: 'Download', kind: 'rate', good: 20e6, fair: 5e6, value: (s) => s.down?.goodputBps ?? null },
      { name: 'Upload', kind: 'rate', good: 20e6, fair: 5e6, value: (s) => s.up?.goodputBps ?? null },
    ],
  },
];

interface GradedUse {
  use: string;
  because: string;
  grade: Grade | null;
  criteria: (Pick<Criterion, 'name' | 'kind' | 'good' | 'fair'> & {
    value: number | null;
    grade: Grade | null;
  })[];
}

export interface Verdict {
  /** One line: `good for calls, poor for bulk`; or why there is none. */
  words: string;
  uses: GradedUse[];
}

const GRADES: readonly Grade[] = ['good', 'fair', 'poor'];

function gradeOf(value: number, { kind, good, fair }: Criterion): Grade {
  const within = (bound: number): boolean => (kind === 'rate' ? value >= bound : value <= bound);
  return within(good) ? 'good' : within(fair) ? 'fair' : 'poor';
}

const listed = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;

function inWords({ state, ping }: Measured, uses: readonly GradedUse[]): string {
  if (state === 'down') return 'unreachable';
  if (state === 'stopped') return 'not probed';
  if (ping === null || ping.sent < LEAST_PINGS) return 'too few pings yet';
  const named = (grade: Grade | null): string[] => uses.filter((u) => u.grade === grade).map((u) => u.use);
  const phrases = GRADES.flatMap((grade) =>
    named(grade).length ? [`${grade} for ${listed(named(grade))}`] : [],
  );
  const unmeasured = named(null);
  if (unmeasured.length) phrases.push(`${listed(unmeasured)} not measured`);
  return phrases.join(', ');
}

/** Grades a route for every use from its newest status. */
export function verdictOf(status: Measured): Verdict {
  // Every ping lost leaves no RTT to grade, but a loss of 100 % that is graded.
  const uses = RULES.map(({ use, because, criteria }): GradedUse => {
    const graded = criteria.map((criterion) => {
      const { name, kind, good, fair } = criterion;
      const value = criterion.value(status);
      return { name, kind, good, fair, value, grade: value === null ? null : gradeOf(value, criterion) };
    });
    const worst = GRADES.findLast((grade) => graded.some((g) => g.grade === grade)) ?? null;
    return { use, because, grade: worst, criteria: graded };
  });
  return { words: inWords(status, uses), uses };
}
