/**
 * The congestion-controller interface (DESIGN.md §2). Controllers are pure state machines: time comes in as
 * microseconds, they never read a clock, draw a random number or touch a socket. All sizes are bytes of UDP
 * payload, all rates bits per second, all times microseconds from an arbitrary origin.
 */
import type { BbrModel } from './bbr/types.ts';

/** What one ACK told us (draft-ietf-ccwg-bbr §4.1.2; RFC 9002 for the rest). */
export interface AckSample {
  nowUs: number;
  /** Bytes newly acknowledged by this ACK. */
  ackedBytes: number;
  /** Bytes newly declared lost on processing this ACK. */
  lostBytes: number;
  /** In flight before / after this ACK was processed. */
  priorInFlight: number;
  bytesInFlight: number;
  /** RTT sample of this ACK, ack delay taken off as RFC 9002 §5.3 says; null when it gave none. */
  rttUs: number | null;
  smoothedRttUs: number;
  minRttUs: number;
  /** Sending time of the newest packet this ACK newly acknowledged. */
  largestAckedSentAtUs: number;
  /** Total bytes delivered on the connection, after this ACK. */
  deliveredBytes: number;
  /** `deliveredBytes` when the newest acknowledged packet was sent. */
  priorDeliveredBytes: number;
  /** Bytes in flight when that packet was sent, itself included (RS.tx_in_flight). */
  txInFlightBytes: number;
  /** Bytes declared lost since that packet was sent (RS.lost). */
  lostSinceSentBytes: number;
  /** Delivery-rate sample; null when the interval was too short to be valid. */
  deliveryRateBps: number | null;
  intervalUs: number;
  isAppLimited: boolean;
}

/** What is known of a packet that was lost: its own size, and how the connection stood when it was sent. */
interface LostPacket {
  readonly bytes: number;
  readonly sentAtUs: number;
  /** Delivered bytes, lost bytes and bytes in flight (itself included) of the connection when it was sent. */
  readonly delivered: number;
  readonly lost: number;
  readonly txInFlight: number;
  readonly isAppLimited: boolean;
}

export interface LossSample {
  nowUs: number;
  lostBytes: number;
  /** What was lost, in the order it was sent; valid during the call. */
  packets: readonly LostPacket[];
  /** Total bytes declared lost on the connection, these included. */
  totalLostBytes: number;
  /** Total bytes delivered on the connection so far. */
  deliveredBytes: number;
  bytesInFlight: number;
  /** Sending time of the newest lost packet: decides whether a new recovery period starts (RFC 9002 §7.3.1). */
  largestLostSentAtUs: number;
}

export interface ControllerSnapshot {
  name: string;
  /** Phase in the controller’s own words: `slow-start`, `recovery`, `congestion-avoidance`, … */
  state: string;
  cwnd: number;
  ssthresh: number | null;
  pacingBps: number | null;
  /** The controller’s estimate of what the path delivers, bits per second; null when it has none. */
  bandwidthBps: number | null;
  /** What a model-based controller believes of the path. */
  model?: BbrModel;
}

export interface CongestionController {
  readonly name: string;
  /** Congestion window, bytes. */
  readonly cwnd: number;
  /** Pacing rate, bits per second; null before there is an RTT to derive it from. */
  readonly pacingBps: number | null;
  /** Largest burst the pacer may release at once, bytes. */
  readonly sendQuantum: number;
  /** After a packet counted as in flight was sent; `bytesInFlight` includes it. */
  onSent(nowUs: number, bytes: number, bytesInFlight: number, isAppLimited: boolean): void;
  onAck(sample: AckSample): void;
  /** Called before `onAck` when the same ACK did both. */
  onLoss(sample: LossSample): void;
  /** RFC 9002 §7.6: collapse to the minimum window. */
  onPersistentCongestion(nowUs: number): void;
  /**
   * Every loss of the newest congestion event turned out to be none: its packets were acknowledged after all. Whether
   * persistent congestion that they established is taken back, too, is the controller’s to decide.
   */
  onSpuriousLoss(nowUs: number): void;
  /** The sender had nothing more to send although the window had room. */
  onAppLimited(nowUs: number, bytesInFlight: number): void;
  /** The path’s datagram size changed. */
  onDatagramSize(bytes: number): void;
  snapshot(): ControllerSnapshot;
}

/** One tunable: the CLI’s `--set`, the sweep form, the manifest and the docs are made of these. */
export interface ParameterSpec {
  /** Name in the RFC or draft. */
  name: string;
  default: number;
  unit: 'ratio' | 'packets' | 'bytes' | 'ms' | 'rounds' | 'percent' | 'count' | 'kbit/s';
  /** Range worth sweeping, and the range accepted. */
  min: number;
  max: number;
  section: string;
  doc: string;
}

export interface ControllerFactory {
  readonly name: string;
  readonly parameters: readonly ParameterSpec[];
  /** Every `state` its snapshots can have, where that is a model's; those of loss-based controllers tell little. */
  readonly states?: readonly string[];
  create(options: {
    datagramBytes: number;
    parameters: Readonly<Record<string, number>>;
    /** Uniform on [0, 1). */
    random: () => number;
  }): CongestionController;
}
