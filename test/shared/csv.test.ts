import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CsvReader, csvLine } from '../../src/shared/csv.ts';
import { LabError } from '../../src/shared/errors.ts';

const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ unit: fc.constantFrom(...'=+-@＝＋－＠\t\r\n\'",a1 ') }),
);

/** Reads `csv` in parts cut at `cuts`. */
function read(csv: string, cuts: readonly number[] = []): (string | null)[][] {
  const reader = new CsvReader();
  const records: (string | null)[][] = [];
  let from = 0;
  for (const cut of [...cuts.map((n) => n % (csv.length + 1)).sort((a, b) => a - b), csv.length]) {
    records.push(...reader.push(csv.slice(from, cut)));
    from = cut;
  }
  const last = reader.end();
  return last === null ? records : [...records, last];
}

test('what is written reads back the same, nulls and formulae too, however it is cut into parts', () => {
  const record = fc.array(fc.option(text), { minLength: 2, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(record, { minLength: 1 }), fc.array(fc.nat(), { maxLength: 4 }), (records, cuts) => {
      expect(read(records.map(csvLine).join(''), cuts)).toEqual(records);
    }),
  );
});

test('no field begins with what a spreadsheet takes for a formula', () => {
  fc.assert(
    fc.property(text, (value) => {
      expect(csvLine([value])).not.toMatch(/^"?\s*[=+\-@＝＋－＠]/);
    }),
  );
  expect(csvLine(['=HYPERLINK("x")', '-1', "'a", -1])).toBe(`"'=HYPERLINK(""x"")",'-1,''a,-1\n`);
});

test('files of Windows, without a last line end, and of others are read', () => {
  expect(read('a,b\r\n"c\r\nd",\r\n')).toEqual([
    ['a', 'b'],
    ['c\r\nd', null],
  ]);
  expect(read("a,'b")).toEqual([['a', "'b"]]);
  expect(read('\uFEFF"a",b', [0, 1])).toEqual([['a', 'b']]);
});

test('what is no CSV is refused with its line', () => {
  for (const bad of ['a\n"b', 'a\n"b"c', 'a\nb"c']) {
    expect(() => read(bad)).toThrow(LabError);
    expect(() => read(bad)).toThrow(/line 2/);
  }
  for (const long of ['x'.repeat(11), 'xxxx,xxxx,xxxx'])
    expect(() => [...new CsvReader(10).push(long)]).toThrow(/record of over 10 characters/);
});

test('special numbers are written as Prometheus writes them, and are no formulae', () => {
  expect(csvLine([Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, ' =a', -1, null])).toBe(
    "NaN,-Inf,+Inf,' =a,-1,\n",
  );
});
