import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coefficient, recover } from '../../../src/main/probe/fec/code.ts';
import { addProduct, divide, multiply, symbolOf } from '../../../src/main/probe/fec/gf256.ts';
import { FEC_SCHEMES, type FecScheme } from '../../../src/shared/fec.ts';

const octet = fc.integer({ min: 0, max: 255 });

describe('GF(2⁸)', () => {
  it('is a field: products commute, associate and distribute over XOR, and division undoes them', () => {
    fc.assert(
      fc.property(octet, octet, octet, (a, b, c) => {
        expect(multiply(a, b)).toBe(multiply(b, a));
        expect(multiply(multiply(a, b), c)).toBe(multiply(a, multiply(b, c)));
        expect(multiply(a, b ^ c)).toBe(multiply(a, b) ^ multiply(a, c));
        if (b !== 0) expect(divide(multiply(a, b), b)).toBe(a);
      }),
    );
  });

  it('reduces by x⁸ + x⁴ + x³ + x² + 1', () => {
    expect(multiply(0x80, 2)).toBe(0x1d);
  });

  it('adds products of whole symbols as of their octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 40 }), octet, (data, factor) => {
        const from = symbolOf(data.length);
        from.set(data);
        const to = symbolOf(data.length);
        addProduct(to, from, factor);
        expect([...to]).toEqual([...from].map((each) => multiply(each, factor)));
      }),
    );
  });
});

function groupOf(scheme: FecScheme, sources: readonly Uint8Array[], r: number) {
  const bytes = 24;
  const source = sources.map((data) => {
    const symbol = symbolOf(bytes);
    symbol.set(data);
    return symbol;
  });
  const repair = Array.from({ length: r }, (_, j) => {
    const symbol = symbolOf(bytes);
    for (const [i, each] of source.entries()) addProduct(symbol, each, coefficient(scheme, r, j, i));
    return symbol;
  });
  return { source, repair, bytes };
}

describe('a group', () => {
  const sources = fc.array(fc.uint8Array({ minLength: 24, maxLength: 24 }), { minLength: 1, maxLength: 64 });

  it('of Reed–Solomon comes back from any k of its k + r symbols, and gives nothing from fewer', () => {
    fc.assert(
      fc.property(
        sources,
        fc.integer({ min: 0, max: 32 }),
        fc.infiniteStream(fc.double({ noNaN: true })),
        (data, r, order) => {
          const { source, repair, bytes } = groupOf('rs', data, r);
          const lost = [...source.keys(), ...repair.map((_, j) => source.length + j)]
            .map((index) => ({ index, at: order.next().value! }))
            .sort((a, b) => a.at - b.at)
            .slice(0, r + (order.next().value! > 0 ? 1 : 0))
            .map(({ index }) => index);
          const got = recover(
            'rs',
            {
              source: source.map((each, i) => (lost.includes(i) ? null : each)),
              repair: repair.map((each, j) => (lost.includes(source.length + j) ? null : each)),
            },
            bytes,
          );
          const missing = lost.filter((index) => index < source.length).sort((a, b) => a - b);
          if (lost.length > r) expect(got.size).toBe(0);
          else {
            expect([...got.keys()].sort((a, b) => a - b)).toEqual(missing);
            for (const [i, symbol] of got) expect(symbol).toEqual(source[i]);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('of XOR gives back the only one missing of each parity', () => {
    const data = Array.from({ length: 6 }, (_, i) => new Uint8Array(24).fill(i + 1));
    const { source, repair, bytes } = groupOf('xor', data, 2);
    const some = source.map((each, i) => ([0, 2, 5].includes(i) ? null : each));
    const got = recover('xor', { source: some, repair }, bytes);
    expect([...got.keys()]).toEqual([5]);
    expect(got.get(5)).toEqual(source[5]);
  });

  it('has the same first repair symbol with both codes: the XOR of all', () => {
    const data = Array.from({ length: 10 }, (_, i) => new Uint8Array(24).fill(7 * i + 1));
    const [xor, rs] = FEC_SCHEMES.map((scheme) => groupOf(scheme, data, 1).repair[0]);
    expect(xor).toEqual(rs);
  });
});
