import { describe, expect, it } from 'vitest';
import { checkOptions, fecOf } from '../../src/main/cli/probe-options.ts';

const base = { timeout: 10e6, mtuDiscovery: true };

describe('--fec', () => {
  it('is refused on streams, with the reason', () => {
    for (const mode of ['download', 'upload', 'bidi', 'streams'] as const)
      expect(() => checkOptions(mode, { ...base, fec: true })).toThrow(/QUIC streams are reliable/);
  });

  it('refuses groups that take too long or have too many repair packets', () => {
    expect(() => checkOptions('fec', { ...base, fecGroup: 64, rate: 1 })).toThrow(/longer than 10 s/);
    expect(() => checkOptions('fec', { ...base, fecGroup: 64, fecRedundancy: 1 })).toThrow(/at most 32/);
    expect(() => checkOptions('fec', { ...base, fec: 'xor', rate: 100 })).not.toThrow();
  });

  it('is Reed–Solomon of 2 for 10 unless it is told otherwise', () => {
    expect(fecOf({ ...base, fec: true })).toEqual({ scheme: 'rs', k: 10, redundancy: 0.2, adaptive: false });
    // What adapts begins with the most, and takes from it what it can.
    expect(fecOf({ ...base, fecAdaptive: true })).toMatchObject({ redundancy: 0.5, adaptive: true });
    expect(fecOf({ ...base, fecAdaptive: true, fecRedundancy: 0.1 })).toMatchObject({ redundancy: 0.1 });
  });
});
