/** Losses that were none, through the real recovery and controllers: reordering undoes what it caused, and nothing else. */
import { describe, expect, it } from 'vitest';
import { ack, confirmedRecovery, packet as hs, send } from './support.ts';

const MS = 1000;
const RTT = 100 * MS;

/** A recovery that has acknowledged packets 0 to 99, ten a millisecond, and has 100 to 199 in flight, sent from 200 ms on. */
function flying(controller: string) {
  const recovery = confirmedRecovery(controller);
  for (let number = 0; number < 100; number++) send(recovery, number * 100, number);
  for (let number = 0; number < 100; number++) ack(recovery, RTT + number * 100, number);
  for (let number = 100; number < 200; number++) send(recovery, sentAt(number), number);
  return recovery;
}
const sentAt = (number: number): number => 200 * MS + (number - 100) * 100;

describe.each(['newreno', 'cubic'])('reordering under %s', (name) => {
  it('is undone when the last of the losses is acknowledged after all', () => {
    const recovery = flying(name);
    const { controller } = recovery;
    const { cwnd } = controller;
    // 100 to 102 are overtaken.
    expect(ack(recovery, sentAt(103) + RTT, 103, 107).lost).toEqual([100, 101, 102]);
    expect(controller.snapshot().state).toBe('recovery');
    ack(recovery, sentAt(109) + RTT, 100, 101);
    expect(controller.snapshot().state).toBe('recovery');
    ack(recovery, sentAt(109) + RTT, 102);
    expect(controller.snapshot()).toMatchObject({ state: 'slow-start', cwnd, ssthresh: null });
    expect(recovery.stats).toMatchObject({ congestionEvents: 1, packetsLost: 3, spuriousLosses: 3 });
  });

  it('stands when one of the losses was one', () => {
    const recovery = flying(name);
    ack(recovery, sentAt(103) + RTT, 103, 107);
    ack(recovery, sentAt(109) + RTT, 100, 101);
    ack(recovery, sentAt(109) + RTT, 108, 199);
    expect(recovery.controller.snapshot()).toMatchObject({ state: 'recovery' });
  });

  it('of a path that was left does not undo what happened on the new one', () => {
    const recovery = flying(name);
    recovery.changePath(recovery.controller);
    const { controller } = recovery;
    for (let number = 200; number < 210; number++) send(recovery, 300 * MS, number);
    ack(recovery, 400 * MS, 203, 205);
    ack(recovery, 401 * MS, 100, 102);
    expect(controller.snapshot().state).toBe('recovery');
  });

  it('does not let late acknowledgements for an older event undo a newer one', () => {
    const recovery = flying(name);
    const { controller } = recovery;
    // First event: 100 to 102 lost at 300.3 ms.
    ack(recovery, sentAt(103) + RTT, 103, 107);
    // Sent in its recovery; 200 to 202 of these are lost for good: second event.
    for (let number = 200; number < 210; number++) send(recovery, 310 * MS + number, number);
    ack(recovery, 330 * MS, 108, 199);
    expect(ack(recovery, 411 * MS, 203, 205).lost).toEqual([200, 201, 202]);
    const { ssthresh } = controller.snapshot();
    expect(recovery.stats.congestionEvents).toBe(2);
    // The three of the first event come after all.
    ack(recovery, 412 * MS, 100, 102);
    expect(recovery.stats.spuriousLosses).toBe(3);
    expect(controller.snapshot()).toMatchObject({ state: 'recovery', ssthresh });
    // So do those of the second: back to what was after the first.
    ack(recovery, 413 * MS, 200, 202);
    expect(controller.snapshot().ssthresh).toBeGreaterThan(ssthresh!);
    expect(controller.snapshot().ssthresh).not.toBeNull();
  });

  it('counts stragglers of an older event that come to light in a newer one as the older one’s', () => {
    const recovery = flying(name);
    const { controller } = recovery;
    for (let number = 200; number < 203; number++) recovery.onPacketSent('handshake', hs(number), 205 * MS);
    ack(recovery, sentAt(103) + RTT, 103, 107);
    for (let number = 210; number < 220; number++) send(recovery, 310 * MS + number, number);
    ack(recovery, 411 * MS, 213, 215);
    const { ssthresh } = controller.snapshot();
    // Handshake packets from before the first event are lost within the second, for good …
    recovery.onPacketSent('handshake', hs(206), 412 * MS);
    expect(ack(recovery, 500 * MS, 206, 206, 'handshake').lost).toEqual([200, 201, 202]);
    // … which does not keep the second from being undone.
    ack(recovery, 501 * MS, 210, 212);
    expect(controller.snapshot().ssthresh).toBeGreaterThan(ssthresh!);
  });

  it('never undoes an event of which a loss was forgotten', () => {
    const recovery = flying(name);
    const { controller } = recovery;
    expect(ack(recovery, sentAt(199) + RTT, 190, 199).lost).toHaveLength(90);
    // All come after all, but only the newest 64 are remembered.
    ack(recovery, sentAt(199) + RTT + 1, 100, 189);
    expect(recovery.stats.spuriousLosses).toBe(64);
    expect(controller.snapshot().state).toBe('recovery');
  });

  it('does not take acknowledgements of lost ACKs for those of lost data', () => {
    const recovery = confirmedRecovery(name);
    for (let number = 0; number < 10; number++) send(recovery, number * 100, number);
    recovery.onPacketSent('application', { ...hs(10), inFlight: false, ackEliciting: false }, MS);
    for (let number = 11; number < 20; number++) send(recovery, MS + number * 100, number);
    // 9 is lost, and so is 10, which holds nothing but an ACK.
    recovery.onAck(
      'application',
      [
        { first: 11, last: 19 },
        { first: 0, last: 8 },
      ],
      0,
      RTT,
    );
    expect(recovery.controller.snapshot().state).toBe('recovery');
    ack(recovery, RTT + MS, 10);
    expect(recovery.controller.snapshot().state).toBe('recovery');
    ack(recovery, RTT + MS, 9);
    expect(recovery.controller.snapshot().state).not.toBe('recovery');
  });

  it('does not take persistent congestion back', () => {
    const recovery = confirmedRecovery(name);
    send(recovery, 0, 0);
    ack(recovery, RTT, 0);
    for (let number = 1; number <= 8; number++) send(recovery, number * 1e6, number);
    ack(recovery, 8e6 + RTT, 8);
    expect(recovery.stats.persistentCongestions).toBe(1);
    const { ssthresh } = recovery.controller.snapshot();
    ack(recovery, 8e6 + RTT + 1, 1, 7);
    expect(recovery.controller.snapshot().ssthresh).toBe(ssthresh);
  });
});
