/** Every field of a scenario is held to its range: what lies beyond is refused with the field, the value and the bound. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { LabError } from '../../src/shared/errors.ts';
import { parseScenario, Scenario } from '../../src/shared/scenario.ts';

type Place = (string | number)[];
type Schema = z.core.JSONSchema.BaseSchema &
  Record<'minimum' | 'maximum' | 'exclusiveMinimum' | 'exclusiveMaximum', number | undefined>;

/** Between them they have every field. */
const flow = {
  controller: 'cubic',
  params: { Beta: 0.7 },
  rtt_ms: 40,
  start_s: 1,
  stop_s: 9,
  bytes: 1000,
  on_off: { on_s: 1, off_s: 2 },
  rate_limit_bps: 1e6,
  ack_every: 2,
  max_ack_delay_ms: 25,
  idle_timeout_s: 30,
};
const common = {
  seed: 7,
  duration_s: 10,
  warmup_s: 1,
  datagram_bytes: 1350,
  jitter_ms: 1,
  reorder_rate: 0.1,
  duplicate_rate: 0.1,
  flows: [flow],
};
const gilbert = { model: 'gilbert', p: 0.01, r: 0.5, h: 0.5, k: 0.9 };
const reverse = { rate_bps: 1e6, buffer_bytes: 9000, loss: gilbert, jitter_ms: 1, reorder_rate: 0.1, duplicate_rate: 0.1 }; // biome-ignore format: rows
const series = { kind: 'series', steps: [[0, 1e6, 20, 0.1], [1, 2e6, null, null]], periodS: 2 }; // biome-ignore format: rows
const SCENARIOS = [
  {
    ...common,
    bottleneck: { rate_bps: 1e7, buffer_bytes: 9000, aqm: 'codel', rate_schedule: [[1, 0], [2, 1e6]] }, // biome-ignore format: rows
    loss: gilbert,
    reverse,
  },
  { ...common, bottleneck: { rate_bps: 1e7, buffer_bdp: 2 }, loss: { model: 'iid', rate: 0.1 }, reverse: { ...reverse, loss: { model: 'iid', rate: 0.1 } } }, // biome-ignore format: rows
  { ...common, bottleneck: { trace: series }, reverse: { ...reverse, loss: { model: 'every_nth', n: 9 } } },
  { ...common, bottleneck: { trace: { kind: 'opportunities', atMs: [1, 2] } }, loss: { model: 'every_nth', n: 9 } }, // biome-ignore format: rows
];

const json = z.toJSONSchema(Scenario, { io: 'input', unrepresentable: 'any' }) as Schema;

/** The part of a schema that describes `value`: of alternatives the one with its kind. */
function alternative(schema: Schema, value: unknown): Schema {
  const options = (schema.oneOf ?? schema.anyOf ?? []) as Schema[];
  if (options.length === 0) return schema;
  const isIt = (option: Schema): boolean => {
    if (typeof value !== 'object' || value === null)
      return option.type === 'number' || option.type === 'integer';
    return Object.entries(option.properties ?? {}).every(
      ([name, each]) =>
        (each as Schema).const === undefined || (each as Schema).const === (value as never)[name],
    );
  };
  return options.find(isIt) ?? schema;
}

/** Places of numbers and of objects in a value, with the schema of each. */
function* placesOf(
  schema: Schema,
  value: unknown,
  place: Place = [],
): Generator<{ place: Place; schema: Schema; value: unknown }> {
  const own = alternative(schema, value);
  yield { place, schema: own, value };
  if (Array.isArray(value)) {
    for (const [i, each] of value.entries())
      yield* placesOf(((own.prefixItems as Schema[]) ?? [])[i] ?? (own.items as Schema), each, [...place, i]);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, each] of Object.entries(value)) {
      const inner = own.properties?.[name] ?? own.additionalProperties;
      if (typeof inner === 'object') yield* placesOf(inner as Schema, each, [...place, name]);
    }
  }
}

function withValue(scenario: unknown, [key, ...rest]: Place, value: unknown): unknown {
  if (key === undefined) return value;
  const copy = structuredClone(scenario) as Record<string | number, unknown>;
  copy[key] = withValue(copy[key], rest, value);
  return copy;
}

function refusal(value: unknown): LabError {
  try {
    parseScenario(value);
  } catch (error) {
    if (error instanceof LabError) return error;
    throw error;
  }
  throw new Error(`accepted: ${JSON.stringify(value)}`);
}

const all = SCENARIOS.flatMap((scenario) =>
  [...placesOf(json, scenario)].map((found) => ({ ...found, scenario })),
);
const numbers = all.filter(({ value, place }) => typeof value === 'number' && !place.includes('params'));
const objects = all.filter(
  ({ value, place }) =>
    typeof value === 'object' && !Array.isArray(value) && value !== null && !place.includes('params'),
);

it('all of these scenarios are valid, and every number in them has a range', () => {
  for (const scenario of SCENARIOS) parseScenario(scenario);
  expect(numbers.length).toBeGreaterThan(80);
  for (const { place, schema } of numbers) {
    expect(schema.minimum ?? schema.exclusiveMinimum, place.join('.')).toBeDefined();
    expect(schema.maximum ?? schema.exclusiveMaximum, place.join('.')).toBeDefined();
  }
});

it('a number beyond its range is refused by its place, its value and the bound', () => {
  const amount = fc.double({ min: 1e-3, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(
      fc.constantFrom(...numbers),
      fc.boolean(),
      amount,
      ({ scenario, place, schema }, isBelow, by) => {
        const bound = isBelow
          ? (schema.minimum ?? schema.exclusiveMinimum)
          : (schema.maximum ?? schema.exclusiveMaximum);
        const size = Math.max(1, Math.abs(bound!));
        const beyond =
          schema.type === 'integer'
            ? Math.ceil(by) * 2 ** Math.ceil(Math.log2(size / 2 ** 40 + 1))
            : by * size;
        const value = bound! + (isBelow ? -beyond : beyond);
        const { code, field, message } = refusal(withValue(scenario, place, value));
        expect([code, field]).toEqual(['RL_INPUT_INVALID', place.join('.')]);
        expect(message).toContain(`is ${JSON.stringify(value)}; expected`);
        expect(message).toContain(String(bound));
      },
    ),
    { numRuns: 2000 },
  );
});

it('what is no number, or not whole where only whole numbers are, is refused by its place and its value', () => {
  const wrong = fc.constantFrom<unknown>('1', true, [], {});
  fc.assert(
    fc.property(fc.constantFrom(...numbers), wrong, ({ scenario, place, schema, value }, other) => {
      const refused = refusal(withValue(scenario, place, other));
      expect(refused.field).toBe(place.join('.'));
      expect(refused.message).toContain(`is ${JSON.stringify(other)}; `);
      if (schema.type !== 'integer') return;
      const half = refusal(withValue(scenario, place, (value as number) + 0.5));
      expect(half.field).toBe(place.join('.'));
      expect(half.message).toContain(`is ${(value as number) + 0.5}; expected `);
      expect(half.message).toMatch(/ int|whole number/);
    }),
    { numRuns: 500 },
  );
});

it('an unknown field is refused by its name, with those that are known there', () => {
  for (const { scenario, place, schema } of objects) {
    const { field, message } = refusal(withValue(scenario, [...place, 'colour'], 'red'));
    expect(field).toBe([...place, 'colour'].join('.'));
    expect(message).toMatch(/no such field.*; known here are /);
    for (const name of Object.keys(schema.properties!)) expect(message).toContain(name);
  }
});
