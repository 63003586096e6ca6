import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DeadlineQueue } from '../../src/main/path/deadline-queue.ts';

const drain = <T>(queue: DeadlineQueue<T>): T[] => {
  const items: T[] = [];
  while (queue.nextDueUs !== null) items.push(queue.pop()!);
  return items;
};
/** Few distinct deadlines, so that many are equal. */
const deadlines = fc.array(fc.nat(20), { maxLength: 200 });
const fill = (dues: number[]): DeadlineQueue<{ due: number; index: number }> => {
  const queue = new DeadlineQueue<{ due: number; index: number }>();
  dues.forEach((due, index) => {
    queue.push(due, { due, index });
  });
  return queue;
};
const sorted = (dues: number[]): { due: number; index: number }[] =>
  dues.map((due, index) => ({ due, index })).sort((a, b) => a.due - b.due || a.index - b.index);

test('gives the earliest first, and equal deadlines in the order they came', () => {
  fc.assert(
    fc.property(deadlines, (dues) => {
      expect(drain(fill(dues))).toEqual(sorted(dues));
    }),
  );
});

test('keeps the order when pushes and pops alternate', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(20)), { maxLength: 200 }), (steps) => {
      const queue = new DeadlineQueue<number>();
      const model: number[] = [];
      for (const due of steps) {
        if (due === null) {
          expect(queue.pop()).toBe(model.shift());
        } else {
          queue.push(due, due);
          model.push(due);
          model.sort((a, b) => a - b);
        }
        expect(queue.nextDueUs).toBe(model[0] ?? null);
      }
    }),
  );
});

test('removes what matches and keeps the rest in order', () => {
  fc.assert(
    fc.property(deadlines, fc.integer({ min: 1, max: 5 }), (dues, nth) => {
      const queue = fill(dues);
      queue.remove(({ index }) => index % nth === 0);
      expect(drain(queue)).toEqual(sorted(dues).filter(({ index }) => index % nth !== 0));
    }),
  );
});
