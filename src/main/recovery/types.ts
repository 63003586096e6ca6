/** Shapes shared by recovery, the QUIC transport and the simulator. */

/** Packet-number spaces (RFC 9000 §12.3). */
export const SPACES = ['initial', 'handshake', 'application'] as const;
export type Space = (typeof SPACES)[number];

/** A packet in flight. `frames` belongs to the caller: what to do on acknowledgement or loss. */
export interface SentPacket<F = unknown> {
  packetNumber: number;
  /** UDP payload bytes of this packet. */
  bytes: number;
  sentAtUs: number;
  ackEliciting: boolean;
  /** Counts towards bytes in flight (RFC 9002 §2). */
  inFlight: boolean;
  /** Finds out whether its size passes: its loss is no loss of the path (RFC 9000 §14.4). */
  isMtuProbe?: boolean;
  frames: F;
  // Delivery-rate sampling, filled in by recovery when the packet is sent (draft-ietf-ccwg-bbr §4.1.2.2).
  delivered: number;
  deliveredAtUs: number;
  firstSentAtUs: number;
  txInFlight: number;
  lost: number;
  isAppLimited: boolean;
}
