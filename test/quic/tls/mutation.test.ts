import fc from 'fast-check';
import { describe, test } from 'vitest';
import { tls } from '../../fuzz/tls.ts';

describe('whatever happens to a handshake message, an alert is all that comes of it', () => {
  const stages = tls.seeds.map((seed, index) => [index, seed] as const);

  test.each(stages)('one bit flipped anywhere, at stage %i', (_stage, seed) => {
    for (let position = 2; position < seed.length; position++) {
      const message = Buffer.from(seed);
      message[position]! ^= 1 << (position % 8);
      tls.run(message);
    }
  });

  test.each(stages)('some bytes replaced by others, delivered in pieces, at stage %i', (stage, seed) => {
    const message = seed.subarray(2);
    fc.assert(
      fc.property(
        fc.nat(message.length),
        fc.nat(64),
        fc.uint8Array({ maxLength: 64 }),
        fc.nat(255),
        (at, removed, inserted, pieces) => {
          const rest = message.subarray(at + removed);
          tls.run(Buffer.concat([Buffer.from([stage, pieces]), message.subarray(0, at), inserted, rest]));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('anything at all in its place', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void tls.run(Buffer.from(bytes))));
  });
});
