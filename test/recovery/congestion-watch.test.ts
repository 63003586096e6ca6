import { describe, expect, it } from 'vitest';
import { CongestionWatch } from '../../src/main/recovery/congestion-watch.ts';
import { ack, confirmedRecovery, DATAGRAM_BYTES, send } from './support.ts';

const MS = 1000;

describe('a watch on a recovery', () => {
  it('notes window, flight, rates, round trips and losses, from its origin on', () => {
    const recovery = confirmedRecovery('newreno');
    const watch = new CongestionWatch(7 * MS, MS);
    watch.observe(recovery, 7 * MS);
    send(recovery, 10 * MS, 0, 1, 2, 3, 4);
    ack(recovery, 60 * MS, 4);
    watch.observe(recovery, 60 * MS);
    const { cwnd, pacingBps } = recovery.controller;
    expect(watch.take()).toEqual({
      tUs: [0, 53 * MS],
      cwndBytes: [10 * DATAGRAM_BYTES, cwnd],
      inFlightBytes: [0, 2 * DATAGRAM_BYTES],
      pacingBps: [null, Math.round(pacingBps!)],
      bandwidthBps: [null, null],
      rttUs: [null, 50 * MS],
      minRttUs: [null, 50 * MS],
      lostPackets: [0, 2],
      phases: [
        { fromUs: 0, state: 'slow-start' },
        { fromUs: 53 * MS, state: 'recovery' },
      ],
    });
    expect(watch.take()).toBeNull();
  });

  it('notes no more than a point in each interval, but every change of state', () => {
    const recovery = confirmedRecovery('newreno');
    const watch = new CongestionWatch(0, 10 * MS);
    for (let at = 0; at < 40; at++) watch.observe(recovery, at * MS);
    send(recovery, 41 * MS, 0, 1, 2, 3);
    ack(recovery, 91 * MS, 3);
    watch.observe(recovery, 91 * MS);
    ack(recovery, 92 * MS, 1);
    watch.observe(recovery, 92 * MS);
    expect(watch.take()?.tUs).toEqual([0, 10 * MS, 20 * MS, 30 * MS, 91 * MS]);
    send(recovery, 93 * MS, 4);
    ack(recovery, 143 * MS, 4);
    watch.observe(recovery, 94 * MS);
    expect(watch.take()).toMatchObject({ tUs: [94 * MS], phases: [{ state: 'congestion-avoidance' }] });
  });

  it('never goes back in time: packets are read after they came, when others have been sent', () => {
    const recovery = confirmedRecovery();
    const watch = new CongestionWatch(0, 0);
    send(recovery, 0, 0, 1, 2, 3);
    watch.observe(recovery, 60 * MS);
    ack(recovery, 50 * MS, 3);
    watch.observe(recovery, 50 * MS);
    expect(watch.take()).toMatchObject({
      tUs: [60 * MS, 60 * MS],
      phases: [{ fromUs: 60 * MS }, { fromUs: 60 * MS, state: 'recovery' }],
    });
  });

  it('that nobody asks keeps a bounded number of points, peaks among them', () => {
    const recovery = confirmedRecovery();
    const watch = new CongestionWatch(0, 0);
    for (let atUs = 0; atUs < 100_000; atUs++) {
      if (atUs === 500) send(recovery, atUs, 0, 1, 2);
      if (atUs === 501) ack(recovery, atUs, 0, 2);
      watch.observe(recovery, atUs);
    }
    const { tUs, inFlightBytes } = watch.take()!;
    expect(tUs.length).toBeLessThanOrEqual(20_000);
    expect(tUs.at(-1)).toBe(99_999);
    expect(Math.max(...(inFlightBytes as number[]))).toBe(3 * DATAGRAM_BYTES);
  });
});
