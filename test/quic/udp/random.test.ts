import { expect, it } from 'vitest';
import { pooledRandom } from '../../../src/main/quic/udp/random.ts';

it('hands out so many bytes, never the same twice, and keeps none of them', () => {
  const seen = new Set<string>();
  for (let i = 0; i < 5000; i++) {
    const bytes = pooledRandom(8 + (i % 25));
    expect(bytes).toHaveLength(8 + (i % 25));
    seen.add(bytes.toString('hex'));
    // Whoever writes to his own changes nobody else’s.
    bytes.fill(0);
  }
  expect(seen.size).toBe(5000);
  expect(pooledRandom(10_000)).toHaveLength(10_000);
  expect(pooledRandom(10_000).equals(pooledRandom(10_000))).toBe(false);
});
