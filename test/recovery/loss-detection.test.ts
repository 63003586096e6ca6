import { describe, expect, it } from 'vitest';
import { ack, ackOnly, confirmedRecovery, DATAGRAM_BYTES, numbers, packet, send } from './support.ts';

const MS = 1000;

describe('acknowledgements (RFC 9002 A.7)', () => {
  it('report each packet once, in sending order', () => {
    const recovery = confirmedRecovery();
    send(recovery, 0, 0, 1, 2, 3, 4);
    const ranges = [
      { first: 3, last: 4 },
      { first: 0, last: 1 },
    ];
    expect(numbers(recovery.onAck('application', ranges, 0, 10 * MS)!.acked)).toEqual([0, 1, 3, 4]);
    expect(recovery.onAck('application', ranges, 0, 11 * MS)).toEqual({ acked: [], lost: [] });
    expect(recovery.bytesInFlight).toBe(DATAGRAM_BYTES);
    expect(recovery.stats).toMatchObject({ packetsSent: 5, packetsAcked: 4, bytesAcked: 4 * DATAGRAM_BYTES });
  });

  it('of packets never sent are refused', () => {
    const recovery = confirmedRecovery();
    expect(recovery.onAck('application', [{ first: 0, last: 0 }], 0, 0)).toBeNull();
    send(recovery, 0, 0, 1);
    expect(recovery.onAck('application', [{ first: 0, last: 2 }], 0, 10 * MS)).toBeNull();
  });

  it('of a number skipped on purpose are refused (RFC 9000 §21.4)', () => {
    const recovery = confirmedRecovery();
    send(recovery, 0, 0, 1, 3, 4);
    expect(recovery.onAck('application', [{ first: 0, last: 4 }], 0, 10 * MS)).toBeNull();
  });

  it('give an RTT sample only when the largest is new and something asked for the ACK', () => {
    const recovery = confirmedRecovery();
    recovery.onPacketSent('application', ackOnly(0), 0);
    recovery.onPacketSent('application', packet(1), 5 * MS);
    ack(recovery, 20 * MS, 0);
    expect(recovery.rtt.hasSample).toBe(false);
    ack(recovery, 30 * MS, 0, 1);
    expect(recovery.rtt.latestUs).toBe(25 * MS);
    recovery.onPacketSent('application', packet(2), 40 * MS);
    recovery.onPacketSent('application', ackOnly(3), 50 * MS);
    // The newest elicited nothing, but packet 2 did; the sample is of the largest.
    ack(recovery, 100 * MS, 2, 3);
    expect(recovery.rtt.latestUs).toBe(50 * MS);
    send(recovery, 200 * MS, 4, 5);
    ack(recovery, 230 * MS, 5);
    // The largest is not new: no sample.
    ack(recovery, 300 * MS, 4, 5);
    expect(recovery.rtt.latestUs).toBe(30 * MS);
  });

  it('ignore the ack delay of Initial packets and use that of the other spaces', () => {
    const recovery = confirmedRecovery();
    recovery.onPacketSent('initial', packet(0), 0);
    recovery.onAck('initial', [{ first: 0, last: 0 }], 0, 50 * MS);
    recovery.onPacketSent('initial', packet(1), 100 * MS);
    recovery.onAck('initial', [{ first: 1, last: 1 }], 20 * MS, 190 * MS);
    expect(recovery.rtt.smoothedUs).toBe(55 * MS);
    recovery.onPacketSent('application', packet(0), 200 * MS);
    recovery.onAck('application', [{ first: 0, last: 0 }], 20 * MS, 275 * MS);
    expect(recovery.rtt.smoothedUs).toBe(55 * MS);
  });
});

describe('loss by packet threshold (RFC 9002 §6.1.1)', () => {
  it('takes three later packets, not two', () => {
    const recovery = confirmedRecovery();
    send(recovery, 0, 0, 1, 2, 3, 4);
    expect(ack(recovery, 100 * MS, 2).lost).toEqual([]);
    expect(ack(recovery, 101 * MS, 3).lost).toEqual([0]);
    expect(ack(recovery, 102 * MS, 4).lost).toEqual([1]);
    expect(recovery.stats).toMatchObject({ packetsLost: 2, bytesLost: 2 * DATAGRAM_BYTES });
    expect(recovery.bytesInFlight).toBe(0);
  });

  it('counts packets in their own space only', () => {
    const recovery = confirmedRecovery();
    recovery.onPacketSent('handshake', packet(0), 0);
    send(recovery, 0, 0, 1, 2, 3, 4, 5);
    expect(ack(recovery, 10 * MS, 0, 5).lost).toEqual([]);
    expect(recovery.bytesInFlight).toBe(DATAGRAM_BYTES);
  });

  it('concerns packets that are not in flight, too, without touching the window', () => {
    const recovery = confirmedRecovery();
    recovery.onPacketSent('application', ackOnly(0), 0);
    send(recovery, 0, 1, 2, 3);
    const { cwnd } = recovery.controller;
    expect(ack(recovery, 10 * MS, 1, 3).lost).toEqual([0]);
    expect(recovery.controller.cwnd).toBeGreaterThanOrEqual(cwnd);
  });
});

describe('loss by time threshold (RFC 9002 §6.1.2)', () => {
  it('is at 9/8 of the larger of smoothed and latest RTT after sending', () => {
    const recovery = confirmedRecovery();
    send(recovery, 0, 0);
    send(recovery, 5 * MS, 1);
    expect(ack(recovery, 85 * MS, 1).lost).toEqual([]);
    expect(recovery.deadlineUs()).toBe(90 * MS);
    const { lost, probe } = recovery.onTimeout(90 * MS);
    expect(lost.map(({ space, packet: { packetNumber } }) => [space, packetNumber])).toEqual([
      ['application', 0],
    ]);
    expect(probe).toBeNull();
    expect(recovery.deadlineUs()).toBeNull();
  });

  it('is immediate on an ACK that comes later than that', () => {
    const recovery = confirmedRecovery();
    send(recovery, 0, 0);
    send(recovery, 50 * MS, 1);
    expect(ack(recovery, 130 * MS, 1).lost).toEqual([0]);
  });

  it('is never sooner than the granularity of 1 ms', () => {
    const recovery = confirmedRecovery();
    send(recovery, 0, 0, 1);
    ack(recovery, 100, 1);
    expect(recovery.deadlineUs()).toBe(1 * MS);
  });

  it('does nothing when the timer fires early', () => {
    const recovery = confirmedRecovery();
    send(recovery, 0, 0, 1);
    ack(recovery, 80 * MS, 1);
    expect(recovery.deadlineUs()).toBe(90 * MS);
    expect(recovery.onTimeout(89 * MS)).toEqual({ lost: [], probe: null });
    expect(recovery.deadlineUs()).toBe(90 * MS);
  });

  it('comes before any PTO, and takes the spaces one after the other', () => {
    const recovery = confirmedRecovery();
    recovery.onPacketSent('handshake', packet(0), 0);
    recovery.onPacketSent('handshake', packet(1), 0);
    send(recovery, 20 * MS, 0, 1);
    ack(recovery, 80 * MS, 1, 1, 'handshake');
    ack(recovery, 81 * MS, 1);
    expect(recovery.deadlineUs()).toBe(90 * MS);
    expect(recovery.onTimeout(500 * MS).lost.map((each) => each.space)).toEqual(['handshake']);
    expect(recovery.onTimeout(500 * MS).lost.map((each) => each.space)).toEqual(['application']);
  });

  it('ends at the deadline itself, whatever the rounding', () => {
    for (let i = 1; i <= 2000; i++) {
      const recovery = confirmedRecovery();
      const sentAt = 1e9 / 7 + i / 3;
      send(recovery, sentAt, 0, 1);
      ack(recovery, sentAt + i * 31.7, 1);
      expect(recovery.onTimeout(recovery.deadlineUs()!).lost).toHaveLength(1);
    }
  });
});

describe('a loss that was none', () => {
  it('is counted once when the packet is acknowledged after all', () => {
    const recovery = confirmedRecovery();
    send(recovery, 0, 0, 1, 2, 3, 4, 5);
    expect(ack(recovery, 10 * MS, 4, 5).lost).toEqual([0, 1, 2]);
    expect(ack(recovery, 11 * MS, 1, 5).acked).toEqual([3]);
    ack(recovery, 12 * MS, 1, 5);
    expect(recovery.stats.spuriousLosses).toBe(2);
    ack(recovery, 13 * MS, 0, 5);
    expect(recovery.stats.spuriousLosses).toBe(3);
  });
});

describe('bookkeeping', () => {
  it('does not grow with the ACKs of a pure receiver', () => {
    const recovery = confirmedRecovery();
    for (let number = 0; number < 5000; number++)
      recovery.onPacketSent('application', ackOnly(number), number);
    const result = recovery.onAck('application', [{ first: 0, last: 4999 }], 0, 5000)!;
    expect(result.acked.length).toBeLessThanOrEqual(1025);
    expect(result.lost).toEqual([]);
    expect(recovery.bytesInFlight).toBe(0);
  });

  it('forgets packets that ask for nothing although one before them is still open', () => {
    const recovery = confirmedRecovery();
    send(recovery, 0, 0);
    for (let number = 1; number < 5000; number++)
      recovery.onPacketSent('application', ackOnly(number), number);
    // RFC 9002 has no answer for a peer that acknowledges nothing; what is kept for it is bounded all the same.
    expect(ack(recovery, 6000, 1, 3000)).toEqual({ acked: [], lost: [] });
    expect(ack(recovery, 6000, 4500, 4500).acked).toEqual([4500]);
  });

  it('frees what a discarded space had in flight', () => {
    const recovery = confirmedRecovery();
    recovery.onPacketSent('initial', packet(0), 0);
    recovery.onPacketSent('initial', ackOnly(1), 0);
    send(recovery, 0, 0);
    recovery.discardSpace('initial');
    expect(recovery.bytesInFlight).toBe(DATAGRAM_BYTES);
    expect([...recovery.unacked('initial')]).toEqual([]);
    expect(recovery.stats.packetsLost).toBe(0);
  });

  it('lists the ack-eliciting packets whose fate is open, oldest first', () => {
    const recovery = confirmedRecovery();
    send(recovery, 0, 0, 1);
    recovery.onPacketSent('application', ackOnly(2), 0);
    send(recovery, 0, 3);
    ack(recovery, 10 * MS, 1);
    expect(numbers([...recovery.unacked('application')])).toEqual([0, 3]);
  });

  it('lets packets go while the window has room for all of their bytes', () => {
    const recovery = confirmedRecovery();
    let number = 0;
    while (recovery.canSend(DATAGRAM_BYTES)) send(recovery, 0, number++);
    expect(number).toBe(10);
    expect(recovery.bytesInFlight).toBe(12_000);
    expect(recovery.canSend(0)).toBe(true);
    expect(recovery.canSend(1)).toBe(false);
  });
});
