import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judge, type Standing } from '../../../src/main/telemetry/alerts/judge.ts';
import { AlertRuleInput, type Condition, resolveValue } from '../../../src/shared/alerts.ts';

const CHECK_MS = 5000;
const GAP_MS = 4 * CHECK_MS;

const condition = (more: Partial<Condition> = {}): Condition => ({
  kind: 'threshold',
  metric: 'route.rtt_p95',
  comparison: '>',
  threshold: 100,
  forS: 10,
  hysteresis: { value: 80 },
  resolveForS: 10,
  ...more,
});

/** The states a condition goes through when it is checked every 5 s. */
function run(of: Condition, values: readonly (number | null)[]): Standing[] {
  const standings: Standing[] = [];
  for (const [index, value] of values.entries())
    standings.push(judge(standings.at(-1) ?? null, of, value, index * CHECK_MS, GAP_MS));
  return standings;
}
const states = (of: Condition, values: readonly (number | null)[]): string[] =>
  run(of, values).map(({ state }) => state);

test('an alert is raised once its condition held long enough, and says what raised it', () => {
  expect(states(condition(), [50, 120, 120, 130])).toEqual(['ok', 'pending', 'pending', 'firing']);
  expect(run(condition(), [120, 120, 130]).at(-1)).toMatchObject({ raisedBy: 130, sinceMs: 10_000 });
  expect(states(condition({ forS: 0 }), [120])).toEqual(['firing']);
});

test('one value on the other side begins the waiting anew', () => {
  expect(states(condition(), [120, 120, 90, 120, 120])).not.toContain('firing');
});

test('a value between the thresholds neither resolves nor raises', () => {
  expect(states(condition(), [120, 120, 120, 90, 90, 90, 90]).slice(2)).toEqual(Array(5).fill('firing'));
  expect(states(condition(), [90, 90, 90])).toEqual(['ok', 'ok', 'ok']);
  expect(states(condition(), [120, 120, 120, 70, 70, 70]).slice(3)).toEqual(['firing', 'firing', 'ok']);
});

test('missing data is said, and neither raises nor resolves', () => {
  expect(states(condition(), [null, null])).toEqual(['no_data', 'no_data']);
  expect(states(condition(), [120, null, 120, 120])).toEqual(['pending', 'no_data', 'pending', 'pending']);
  const [, , firing, silent] = run(condition(), [120, 120, 120, null, null]);
  expect(firing!.noDataSinceMs).toBeNull();
  expect(silent).toMatchObject({ state: 'firing', value: null, noDataSinceMs: 15_000 });
  // What was resolving begins anew after it.
  expect(states(condition(), [120, 120, 120, 70, null, 70, 70]).at(-1)).toBe('firing');
  expect(states(condition(), [Number.NaN])).toEqual(['no_data']);
});

test('a pause of the checks counts as time nobody looked', () => {
  const pending = judge(null, condition(), 120, 0, GAP_MS);
  expect(judge(pending, condition(), 120, 3_600_000, GAP_MS).state).toBe('pending');
});

test('a clock that is set back makes nothing wait for the time to come again', () => {
  let standing = judge(null, condition(), 120, 1e9, GAP_MS);
  for (let t = 0; t <= 10_000; t += CHECK_MS) standing = judge(standing, condition(), 120, t, GAP_MS);
  expect(standing.state).toBe('firing');
});

const anyCondition: fc.Arbitrary<Condition> = fc
  .record({
    comparison: fc.constantFrom('>', '>=', '<', '<='),
    threshold: fc.integer({ min: -100, max: 100 }),
    forS: fc.integer({ min: 0, max: 30 }),
    percent: fc.integer({ min: 0, max: 100 }),
    resolveForS: fc.integer({ min: 0, max: 30 }),
  })
  .map(({ percent, comparison, ...rest }) =>
    condition({ ...rest, comparison: comparison as Condition['comparison'], hysteresis: { percent } }),
  );
const anyValues = fc.array(fc.option(fc.integer({ min: -150, max: 150 })), { maxLength: 60 });

const holds = ({ comparison }: Condition, value: number, limit: number): boolean =>
  comparison === '>'
    ? value > limit
    : comparison === '>='
      ? value >= limit
      : comparison === '<'
        ? value < limit
        : value <= limit;

test('whatever comes, an alert is raised and resolved only after the condition said so for its whole time', () => {
  fc.assert(
    fc.property(anyCondition, anyValues, (of, values) => {
      const standings = run(of, values);
      standings.forEach(({ state }, index) => {
        const before = standings[index - 1]?.state;
        const during = (seconds: number): (number | null)[] =>
          values.slice(Math.max(0, index - Math.ceil((seconds * 1000) / CHECK_MS)), index + 1);
        if (state === 'firing' && before !== 'firing') {
          expect(index * CHECK_MS).toBeGreaterThanOrEqual(of.forS * 1000);
          for (const value of during(of.forS)) expect(holds(of, value!, of.threshold)).toBe(true);
        }
        if (before === 'firing' && state !== 'firing') {
          expect(state).toBe('ok');
          for (const value of during(of.resolveForS)) {
            expect(value).not.toBeNull();
            expect(holds(of, value!, resolveValue(of))).toBe(false);
          }
        }
        expect(standings[index]!.noDataSinceMs === null).toBe(values[index] !== null);
      });
    }),
  );
});

test('a rule that could never resolve is refused', () => {
  const input = (hysteresis: Condition['hysteresis'], comparison: Condition['comparison']) =>
    AlertRuleInput.safeParse({ name: 'r', condition: condition({ hysteresis, comparison }) });
  expect(input({ value: 120 }, '>').error?.issues[0]?.path).toEqual(['condition', 'hysteresis']);
  expect(input({ value: 80 }, '>').success).toBe(true);
  expect(input({ value: 80 }, '<').success).toBe(false);
  expect(input({ percent: 20 }, '<').success).toBe(true);
});
