import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  bound,
  ExpositionWriter,
  type Family,
  type Format,
  negotiate,
} from '../../src/main/telemetry/exposition.ts';

const counter: Family = {
  name: 'a_total',
  help: 'Says "a"\\b\nc',
  type: 'counter',
  samples: [{ labels: { path: 'C:\\x', quote: '"', line: 'a\nb' }, value: 1e21 }],
};

function exposition(families: readonly Family[], format: Format): string {
  const writer = new ExpositionWriter(format);
  writer.families(families);
  writer.end();
  return writer.take().toString();
}

test('the older format names a counter as its samples, OpenMetrics without the suffix', () => {
  expect(exposition([counter], 'text')).toBe(
    [
      '# HELP a_total Says "a"\\\\b\\nc',
      '# TYPE a_total counter',
      'a_total{path="C:\\\\x",quote="\\"",line="a\\nb"} 1e+21',
      '',
    ].join('\n'),
  );
  expect(exposition([counter], 'openmetrics')).toBe(
    [
      '# HELP a Says \\"a\\"\\\\b\\nc',
      '# TYPE a counter',
      'a_total{path="C:\\\\x",quote="\\"",line="a\\nb"} 1e+21',
      '# EOF',
      '',
    ].join('\n'),
  );
});

test('a family without samples is not mentioned', () => {
  expect(exposition([{ ...counter, samples: [] }], 'text')).toBe('');
  expect(exposition([], 'openmetrics')).toBe('# EOF\n');
});

test('special values are written as Prometheus reads them', () => {
  const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0.1, -0];
  const samples = values.map((value) => ({ labels: {}, value }));
  const lines = exposition([{ name: 'g', help: 'g', type: 'gauge', samples }], 'text')
    .trim()
    .split('\n');
  expect(lines.slice(2)).toEqual(['g NaN', 'g +Inf', 'g -Inf', 'g 0.1', 'g 0']);
});

test('whole bounds have a fraction in OpenMetrics only', () => {
  expect([0.5, 1].map((value) => bound(value, 'openmetrics'))).toEqual(['0.5', '1.0']);
  expect([0.5, 1].map((value) => bound(value, 'text'))).toEqual(['0.5', '1']);
});

test('labels of any text stay on one line and can be read back', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const body = exposition([{ ...counter, samples: [{ labels: { x: text }, value: 1 }] }], 'text');
      const line = body.split('\n')[2]!;
      const written = /^a_total\{x="(.*)"\} 1$/s.exec(line)![1]!;
      const read = written.replace(/\\(.)/gs, (_, c: string) => (c === 'n' ? '\n' : c));
      expect(read).toBe(text);
    }),
  );
});

test.each([
  [undefined, 'text'],
  ['', 'text'],
  ['*/*', 'text'],
  ['text/html', 'text'],
  ['application/openmetrics-text', 'openmetrics'],
  ['application/openmetrics-text; version=1.0.0; charset=utf-8', 'openmetrics'],
  ['application/openmetrics-text;version="1.0.0"', 'openmetrics'],
  ['application/openmetrics-text;version=0.0.1', 'text'],
  ['application/openmetrics-text;version=1.0.0;q=0', 'text'],
  ['application/openmetrics-text;q=0.2,text/plain;q=0.9', 'text'],
  // Prometheus 2.42
  [
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
    'openmetrics',
  ],
  // Prometheus 3
  [
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1',
    'openmetrics',
  ],
])('Accept %j is answered with %s', (accept, format) => {
  expect(negotiate(accept)).toBe(format);
});

test('no Accept header makes it throw', () => {
  fc.assert(fc.property(fc.string(), (accept) => ['text', 'openmetrics'].includes(negotiate(accept))));
});
