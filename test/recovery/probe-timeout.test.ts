import { describe, expect, it } from 'vitest';
import { MAX_BACKED_OFF_PTO_US } from '../../src/main/recovery/recovery.ts';
import { ack, confirmedRecovery, newRecovery, packet, send } from './support.ts';

const MS = 1000;
/** After one sample of 100 ms: 100 + 4 × 50. */
const PTO = 300 * MS;
const MAX_ACK_DELAY = 25 * MS;

/** Confirmed, one RTT sample of 100 ms, nothing in flight, at 100 ms. */
function sampled() {
  const recovery = confirmedRecovery();
  send(recovery, 0, 0);
  ack(recovery, 100 * MS, 0);
  return recovery;
}

describe('the probe timeout (RFC 9002 §6.2)', () => {
  it('is about a second before there is an RTT sample', () => {
    const recovery = newRecovery();
    recovery.onPacketSent('initial', packet(0), 0);
    expect(recovery.deadlineUs()).toBe(999 * MS);
  });

  it('counts from the last ack-eliciting packet, with max_ack_delay in the application space only', () => {
    const recovery = sampled();
    send(recovery, 200 * MS, 1);
    send(recovery, 250 * MS, 2);
    expect(recovery.deadlineUs()).toBe(250 * MS + PTO + MAX_ACK_DELAY);
    recovery.onPacketSent('handshake', packet(0), 255 * MS);
    expect(recovery.deadlineUs()).toBe(255 * MS + PTO);
  });

  it('is not armed with nothing in flight', () => {
    expect(sampled().deadlineUs()).toBeNull();
  });

  it('asks for two probes in the space it expired in, declares nothing lost, and doubles', () => {
    const recovery = sampled();
    send(recovery, 200 * MS, 1);
    const first = 200 * MS + PTO + MAX_ACK_DELAY;
    expect(recovery.onTimeout(first)).toEqual({ lost: [], probe: { space: 'application', count: 2 } });
    expect(recovery.stats).toMatchObject({ ptoCount: 1, packetsLost: 0 });
    send(recovery, first, 2);
    expect(recovery.deadlineUs()).toBe(first + 2 * (PTO + MAX_ACK_DELAY));
    recovery.onTimeout(recovery.deadlineUs()!);
    send(recovery, 2000 * MS, 3);
    expect(recovery.deadlineUs()).toBe(2000 * MS + 4 * (PTO + MAX_ACK_DELAY));
  });

  it('doubles up to 60 s, whatever the idle timeout (RFC 8961 §4)', () => {
    const recovery = sampled();
    send(recovery, 200 * MS, 1);
    for (let number = 2; number < 30; number++) {
      const atUs = recovery.deadlineUs()!;
      expect(recovery.onTimeout(atUs).probe).not.toBeNull();
      send(recovery, atUs, number);
      const periodUs = recovery.deadlineUs()! - atUs;
      expect(periodUs).toBe(Math.min((PTO + MAX_ACK_DELAY) * 2 ** (number - 1), MAX_BACKED_OFF_PTO_US));
    }
    // What takes longer by itself is not shortened.
    const before = recovery.deadlineUs()!;
    recovery.maxAckDelayUs = MAX_BACKED_OFF_PTO_US;
    expect(recovery.deadlineUs()! - before).toBe(PTO);
  });

  it('sends a last probe before the connection is given up, once (RFC 9000 §10.1.1)', () => {
    const giveUpAtUs = 10e6;
    const recovery = confirmedRecovery('newreno', () => giveUpAtUs);
    send(recovery, 0, 0);
    ack(recovery, 100 * MS, 0);
    send(recovery, 200 * MS, 1);
    const expiredUs: number[] = [];
    for (let number = 2; recovery.deadlineUs()! < 30e6; number++) {
      expiredUs.push(recovery.deadlineUs()!);
      expect(recovery.onTimeout(expiredUs.at(-1)!).probe).toEqual({ space: 'application', count: 2 });
      send(recovery, expiredUs.at(-1)!, number);
    }
    const doubled = [1, 3, 7, 15].map((periods) => 200 * MS + periods * (PTO + MAX_ACK_DELAY));
    const last = giveUpAtUs - 2 * (PTO + MAX_ACK_DELAY);
    expect(expiredUs).toEqual([...doubled, last, last + 32 * (PTO + MAX_ACK_DELAY)]);
  });

  it('does nothing when the timer fires early', () => {
    const recovery = sampled();
    send(recovery, 200 * MS, 1);
    expect(recovery.onTimeout(recovery.deadlineUs()! - 1)).toEqual({ lost: [], probe: null });
    expect(recovery.stats.ptoCount).toBe(0);
  });

  it('takes the backoff back on an acknowledgement', () => {
    const recovery = sampled();
    send(recovery, 200 * MS, 1);
    recovery.onTimeout(recovery.deadlineUs()!);
    send(recovery, 600 * MS, 2);
    ack(recovery, 700 * MS, 1, 2);
    send(recovery, 800 * MS, 3);
    expect(recovery.deadlineUs()).toBe(800 * MS + recovery.rtt.ptoBaseUs(MAX_ACK_DELAY));
  });

  it('takes the backoff back when keys are discarded', () => {
    const recovery = newRecovery();
    recovery.onPacketSent('initial', packet(0), 0);
    recovery.onTimeout(999 * MS);
    recovery.onPacketSent('handshake', packet(0), 1000 * MS);
    recovery.discardSpace('initial');
    expect(recovery.deadlineUs()).toBe(1999 * MS);
  });

  it('is not armed for application data before the handshake is confirmed', () => {
    const recovery = newRecovery();
    recovery.peerCompletedAddressValidation = true;
    send(recovery, 0, 0);
    expect(recovery.deadlineUs()).toBeNull();
    recovery.onPacketSent('handshake', packet(0), 10 * MS);
    expect(recovery.deadlineUs()).toBe(1009 * MS);
    recovery.handshakeConfirmed = true;
    expect(recovery.deadlineUs()).toBe(1009 * MS);
    recovery.discardSpace('handshake');
    expect(recovery.deadlineUs()).toBe(999 * MS + MAX_ACK_DELAY);
  });

  it('is not armed for a server that may not send (RFC 9002 §6.2.2.1), and due at once when it may', () => {
    const recovery = newRecovery();
    recovery.peerCompletedAddressValidation = true;
    recovery.onPacketSent('initial', packet(0), 0);
    recovery.antiAmplificationBlocked = true;
    expect(recovery.deadlineUs()).toBeNull();
    expect(recovery.onTimeout(5000 * MS).probe).toBeNull();
    recovery.antiAmplificationBlocked = false;
    expect(recovery.deadlineUs()).toBe(999 * MS);
    expect(recovery.onTimeout(5000 * MS).probe).toEqual({ space: 'initial', count: 2 });
  });
});

describe('a client whose address is not validated (RFC 9002 §6.2.2.1)', () => {
  it('has no timer before its first packet', () => {
    expect(newRecovery().deadlineUs()).toBeNull();
  });

  it('probes with nothing in flight: Initial packets, or Handshake packets once it has the keys', () => {
    const recovery = newRecovery();
    recovery.onPacketSent('initial', packet(0), 0);
    ack(recovery, 100 * MS, 0, 0, 'initial');
    expect(recovery.deadlineUs()).toBe(100 * MS + PTO);
    expect(recovery.onTimeout(400 * MS).probe).toEqual({ space: 'initial', count: 1 });
    recovery.onPacketSent('initial', packet(1), 400 * MS);
    // RFC 9002 §6.2.1: an Initial ACK does not take the backoff back. Second sample: 93.75 + 4 × 50 ms.
    ack(recovery, 450 * MS, 1, 1, 'initial');
    expect(recovery.deadlineUs()).toBe(450 * MS + 2 * recovery.rtt.ptoBaseUs(0));
    recovery.hasHandshakeKeys = true;
    expect(recovery.onTimeout(recovery.deadlineUs()!).probe).toEqual({ space: 'handshake', count: 1 });
  });

  it('probes even with application data in flight, which cannot be acknowledged yet', () => {
    const recovery = newRecovery();
    recovery.onPacketSent('initial', packet(0), 0);
    send(recovery, 0, 0);
    ack(recovery, 100 * MS, 0, 0, 'initial');
    expect(recovery.deadlineUs()).toBe(100 * MS + PTO);
  });

  it('stops when a Handshake packet is acknowledged', () => {
    const recovery = newRecovery();
    recovery.onPacketSent('handshake', packet(0), 0);
    ack(recovery, 100 * MS, 0, 0, 'handshake');
    expect(recovery.peerCompletedAddressValidation).toBe(true);
    expect(recovery.deadlineUs()).toBeNull();
  });

  it('stops when the handshake is confirmed', () => {
    const recovery = newRecovery();
    recovery.onPacketSent('initial', packet(0), 0);
    ack(recovery, 100 * MS, 0, 0, 'initial');
    recovery.handshakeConfirmed = true;
    expect(recovery.deadlineUs()).toBeNull();
  });
});
