import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PingTally } from '../../src/main/probe/ping-tally.ts';
import { rttStats } from '../../src/shared/samples.ts';

const anyRtt = fc.option(fc.integer({ min: 0, max: 1e7 }));

test('figures on the way are those of all pings so far, however often they are asked for', () => {
  fc.assert(
    fc.property(fc.array(fc.array(anyRtt, { maxLength: 20 }), { maxLength: 10 }), (parts) => {
      const tally = new PingTally();
      const soFar: (number | null)[] = [];
      for (const part of parts) {
        for (const rttUs of part) tally.add({ rttUs });
        soFar.push(...part);
        const { sent, received, lossRatio, rttUs, jitterUs } = rttStats(soFar, 0, 0, 1);
        expect(tally.figures()).toEqual({ sent, received, lossRatio, rttUs, jitterUs });
      }
    }),
  );
});
