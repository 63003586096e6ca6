import fc from 'fast-check';
import { expect, test } from 'vitest';
import { csvLine } from '../../src/shared/csv.ts';

test('texts that a spreadsheet would run have an apostrophe ahead, numbers and gaps have none', () => {
  expect(csvLine(['=1+2', '+a', '-a', '@a', '\t=a', ' =a', -1, 'a=b', null])).toBe(
    "'=1+2,'+a,'-a,'@a,'\t=a,' =a,-1,a=b,\r\n",
  );
});

test('quotes, commas and line ends are quoted, and special numbers are written as Prometheus writes them', () => {
  expect(csvLine(['a"b', 'c,d', 'e\nf', Number.NaN, Number.NEGATIVE_INFINITY])).toBe(
    '"a""b","c,d","e\nf",NaN,-Inf\r\n',
  );
});

/** The cells of one line of RFC 4180. */
function readLine(line: string): string[] {
  const cells: string[] = [];
  const cell = /"((?:[^"]|"")*)"(,|\r\n)|([^",]*?)(,|\r\n)/y;
  while (cell.lastIndex < line.length) {
    const [, quoted, , plain] = cell.exec(line)!;
    cells.push(quoted?.replaceAll('""', '"') ?? plain!);
  }
  return cells;
}

test('whatever the texts, they can be read back, and none is a formula', () => {
  const text = fc.string({
    unit: fc.constantFrom('=', '+', '-', '@', '"', ',', '\r', '\n', '\t', ' ', 'a', 'é'),
  });
  fc.assert(
    fc.property(fc.array(text, { minLength: 2, maxLength: 5 }), (texts) => {
      const read = readLine(csvLine(texts));
      expect(read.map((cell) => cell.replace(/^'/, ''))).toEqual(texts);
      for (const cell of read) expect(cell).not.toMatch(/^\s*[=+\-@]/);
    }),
  );
});
