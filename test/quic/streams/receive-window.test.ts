import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReceiveWindow } from '../../../src/main/quic/streams/receive-window.ts';

const RTT = 40_000;
const at = (nowUs: number) => ({ nowUs, rttUs: RTT });

describe('a receive window', () => {
  it('doubles when half of it is read in less than two RTTs, up to its cap', () => {
    const window = new ReceiveWindow(100, 350);
    expect(window.advance(50, at(0))).toBe(150);
    expect(window.advance(100, at(2 * RTT - 1))).toBe(300);
    expect(window.advance(200, at(3 * RTT))).toBe(550);
    expect(window.bytes).toBe(350);
  });

  it('stays as it is for a reader that takes longer', () => {
    const window = new ReceiveWindow(100, 1000);
    for (let n = 1; n < 50; n++) expect(window.advance(50 * n, at(2 * RTT * n))).toBe(100 + 50 * n);
    expect(window.bytes).toBe(100);
  });

  it('stays as it is while there is no RTT to measure by', () => {
    const window = new ReceiveWindow(100, 1000);
    for (let n = 1; n < 50; n++) window.advance(50 * n, null);
    expect(window.bytes).toBe(100);
  });

  it('never takes back what it granted, nor grants more than its cap ahead of the reader', () => {
    const step = fc.record({ read: fc.nat(200), waitUs: fc.nat(3 * RTT), lost: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const window = new ReceiveWindow(100, 700);
        let consumed = 0;
        let nowUs = 0;
        let granted = 100;
        for (const { read, waitUs, lost } of steps) {
          consumed = Math.min(window.limit, consumed + read);
          nowUs += waitUs;
          if (lost) window.onLost();
          const limit = window.advance(consumed, at(nowUs));
          if (lost) expect(limit).not.toBeNull();
          if (limit === null) continue;
          expect(limit).toBeGreaterThanOrEqual(granted);
          expect(limit - consumed).toBeLessThanOrEqual(700);
          granted = limit;
        }
      }),
    );
  });
});
