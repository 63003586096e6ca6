import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PingLedger } from '../../src/main/probe/ping-ledger.ts';

const MS = 1000;
const S = 1_000_000;

describe('PingLedger', () => {
  it('resolves an echo with its RTT from sending to receiving', () => {
    const ledger = new PingLedger(null);
    ledger.send(10 * MS, true);
    expect(ledger.echo(0, 52 * MS)).toEqual({ sentAtUs: 10 * MS, rttUs: 42 * MS, loaded: true });
    expect(ledger).toMatchObject({ sent: 1, received: 1, lost: 0, late: 0, duplicates: 0 });
    expect(ledger.oldestPendingUs).toBeNull();
  });

  it('counts a ping as lost one second after sending on a short path', () => {
    const ledger = new PingLedger(20 * MS);
    ledger.send(0, false);
    expect(ledger.deadlineUs).toBe(S);
    expect(ledger.expire(S - 1)).toEqual([]);
    expect(ledger.expire(S)).toEqual([{ sentAtUs: 0, rttUs: null, loaded: false }]);
    expect(ledger.deadlineUs).toBeNull();
  });

  it('waits four smoothed RTTs on a long path', () => {
    const ledger = new PingLedger(600 * MS);
    ledger.send(0, false);
    expect(ledger.deadlineUs).toBe(2400 * MS);
  });

  it('follows the RTT of echoes with a gain of one eighth', () => {
    const ledger = new PingLedger(400 * MS);
    ledger.send(0, false);
    ledger.echo(0, 800 * MS);
    expect(ledger.timeoutUs).toBe(4 * 450 * MS);
  });

  it('counts an echo of a lost ping as late, once, and a second echo as a duplicate', () => {
    const ledger = new PingLedger(null);
    ledger.send(0, false);
    ledger.expire(S);
    expect(ledger.echo(0, S + 1)).toBeNull();
    expect(ledger.echo(0, S + 2)).toBeNull();
    expect(ledger).toMatchObject({ sent: 1, received: 0, lost: 1, late: 1, duplicates: 1 });
  });

  it('counts an answer to nothing as no echo', () => {
    const ledger = new PingLedger(null);
    expect(ledger.echo(77, 0)).toBeNull();
    expect(ledger).toMatchObject({ received: 0, late: 0, duplicates: 1 });
  });

  it('never lets a later ping be lost before an earlier one', () => {
    const ledger = new PingLedger(1000 * MS);
    ledger.send(0, false);
    ledger.send(1 * MS, false);
    ledger.echo(1, 2 * MS);
    ledger.send(10 * MS, false);
    expect(ledger.expire(3 * S + 999 * MS)).toEqual([]);
    expect(ledger.expire(5 * S).map((ping) => ping.sentAtUs)).toEqual([0, 10 * MS]);
  });

  it('resolves every ping exactly once, whatever comes back in whatever order', () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant('send' as const), advance: fc.nat(2 * S) }),
      fc.record({ type: fc.constant('echo' as const), advance: fc.nat(S), sequence: fc.nat(30) }),
      fc.record({ type: fc.constant('expire' as const), advance: fc.nat(2 * S) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const ledger = new PingLedger(null);
        const resolved = new Set<number>();
        const resolve = (sentAtUs: number): void => {
          expect(resolved.has(sentAtUs)).toBe(false);
          resolved.add(sentAtUs);
        };
        let now = 0;
        for (const step of steps) {
          now += step.advance + 1;
          if (step.type === 'send') ledger.send(now, false);
          for (const lost of ledger.expire(now)) resolve(lost.sentAtUs);
          if (step.type === 'echo') {
            const ping = ledger.echo(step.sequence, now);
            if (ping !== null) resolve(ping.sentAtUs);
          }
          const oldest = ledger.oldestPendingUs ?? Number.POSITIVE_INFINITY;
          for (const sentAtUs of resolved) expect(sentAtUs).not.toBe(oldest);
        }
        for (const lost of ledger.expire(Number.POSITIVE_INFINITY)) resolve(lost.sentAtUs);
        expect(resolved.size).toBe(ledger.sent);
        expect(ledger.received + ledger.lost).toBe(ledger.sent);
      }),
    );
  });
});
