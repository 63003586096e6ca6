import type { Rng } from '../../src/main/path/rng.ts';

const MAX_LENGTH = 4096;

/** Edges of variable-length integers, lengths and types. */
const EDGES = [0x00, 0x01, 0x3f, 0x40, 0x7f, 0x80, 0xbf, 0xc0, 0xd0, 0xff];

const below = (rng: Rng, n: number): number => Math.floor(rng.float() * n);

/** A neighbour of one of `seeds`, one to eight mutations away; sometimes nothing but noise. */
export function mutate(rng: Rng, seeds: readonly Buffer[]): Buffer {
  if (below(rng, 20) === 0) return noise(rng, below(rng, 200));
  let data = Buffer.from(seeds[below(rng, seeds.length)]!);
  for (let left = 1 + below(rng, 8); left > 0; left--) {
    const at = below(rng, data.length + 1);
    const length = below(rng, 1 + Math.min(64, data.length - at));
    const before = data.subarray(0, at);
    const after = data.subarray(at + length);
    switch (below(rng, 9)) {
      case 0:
        if (at < data.length) data[at]! ^= 1 << below(rng, 8);
        break;
      case 1:
        if (at < data.length) data[at] = EDGES[below(rng, EDGES.length)]!;
        break;
      case 2:
        if (at < data.length) data[at] = (data[at]! + below(rng, 9) - 4) & 0xff;
        break;
      case 3:
        data = Buffer.concat([before, noise(rng, 1 + below(rng, 8)), data.subarray(at)]);
        break;
      case 4:
        // An eight-byte integer at one of the edges, in place of what was there.
        data = Buffer.concat([
          before,
          Buffer.alloc(8, EDGES[below(rng, EDGES.length)]),
          data.subarray(at + 8),
        ]);
        break;
      case 5:
        data = Buffer.concat([before, after]);
        break;
      case 6:
        data = Buffer.concat([before, data.subarray(at, at + length), data.subarray(at)]);
        break;
      case 7:
        data = Buffer.from(before);
        break;
      default: {
        const other = seeds[below(rng, seeds.length)]!;
        data = Buffer.concat([before, other.subarray(below(rng, other.length + 1))]);
      }
    }
  }
  return data.length > MAX_LENGTH ? data.subarray(0, MAX_LENGTH) : data;
}

const noise = (rng: Rng, length: number): Buffer =>
  Buffer.from(Array.from({ length }, () => rng.uint32() & 0xff));
