/** A packet is lost: draft §5.5.10.2. Did probing for bandwidth put too much in flight, and how much was that? */
import type { LossSample } from '../controller.ts';
import type { Bbr } from './bbr.ts';
import { isInflightTooHigh } from './loss.ts';
import { handleInflightTooHigh } from './probe-bw.ts';

type LostPacket = LossSample['packets'][number];

/** HandleLostPacket; `totalLost` is C.lost with this packet in it. */
export function handleLostPacket(bbr: Bbr, packet: LostPacket, totalLost: number): void {
  if (!bbr.isLossInRound) bbr.lossRoundDelivered = bbr.delivered;
  bbr.isLossInRound = true;
  noteLostRange(bbr, packet);
  if (!bbr.isBwProbeSample) return;
  const lost = totalLost - packet.lost;
  if (!isInflightTooHigh(bbr, lost, packet.txInFlight)) return;
  const isAppLimited = packet.isAppLimited || bbr.isProbeRttLimited(packet.delivered);
  handleInflightTooHigh(bbr, inflightAtLoss(bbr, packet, lost), isAppLimited);
}

/** What was delivered, lost and in flight after a packet was sent is all that was sent up to it: where it lies. */
function noteLostRange(bbr: Bbr, packet: LostPacket): void {
  const end = packet.delivered + packet.lost + packet.txInFlight;
  if (end - packet.bytes !== bbr.lostUpTo) bbr.lostRangesInRound++;
  bbr.lostUpTo = end;
}

/** At what volume losses crossed LossThresh, somewhere in this packet; not before it, whatever was lost earlier. */
function inflightAtLoss(bbr: Bbr, packet: LostPacket, lost: number): number {
  const { lossThresh } = bbr.params;
  const inflightPrev = packet.txInFlight - packet.bytes;
  const lostPrev = lost - packet.bytes;
  const lostPrefix = (lossThresh * inflightPrev - lostPrev) / (1 - lossThresh);
  return inflightPrev + Math.max(0, lostPrefix);
}
