import { describe, expect, it } from 'vitest';
import { ack, confirmedRecovery, DATAGRAM_BYTES, newRecovery, packet, send } from './support.ts';

const S = 1e6;
const MINIMUM_WINDOW = 2 * DATAGRAM_BYTES;

/**
 * The path of RFC 9002 §7.6.3: RTT 0.2 s and a PTO of 2 s, so that persistent congestion takes more than 6 s.
 * Packet 0 gives the RTT sample, before its time 0.
 */
function example(controller?: string) {
  const recovery = confirmedRecovery(controller);
  send(recovery, 10 * S, 0);
  ack(recovery, 10.2 * S, 0);
  recovery.maxAckDelayUs = 2 * S - recovery.rtt.ptoBaseUs(0);
  return recovery;
}
const at = (seconds: number): number => Math.round((11 + seconds) * S);

describe('persistent congestion (RFC 9002 §7.6)', () => {
  it('is established by the example of §7.6.3', () => {
    const recovery = example();
    send(recovery, at(0), 1);
    send(recovery, at(1), 2);
    ack(recovery, at(1.2), 1);
    recovery.maxAckDelayUs = 2 * S - recovery.rtt.ptoBaseUs(0);
    for (const [number, seconds] of [3, 4, 5, 6, 7].map((n, i) => [n, 2 + i] as const)) {
      send(recovery, at(seconds), number);
    }
    send(recovery, at(8), 8);
    send(recovery, at(12), 9);
    expect(ack(recovery, at(12.2), 9).lost).toEqual([2, 3, 4, 5, 6, 7, 8]);
    expect(recovery.stats.persistentCongestions).toBe(1);
    // Packet 9, in the same ACK, is the first to grow the minimum window again.
    expect(recovery.controller.cwnd).toBe(MINIMUM_WINDOW + DATAGRAM_BYTES);
  });

  it('is not, when one packet in between was acknowledged', () => {
    const recovery = example();
    for (let number = 1; number <= 8; number++) send(recovery, at(number), number);
    send(recovery, at(12), 9);
    const ranges = [
      { first: 9, last: 9 },
      { first: 4, last: 4 },
    ];
    expect(recovery.onAck('application', ranges, 0, at(12.2))!.lost).toHaveLength(7);
    expect(recovery.stats.persistentCongestions).toBe(0);
    expect(recovery.controller.snapshot().ssthresh).toBeGreaterThan(MINIMUM_WINDOW);
  });

  it('is not, when a packet of another space in between was acknowledged', () => {
    const recovery = example();
    for (let number = 1; number <= 4; number++) send(recovery, at(number), number);
    recovery.onPacketSent('handshake', packet(0), at(4.5));
    for (let number = 5; number <= 8; number++) send(recovery, at(number), number);
    ack(recovery, at(8.5), 0, 0, 'handshake');
    send(recovery, at(12), 9);
    expect(ack(recovery, at(12.2), 9).lost).toHaveLength(8);
    expect(recovery.stats.persistentCongestions).toBe(0);
  });

  it('is established by losses of two spaces together', () => {
    const recovery = example();
    recovery.onPacketSent('handshake', packet(0), at(0));
    send(recovery, at(7.5), 1);
    send(recovery, at(9), 2);
    recovery.onPacketSent('handshake', packet(1), at(9));
    expect(ack(recovery, at(9.3), 2).lost).toEqual([1]);
    expect(recovery.stats.persistentCongestions).toBe(0);
    expect(ack(recovery, at(9.4), 1, 1, 'handshake').lost).toEqual([0]);
    expect(recovery.stats.persistentCongestions).toBe(1);
  });

  it('is not, when the first and last losses are of packets that elicited nothing', () => {
    const recovery = example();
    const padded = { ackEliciting: false };
    recovery.onPacketSent('application', packet(1, padded), at(0));
    send(recovery, at(2), 2, 3);
    recovery.onPacketSent('application', packet(4, padded), at(8));
    send(recovery, at(12), 5);
    expect(ack(recovery, at(12.2), 5).lost).toEqual([1, 2, 3, 4]);
    expect(recovery.stats.persistentCongestions).toBe(0);
  });

  it('is not, from packets sent before the first RTT sample', () => {
    const recovery = confirmedRecovery();
    for (let number = 0; number < 8; number++) send(recovery, number * S, number);
    send(recovery, 8 * S, 8);
    expect(ack(recovery, 8.1 * S, 8).lost).toHaveLength(8);
    expect(recovery.stats.persistentCongestions).toBe(0);
  });

  it('takes more than three PTOs, not just as much', () => {
    // The last ACK is a second sample of 0.2 s: 3 × (0.2 s + 4 × 0.075 s + 1.4 s).
    const threshold = 5.7;
    for (const [duration, count] of [
      [threshold, 0],
      [threshold + 0.001, 1],
    ] as const) {
      const recovery = example();
      send(recovery, at(1), 1);
      send(recovery, at(1 + duration), 2);
      send(recovery, at(9), 3, 4, 5);
      expect(ack(recovery, at(9.2), 3, 5).lost).toEqual([1, 2]);
      expect(recovery.stats.persistentCongestions).toBe(count);
    }
  });

  it('counts one period once, however late its last packets are declared lost', () => {
    const recovery = example();
    for (let number = 1; number <= 8; number++) send(recovery, at(number), number);
    send(recovery, at(8.9), 9, 10);
    ack(recovery, at(9.1), 10);
    expect(recovery.stats.persistentCongestions).toBe(1);
    expect(recovery.onTimeout(recovery.deadlineUs()!).lost).toHaveLength(1);
    expect(recovery.stats.persistentCongestions).toBe(1);
  });

  it.each(['newreno', 'cubic', 'bbr1', 'bbr2', 'bbr3'])(
    'and stragglers sent before it are one event to %s and to recovery',
    (controller) => {
      const recovery = example(controller);
      for (let number = 1; number <= 8; number++) send(recovery, at(number), number);
      // 9 is sent together with 10, whose acknowledgement establishes it, and is found lost a moment later.
      send(recovery, at(8.9), 9, 10);
      ack(recovery, at(9.1), 10);
      expect(recovery.stats).toMatchObject({ persistentCongestions: 1, congestionEvents: 1 });
      const { state, ssthresh } = recovery.controller.snapshot();
      expect(recovery.onTimeout(recovery.deadlineUs()!).lost).toHaveLength(1);
      expect(recovery.stats.congestionEvents).toBe(1);
      expect(recovery.controller.snapshot()).toMatchObject({ state, ssthresh });
      // What is sent after it is an event again.
      send(recovery, at(10), 11, 12, 13, 14);
      ack(recovery, at(10.2), 14);
      expect(recovery.stats.congestionEvents).toBe(2);
      if (ssthresh !== null) expect(recovery.controller.snapshot().state).toBe('recovery');
    },
  );

  it('does not come of a space whose keys are discarded', () => {
    const recovery = newRecovery();
    recovery.onPacketSent('initial', packet(0), 0);
    ack(recovery, 0.1 * S, 0, 0, 'initial');
    for (let number = 1; number <= 20; number++) recovery.onPacketSent('initial', packet(number), number * S);
    recovery.discardSpace('initial');
    send(recovery, 30 * S, 0);
    send(recovery, 31 * S, 1);
    ack(recovery, 31.1 * S, 1);
    expect(recovery.stats.persistentCongestions).toBe(0);
  });
});
