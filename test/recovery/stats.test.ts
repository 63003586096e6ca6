/** What recovery counts for its owner. */
import { describe, expect, it } from 'vitest';
import { ack, confirmedRecovery, DATAGRAM_BYTES, send } from './support.ts';

const MS = 1000;

describe('the statistics of recovery', () => {
  it('count a burst of losses as one congestion event, and a loss of what was sent afterwards as another', () => {
    const recovery = confirmedRecovery();
    for (let number = 0; number < 10; number++) send(recovery, number * MS, number);
    expect(ack(recovery, 100 * MS, 5).lost).toEqual([0, 1, 2]);
    // Sent before the recovery period began.
    expect(ack(recovery, 101 * MS, 9).lost).toEqual([3, 4, 6]);
    expect(recovery.stats.congestionEvents).toBe(1);
    for (let number = 10; number < 14; number++) send(recovery, 110 * MS + number, number);
    expect(ack(recovery, 210 * MS, 13).lost.at(-1)).toBe(10);
    expect(recovery.stats).toMatchObject({
      congestionEvents: 2,
      packetsLost: 9,
      bytesLost: 9 * DATAGRAM_BYTES,
    });
  });

  it('tell how fast the path delivers, and keep it while the application has little to send', () => {
    const recovery = confirmedRecovery();
    expect(recovery.deliveryRateBps).toBeNull();
    // Ten datagrams in a flight of 100 ms.
    for (let number = 0; number < 10; number++) send(recovery, 0, number);
    recovery.onAck('application', [{ first: 0, last: 9 }], 0, 100 * MS);
    const rate = (10 * DATAGRAM_BYTES * 8) / 0.1;
    expect(recovery.deliveryRateBps).toBeCloseTo(rate, 6);
    expect(recovery.isAppLimited).toBe(false);
    recovery.onAppLimited(150 * MS);
    send(recovery, 200 * MS, 10);
    ack(recovery, 300 * MS, 10);
    expect(recovery.isAppLimited).toBe(true);
    expect(recovery.deliveryRateBps).toBeCloseTo(rate, 6);
  });

  it('forget the delivery rate of a path that was left', () => {
    const recovery = confirmedRecovery();
    send(recovery, 0, 0);
    ack(recovery, 50 * MS, 0);
    expect(recovery.deliveryRateBps).not.toBeNull();
    recovery.changePath(recovery.controller);
    expect(recovery.deliveryRateBps).toBeNull();
  });

  it('measure a new path from its own first packet on, whatever is still in flight on the old one', () => {
    const recovery = confirmedRecovery('bbr3');
    send(recovery, 10_000 * MS, 0, 1, 2);
    recovery.changePath(recovery.controller);
    send(recovery, 10_010 * MS, 3, 4);
    ack(recovery, 10_060 * MS, 3, 4);
    expect(recovery.deliveryRateBps).toBeCloseTo((2 * DATAGRAM_BYTES * 8) / 0.05, 6);
  });
});
