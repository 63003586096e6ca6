import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseAnswer } from '../../src/main/telemetry/prometheus-answer.ts';
import { csvNumber } from '../../src/shared/csv.ts';
import { LabError } from '../../src/shared/errors.ts';

const matrix = (...result: unknown[]): string =>
  JSON.stringify({ status: 'success', data: { resultType: 'matrix', result } });

const name = fc.stringMatching(/^[a-z_]{1,8}$/);
const seriesOf = fc.record({
  metric: fc.dictionary(name, fc.string()),
  values: fc.array(fc.tuple(fc.nat(1e9), fc.double()), { minLength: 1, maxLength: 5 }),
});
const written = (value: number): string => (Object.is(value, -0) ? '-0' : csvNumber(value));

test('what Prometheus writes is read back, special values included', () => {
  const many = fc.uniqueArray(seriesOf, {
    maxLength: 4,
    selector: ({ metric }) => JSON.stringify(Object.entries(metric).sort()),
  });
  fc.assert(
    fc.property(many, (series) => {
      const rising = series.map(({ metric, values }) => ({
        metric,
        values: [...new Map(values).entries()].sort(([a], [b]) => a - b),
      }));
      const text = matrix(
        ...rising.map(({ metric, values }) => ({
          metric,
          values: values.map(([t, v]) => [t / 1000, written(v)]),
        })),
      );
      expect(parseAnswer(text)).toEqual({
        status: 'success',
        warnings: [],
        series: rising.map(({ metric, values }) => ({
          // As JSON has it: `__proto__` is a label like any other.
          labels: JSON.parse(JSON.stringify(metric)),
          tMs: values.map(([t]) => t),
          values: values.map(([, v]) => v),
        })),
      });
    }),
  );
});

test('a vector is a point of each series, a scalar a series without labels', () => {
  const vector = { resultType: 'vector', result: [{ metric: { a: 'b' }, value: [1.5, '2'] }] };
  expect(parseAnswer(JSON.stringify({ status: 'success', data: vector, warnings: ['slow'] }))).toEqual({
    status: 'success',
    series: [{ labels: { a: 'b' }, tMs: [1500], values: [2] }],
    warnings: ['slow'],
  });
  const scalar = { resultType: 'scalar', result: [1, 'NaN'] };
  expect(parseAnswer(JSON.stringify({ status: 'success', data: scalar }))).toMatchObject({
    series: [{ labels: {}, tMs: [1000], values: [Number.NaN] }],
  });
});

test('native histograms are left out, and it is said how many', () => {
  const histogram = { metric: { __name__: 'h' }, histograms: [[1, { count: '1', sum: '1' }]] };
  expect(parseAnswer(matrix(histogram, { metric: {}, values: [[1, '1']] }))).toMatchObject({
    series: [{ labels: {} }],
    warnings: ['1 native histograms were left out'],
  });
});

test('an error of Prometheus is passed on, short and on one line', () => {
  const error = `bad\n${'x'.repeat(5000)}`;
  const answer = parseAnswer(JSON.stringify({ status: 'error', errorType: 'bad_data', error }));
  expect(answer).toMatchObject({ status: 'error', type: 'bad_data' });
  if (answer.status === 'error') expect(answer.message).toMatch(/^bad x{496}$/);
});

const whole = matrix({ metric: { a: 'b' }, values: [[1, '1']] });
test.each([
  ['', 'nothing'],
  [whole.slice(0, -10), 'cut off'],
  ['<html>', 'a page'],
  ['null', 'null'],
  ['{"status":"success"}', 'no data'],
  ['{"status":"success","data":{"resultType":"string","result":[1,"a"]}}', 'a text'],
  ['{"status":"success","data":{"resultType":"streams","result":[]}}', 'an unknown kind'],
  [matrix({ metric: { a: 1 }, values: [] }), 'a label that is no text'],
  [matrix({ metric: {}, values: [[1, 1]] }), 'a value that is no text'],
  [matrix({ metric: {}, values: [[1, '0x10']] }), 'a value that is no number'],
  [matrix({ metric: {}, values: [[1, '']] }), 'an empty value'],
  [matrix({ metric: {}, values: [['1', '1']] }), 'a time that is a text'],
  [matrix({ metric: {}, values: [[1e308, '1']] }), 'a time out of range'],
  [
    matrix({
      metric: {},
      values: [
        [2, '1'],
        [1, '1'],
      ],
    }),
    'times that go back',
  ],
  [matrix({ metric: {} }), 'a series without values'],
  [matrix({ metric: {}, values: [] }, { metric: {}, values: [] }), 'a series that comes twice'],
])('%s is refused as a whole: %s', (text) => {
  expect(() => parseAnswer(text)).toThrow(expect.objectContaining({ code: 'RL_PROMETHEUS_ANSWER' }));
});

test('no text makes it throw anything else', () => {
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    fc.json().map((json) => `{"status":"success","data":${json}}`),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        parseAnswer(text);
      } catch (error) {
        expect(error).toBeInstanceOf(LabError);
      }
    }),
  );
});
