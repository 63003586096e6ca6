import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SlottedMax } from '../../../src/main/congestion/bbr/slotted-max.ts';

describe('the maximum over slots', () => {
  it('is that of the values of the newest slots, however wide the window of the moment', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.array(
          fc.oneof(
            fc.record({ add: fc.double({ min: 0, max: 1e9, noNaN: true }) }),
            fc.record({ window: fc.integer({ min: 1, max: 6 }) }),
          ),
          { maxLength: 60 },
        ),
        (slots, steps) => {
          const filter = new SlottedMax(slots);
          const model: number[] = [0];
          let window = slots;
          for (const step of steps) {
            if ('add' in step) {
              filter.add(step.add);
              model[0] = Math.max(model[0]!, step.add);
            } else {
              window = Math.min(step.window, slots);
              filter.advance(window);
              model.unshift(0);
            }
            expect(filter.value).toBe(Math.max(...model.slice(0, window)));
            expect(filter.current).toBe(model[0]);
          }
        },
      ),
    );
  });
});
