import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReceivedPackets } from '../../src/main/recovery/received-packets.ts';

const MAX_ACK_DELAY = 25_000;

describe('when an ACK is owed (RFC 9000 §13.2)', () => {
  it('is never for packets that elicit none, gaps or not', () => {
    const received = new ReceivedPackets();
    for (const number of [0, 1, 5, 3]) received.onReceived(number, 1000, false);
    expect(received.ackDeadlineUs).toBeNull();
  });

  it('is max_ack_delay after the first ack-eliciting packet', () => {
    const received = new ReceivedPackets();
    received.onReceived(0, 1000, true);
    expect(received.ackDeadlineUs).toBe(1000 + MAX_ACK_DELAY);
  });

  it('is at once for the second ack-eliciting packet', () => {
    const received = new ReceivedPackets();
    received.onReceived(0, 1000, true);
    received.onReceived(1, 1500, false);
    expect(received.ackDeadlineUs).toBe(1000 + MAX_ACK_DELAY);
    received.onReceived(2, 2000, true);
    expect(received.ackDeadlineUs).toBe(2000);
  });

  it('is at once when the caller asks for it', () => {
    const received = new ReceivedPackets();
    received.onReceived(0, 1000, true, true);
    expect(received.ackDeadlineUs).toBe(1000);
  });

  it('follows the threshold, from 1 to 256 packets', () => {
    const received = new ReceivedPackets();
    received.ackThreshold = 10;
    for (let number = 0; number < 9; number++) received.onReceived(number, 1000 + number, true);
    expect(received.ackDeadlineUs).toBe(1000 + MAX_ACK_DELAY);
    received.onReceived(9, 2000, true);
    expect(received.ackDeadlineUs).toBe(2000);
    for (const bad of [0, 257, 2.5, Number.NaN]) {
      expect(() => {
        received.ackThreshold = bad;
      }).toThrow(RangeError);
    }
  });

  it('is at once for a packet that leaves a gap, and not again for those that follow it', () => {
    const received = new ReceivedPackets();
    received.ackThreshold = 10;
    received.onReceived(0, 1000, true);
    received.onAckSent();
    received.onReceived(2, 2000, true);
    expect(received.ackDeadlineUs).toBe(2000);
    received.onAckSent();
    received.onReceived(3, 3000, true);
    expect(received.ackDeadlineUs).toBe(3000 + MAX_ACK_DELAY);
  });

  it('is at once for a packet below another ack-eliciting one', () => {
    const received = new ReceivedPackets();
    received.ackThreshold = 10;
    for (const number of [0, 2]) received.onReceived(number, 1000, true);
    received.onAckSent();
    received.onReceived(1, 2000, true);
    expect(received.ackDeadlineUs).toBe(2000);
  });

  it('sees no gap where packets that elicit no ACK lie between', () => {
    const received = new ReceivedPackets();
    received.ackThreshold = 10;
    received.onReceived(0, 1000, true);
    received.onAckSent();
    received.onReceived(1, 1100, false);
    received.onReceived(2, 2000, true);
    expect(received.ackDeadlineUs).toBe(2000 + MAX_ACK_DELAY);
  });

  it('is settled by sending one', () => {
    const received = new ReceivedPackets();
    received.onReceived(0, 1000, true);
    received.onAckSent();
    expect(received.ackDeadlineUs).toBeNull();
    received.onReceived(1, 2000, true);
    expect(received.ackDeadlineUs).toBe(2000 + MAX_ACK_DELAY);
  });
});

describe('what an ACK says', () => {
  it('counts its delay from the arrival of the largest packet', () => {
    const received = new ReceivedPackets();
    expect(received.largest).toBe(-1);
    received.onReceived(4, 1000, true);
    received.onReceived(3, 2000, true);
    expect(received.largest).toBe(4);
    expect(received.largestReceivedAtUs).toBe(1000);
  });

  it('is bounded to the 32 newest ranges', () => {
    const received = new ReceivedPackets();
    for (let number = 0; number < 200; number += 2) received.onReceived(number, number, true);
    expect(received.ranges).toHaveLength(32);
    expect(received.ranges[0]).toEqual({ first: 198, last: 198 });
    expect(received.ranges[31]).toEqual({ first: 136, last: 136 });
  });

  it('leaves out ranges that the peer is known to have seen', () => {
    const received = new ReceivedPackets();
    for (const number of [0, 1, 4, 5, 8]) received.onReceived(number, number, true);
    received.onAckOfAck(5);
    expect(received.ranges).toEqual([{ first: 8, last: 8 }]);
    received.onAckOfAck(8);
    expect(received.ranges).toEqual([{ first: 8, last: 8 }]);
  });

  it('acknowledges a straggler from below what the peer has seen', () => {
    const received = new ReceivedPackets();
    for (const number of [0, 1, 4, 5, 8]) received.onReceived(number, number, true);
    received.onAckOfAck(8);
    received.onReceived(2, 100, true);
    expect(received.ranges).toEqual([
      { first: 8, last: 8 },
      { first: 4, last: 5 },
      { first: 0, last: 2 },
    ]);
  });

  it('holds every packet received unless it is too old, and never one that was not', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(400), { maxLength: 200 }), (arrivals) => {
        const received = new ReceivedPackets();
        const seen = new Set<number>();
        for (const number of arrivals) {
          expect(received.isDuplicate(number)).toBe(seen.has(number));
          if (seen.has(number)) continue;
          seen.add(number);
          received.onReceived(number, number, true);
        }
        const { ranges } = received;
        const said = new Set<number>();
        for (const { first, last } of ranges) for (let n = first; n <= last; n++) said.add(n);
        for (const number of said) expect(seen.has(number)).toBe(true);
        if (ranges.length < 32) expect(said.size).toBe(seen.size);
      }),
    );
  });
});

it('a packet older than all that is remembered counts as a duplicate (RFC 9000 §13.2.3)', () => {
  const received = new ReceivedPackets();
  for (let number = 1; number < 1001; number += 2) received.onReceived(number, number, true);
  expect(received.isDuplicate(0)).toBe(true);
  expect(received.isDuplicate(998)).toBe(false);
});

describe('a reordering threshold (draft-ietf-quic-ack-frequency §6.2.1)', () => {
  it.each([
    [3, [0, 1, 3, 4, 5, 8, 9, 10], [5, 9, 10]],
    [5, [0, 1, 3, 5, 6, 7, 8, 9], [7, 9]],
    // 0: nothing but threshold and delay causes an ACK.
    [0, [0, 1, 3, 4, 50, 9, 10], []],
    // 1: as without the extension, a gap tells at once, and so does what fills it.
    [1, [0, 1, 3, 4, 2], [3, 2]],
    // What came before the first that was received is missing too.
    [3, [2, 3, 4], [3, 4]],
  ])('of %i has ACKs sent as in its examples', (threshold, arriving, acknowledged) => {
    const received = new ReceivedPackets();
    received.ackThreshold = 256;
    received.reorderingThreshold = threshold;
    const sent = arriving.filter((packetNumber) => {
      received.onReceived(packetNumber, 1000, true);
      if (received.ackDeadlineUs !== 1000) return false;
      received.onAckSent();
      return true;
    });
    expect(sent).toEqual(acknowledged);
  });
});
