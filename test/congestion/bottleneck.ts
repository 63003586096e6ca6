/**
 * The smallest path that has a bottleneck: one flow, one droptail queue, in virtual time. ACKs keep their order and data
 * nearly, so two queues and a few timers are the whole event loop.
 */
import type { CongestionController } from '../../src/main/congestion/controller.ts';
import { createController } from '../../src/main/congestion/index.ts';
import { Pacer } from '../../src/main/recovery/pacer.ts';
import type { PacketRange } from '../../src/main/recovery/packet-ranges.ts';
import { ReceivedPackets } from '../../src/main/recovery/received-packets.ts';
import { Recovery } from '../../src/main/recovery/recovery.ts';

const DATAGRAM_BYTES = 1350;
/** IP and UDP headers count on the link. */
const LINK_BYTES = DATAGRAM_BYTES + 28;

/** What may change while the flow runs: whoever observes it may write here. */
export interface Conditions {
  /** Of what enters the queue from now on. */
  rateBps: number;
  /** What the application writes, bits per second of datagrams; Infinity: always more than can be sent. */
  appBps: number;
  /** It writes nothing before this. */
  pausedUntilUs: number;
  /** ACKs arrive only at multiples of this, all that have come until then at once; 0: as they come. */
  ackGridUs: number;
  /** Drops what comes faster than its tokens, before the queue. */
  policer: { rateBps: number; burstBytes: number } | null;
}

export interface BottleneckOptions {
  controller: string;
  parameters?: Record<string, number>;
  rateBps: number;
  rttMs: number;
  bufferBytes: number;
  durationS: number;
  warmupS: number;
  /** Whether the n-th packet, sent now, is lost before it reaches the queue. */
  drop?: (n: number, nowUs: number) => boolean;
  /** How much later than its turn the n-th packet arrives, microseconds. */
  late?: (n: number, nowUs: number) => number;
  /** Ack-eliciting packets per ACK. */
  ackEvery?: number;
  /** Conditions other than these: no limit by the application, no aggregation, no policer. */
  conditions?: Partial<Conditions>;
  /** Called after every ACK, for what the result does not tell. */
  observe?: (
    controller: CongestionController,
    nowUs: number,
    recovery: Recovery<null>,
    conditions: Conditions,
  ) => void;
  /** Called after every packet sent. */
  observeSent?: (controller: CongestionController, nowUs: number, conditions: Conditions) => void;
}

export interface BottleneckResult {
  /** What was delivered after the warm-up, over what the link can carry in that time. */
  utilization: number;
  /** Delivered packets per base RTT after the warm-up. */
  packetsPerRtt: number;
  /** Mean time in queue and serialisation plus propagation, of packets delivered after the warm-up. */
  meanRttMs: number;
  /** Most packets released at one instant after the warm-up. */
  largestBurst: number;
  recovery: Recovery<null>;
}

export function runBottleneck(o: BottleneckOptions): BottleneckResult {
  const controller = createController(o.controller, {
    random: () => 0.5,
    datagramBytes: DATAGRAM_BYTES,
    parameters: o.parameters ?? {},
  });
  const recovery = new Recovery<null>({ controller, datagramBytes: DATAGRAM_BYTES });
  recovery.peerCompletedAddressValidation = true;
  recovery.handshakeConfirmed = true;
  const pacer = new Pacer();
  const received = new ReceivedPackets();
  received.ackThreshold = o.ackEvery ?? 2;

  const conditions: Conditions = {
    rateBps: o.rateBps,
    appBps: Number.POSITIVE_INFINITY,
    pausedUntilUs: 0,
    ackGridUs: 0,
    policer: null,
    ...o.conditions,
  };
  const oneWayUs = (o.rttMs * 1000) / 2;
  const data: { number: number; atUs: number; sentAtUs: number }[] = [];
  const acks: { ranges: PacketRange[]; delayUs: number; atUs: number }[] = [];
  let dataHead = 0;
  let ackHead = 0;
  let linkFreeAtUs = 0;
  let sent = 0;
  let delivered = 0;
  let delaySumUs = 0;
  let burst = 0;
  let burstAtUs = -1;
  let largestBurst = 0;
  let probes = 0;
  let now = 0;
  /** When the last datagram sent was written; what cannot be sent waits, up to a tenth of a second of it. */
  let writtenAtUs = 0;
  let tokens = Number.POSITIVE_INFINITY;
  let policedAtUs = 0;
  const end = o.durationS * 1e6;
  const warm = o.warmupS * 1e6;

  const passesPolicer = (): boolean => {
    const { policer } = conditions;
    if (!policer) return true;
    tokens = Math.min(tokens + ((now - policedAtUs) * policer.rateBps) / 8e6, policer.burstBytes);
    policedAtUs = now;
    if (tokens < LINK_BYTES) return false;
    tokens -= LINK_BYTES;
    return true;
  };
  const send = (): void => {
    const number = sent++;
    recovery.onPacketSent(
      'application',
      {
        packetNumber: number,
        bytes: DATAGRAM_BYTES,
        sentAtUs: now,
        ackEliciting: true,
        inFlight: true,
        frames: null,
        delivered: 0,
        deliveredAtUs: 0,
        firstSentAtUs: 0,
        txInFlight: 0,
        lost: 0,
        isAppLimited: false,
      },
      now,
    );
    pacer.onSent(now, DATAGRAM_BYTES, controller.pacingBps, controller.sendQuantum);
    burst = burstAtUs === now ? burst + 1 : 1;
    burstAtUs = now;
    if (now > warm) largestBurst = Math.max(largestBurst, burst);
    o.observeSent?.(controller, now, conditions);
    if (o.drop?.(number, now) || !passesPolicer()) return;
    const startUs = Math.max(now, linkFreeAtUs);
    // Droptail: the packet being serialised does not count against the buffer.
    if (startUs - now > (o.bufferBytes * 8e6) / conditions.rateBps) return;
    linkFreeAtUs = startUs + (LINK_BYTES * 8e6) / conditions.rateBps;
    const atUs = linkFreeAtUs + oneWayUs + (o.late?.(number, now) ?? 0);
    let at = data.length;
    while (at > dataHead && data[at - 1]!.atUs > atUs) at--;
    data.splice(at, 0, { number, atUs, sentAtUs: now });
  };

  while (now < end) {
    let pacedUntilUs = Number.POSITIVE_INFINITY;
    let writesAtUs = Number.POSITIVE_INFINITY;
    for (;;) {
      if (probes > 0) {
        probes--;
        send();
        continue;
      }
      if (!recovery.canSend(DATAGRAM_BYTES)) break;
      const until = pacer.delayUntil(now, DATAGRAM_BYTES, controller.pacingBps, controller.sendQuantum);
      if (until > 0) {
        pacedUntilUs = until;
        break;
      }
      const nextUs = Math.max(
        writtenAtUs + (DATAGRAM_BYTES * 8e6) / conditions.appBps,
        conditions.pausedUntilUs,
      );
      if (nextUs > now) {
        recovery.onAppLimited(now);
        writesAtUs = nextUs;
        break;
      }
      writtenAtUs = conditions.appBps < Number.POSITIVE_INFINITY ? Math.max(nextUs, now - 100_000) : now;
      send();
    }
    const dataAt = data[dataHead]?.atUs ?? Number.POSITIVE_INFINITY;
    const ackAt = acks[ackHead]?.atUs ?? Number.POSITIVE_INFINITY;
    const ackDue = received.ackDeadlineUs ?? Number.POSITIVE_INFINITY;
    const timer = recovery.deadlineUs() ?? Number.POSITIVE_INFINITY;
    now = Math.max(now, Math.min(dataAt, ackAt, ackDue, timer, pacedUntilUs, writesAtUs));
    if (now === dataAt) {
      const packet = data[dataHead++]!;
      received.onReceived(packet.number, now, true);
      if (now > warm) {
        delivered++;
        delaySumUs += now - packet.sentAtUs + oneWayUs;
      }
    }
    if (received.ackDeadlineUs !== null && received.ackDeadlineUs <= now) {
      const grid = conditions.ackGridUs;
      acks.push({
        ranges: received.ranges.map((range) => ({ ...range })),
        delayUs: now - received.largestReceivedAtUs,
        atUs: grid > 0 ? Math.ceil((now + oneWayUs) / grid) * grid : now + oneWayUs,
      });
      received.onAckSent();
    }
    if (now === ackAt) {
      const ack = acks[ackHead++]!;
      recovery.onAck('application', ack.ranges, ack.delayUs, now);
      // A sender that acknowledges ACKs now and then, so that old ranges are forgotten.
      received.onAckOfAck(ack.ranges[0]!.last);
      o.observe?.(controller, now, recovery, conditions);
    }
    if (timer <= now) probes += recovery.onTimeout(now).probe?.count ?? 0;
  }
  const seconds = o.durationS - o.warmupS;
  return {
    utilization: (delivered * LINK_BYTES * 8) / seconds / o.rateBps,
    packetsPerRtt: (delivered / seconds) * (o.rttMs / 1000),
    meanRttMs: delaySumUs / delivered / 1000,
    largestBurst,
    recovery,
  };
}
