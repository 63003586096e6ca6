/** What the recovery tests share: packets with sensible defaults and a recovery whose handshake is over. */
import { createController } from '../../src/main/congestion/index.ts';
import { Recovery } from '../../src/main/recovery/recovery.ts';
import type { SentPacket, Space } from '../../src/main/recovery/types.ts';

export const DATAGRAM_BYTES = 1200;

export function packet(packetNumber: number, overrides: Partial<SentPacket<null>> = {}): SentPacket<null> {
  return {
    packetNumber,
    bytes: DATAGRAM_BYTES,
    sentAtUs: 0,
    ackEliciting: true,
    inFlight: true,
    frames: null,
    delivered: 0,
    deliveredAtUs: 0,
    firstSentAtUs: 0,
    txInFlight: 0,
    lost: 0,
    isAppLimited: false,
    ...overrides,
  };
}

/** An ACK that holds only an ACK: neither elicits one nor counts in flight. */
export const ackOnly = (packetNumber: number): SentPacket<null> =>
  packet(packetNumber, { ackEliciting: false, inFlight: false, bytes: 40 });

export function newRecovery(controller = 'newreno', giveUpAtUs?: () => number): Recovery<null> {
  return new Recovery<null>({
    controller: createController(controller, { random: () => 0.5, datagramBytes: DATAGRAM_BYTES }),
    datagramBytes: DATAGRAM_BYTES,
    ...(giveUpAtUs && { giveUpAtUs }),
  });
}

/** A recovery whose handshake is confirmed. */
export function confirmedRecovery(controller = 'newreno', giveUpAtUs?: () => number): Recovery<null> {
  const recovery = newRecovery(controller, giveUpAtUs);
  recovery.peerCompletedAddressValidation = true;
  recovery.handshakeConfirmed = true;
  return recovery;
}

export function send(recovery: Recovery<null>, atUs: number, ...numbers: number[]): void {
  for (const number of numbers) recovery.onPacketSent('application', packet(number), atUs);
}

/** Acknowledges one range in the application space; returns packet numbers. */
export function ack(
  recovery: Recovery<null>,
  atUs: number,
  first: number,
  last = first,
  space: Space = 'application',
): { acked: number[]; lost: number[] } {
  const result = recovery.onAck(space, [{ first, last }], 0, atUs)!;
  return { acked: numbers(result.acked), lost: numbers(result.lost) };
}

export const numbers = (packets: readonly SentPacket<null>[]): number[] =>
  packets.map((each) => each.packetNumber);
