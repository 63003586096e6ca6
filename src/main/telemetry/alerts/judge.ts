/**
 * How one rule comes to stand for one route or the system: ok → pending → firing → ok, as a function of what was known
 * before, the value and the time. No clock, no I/O.
 */
import { type AlertState, type Condition, resolveValue } from '../../../shared/alerts.ts';

export interface Standing {
  state: AlertState['state'];
  sinceMs: number;
  value: number | null;
  noDataSinceMs: number | null;
  /** While firing: since when the value is one that resolves. */
  clearSinceMs: number | null;
  /** While firing: the value that raised it. */
  raisedBy: number | null;
  /** When this was judged. */
  atMs: number;
}

type Comparison = Condition['comparison'];

const HOLDS: Readonly<Record<Comparison, (value: number, limit: number) => boolean>> = {
  '>': (value, limit) => value > limit,
  '>=': (value, limit) => value >= limit,
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
};

/**
 * Missing data (`value` null or not finite) ends what was pending and holds up what was resolving; it neither raises
 * nor resolves. So does a silence of the checks longer than `mostGapMs`: nobody knows what was in between.
 */
export function judge(
  before: Standing | null,
  condition: Condition,
  given: number | null,
  nowMs: number,
  mostGapMs: number,
): Standing {
  const value = given !== null && Number.isFinite(given) ? given : null;
  const isContinuous = before !== null && nowMs - before.atMs <= mostGapMs;
  // A clock that was set back must not make anything wait for the time to come again.
  const since = (ms: number | null): number => Math.min(ms ?? nowMs, nowMs);
  const after = (state: Standing['state'], more: Partial<Standing> = {}): Standing => ({
    state,
    sinceMs: since(before?.state === state ? before.sinceMs : null),
    value,
    noDataSinceMs: value === null ? since(before?.noDataSinceMs ?? null) : null,
    clearSinceMs: null,
    raisedBy: null,
    atMs: nowMs,
    ...more,
  });

  if (before?.state === 'firing') {
    const still = { raisedBy: before.raisedBy };
    if (value === null || HOLDS[condition.comparison](value, resolveValue(condition)))
      return after('firing', still);
    const clearSinceMs = since(isContinuous ? before.clearSinceMs : null);
    return nowMs - clearSinceMs >= condition.resolveForS * 1000
      ? after('ok')
      : after('firing', { ...still, clearSinceMs });
  }
  if (value === null) return after('no_data');
  if (!HOLDS[condition.comparison](value, condition.threshold)) return after('ok');
  const pendingSinceMs = since(before?.state === 'pending' && isContinuous ? before.sinceMs : null);
  return nowMs - pendingSinceMs >= condition.forS * 1000
    ? after('firing', { raisedBy: value })
    : after('pending', { sinceMs: pendingSinceMs });
}
