import fc from 'fast-check';
import { expect, it } from 'vitest';
import { SendHistory } from '../../src/main/recovery/send-history.ts';

type Fate = 'open' | 'acked' | 'lost' | 'void';

/** What a plain list of all packets says. */
function naive(log: { atUs: number; fate: Fate }[], lost: readonly number[], durationUs: number): boolean {
  let established = false;
  let run: number[] = [];
  for (let i = 0; i <= log.length; i++) {
    if (i < log.length && log[i]!.fate !== 'acked') {
      if (log[i]!.fate === 'lost') run.push(i);
      continue;
    }
    if (run.some((each) => lost.includes(each)) && log[run.at(-1)!]!.atUs - log[run[0]!]!.atUs > durationUs) {
      established = true;
      for (const each of run) log[each]!.fate = 'void';
    }
    run = [];
  }
  return established;
}

it('the send history, which forgets, finds the persistent congestion that a list of all packets does', () => {
  const operation = fc.record({
    kind: fc.integer({ min: 0, max: 99 }),
    wait: fc.nat(100),
    pick: fc.nat(),
    count: fc.integer({ min: 1, max: 6 }),
  });
  let found = 0;
  fc.assert(
    fc.property(
      fc.array(operation, { minLength: 500, maxLength: 3000, size: 'max' }),
      fc.constantFrom(1, 3, 10),
      (operations, ackWeight) => {
        const history = new SendHistory();
        const log: { atUs: number; fate: Fate }[] = [];
        let open: number[] = [];
        let now = 0;
        for (const { kind, wait, pick, count } of operations) {
          now += wait;
          // At most 100 are open: old ones find their end, so that the ring can forget.
          if (kind < 60 && open.length < 100) {
            expect(history.onSent(now)).toBe(log.length);
            open.push(log.length);
            log.push({ atUs: now, fate: 'open' });
          } else if (open.length === 0) {
          } else if (kind < 60 + 2 * ackWeight) {
            const ordinal = open[pick % Math.min(open.length, 8)]!;
            history.onAcked(ordinal);
            log[ordinal]!.fate = 'acked';
            open = open.filter((each) => each !== ordinal);
          } else if (kind < 85) {
            history.onDiscarded(open[0]!);
            log[open.shift()!]!.fate = 'void';
          } else {
            const lost = open.splice(0, count);
            for (const ordinal of lost) {
              const delimits = ordinal % 5 !== 0;
              history.onLost(ordinal, delimits);
              log[ordinal]!.fate = delimits ? 'lost' : 'void';
            }
            const expected = naive(log, lost, 400);
            if (expected) found++;
            expect(history.establishesPersistentCongestion(lost, 400)).toBe(expected);
          }
        }
      },
    ),
    { numRuns: 30 },
  );
  expect(found).toBeGreaterThan(30);
});

it('the send history of a sender that is never answered with anything to remember stays small', () => {
  const history = new SendHistory();
  for (let i = 0; i < 1e6; i++) history.onDiscarded(history.onSent(i));
  const lost = history.onSent(1e6);
  history.onLost(lost, true);
  expect(history.establishesPersistentCongestion([lost], 0)).toBe(false);
});
