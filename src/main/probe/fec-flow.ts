/**
 * Both ends of one direction with FEC: a sender that paces source packets, each with the time it was sent, and a receiver that
 * decodes and reports. Which end of the connection is which, fec-service.ts and modes/fec.ts say.
 */
import { type FecFigures, MOST_ADAPTIVE } from '../../shared/fec.ts';
import { quantile } from '../../shared/samples.ts';
import type { QuicSession } from '../quic/udp/api.ts';
import { nowUs } from '../quic/udp/clock.ts';
import { SentAccount } from './fec/account.ts';
import { AdaptiveRepair } from './fec/adaptive.ts';
import { MOST_REPAIR } from './fec/code.ts';
import { encodeDatagram, type FecDatagram } from './fec/datagram.ts';
import { FecDecoder } from './fec/decoder.ts';
import { FecEncoder } from './fec/encoder.ts';
import {
  type FecReport,
  type FecRequest,
  type FecSent,
  holdMs,
  mostGroups,
  STAMP_BYTES,
} from './fec/request.ts';
import { residualLoss } from './fec/theory.ts';
import { PAYLOAD } from './protocol.ts';

const REPORT_EVERY_MS = 250;
/**
 * Datagrams wait here for congestion window and pacer, not in the connection: that would put several into one packet, which is lost as
 * a whole, and a group must not share the fate of one packet. Header, connection id and tag of a packet, at most.
 */
const PACKET_OVERHEAD_BYTES = 48;
/** Groups that may wait; with more, source packets are skipped. */
const MOST_WAITING = 2;
/** How long the last of them may wait; what then still does is skipped. */
const DRAIN_MS = 2000;
/** Slots that are older are skipped, as those of pings are. */
const CATCH_UP_US = 100_000;
/** Transit times kept of received and of recovered packets: the newest. */
const MOST_TRANSITS = 10_000;

export class FecSender {
  /** Resolves with what was sent, once all was or the rest is given up. */
  readonly finished: Promise<FecSent>;
  readonly #request: FecRequest;
  readonly #encoder: FecEncoder;
  readonly #repair: AdaptiveRepair | null;
  readonly #finish: (sent: FecSent) => void;
  #skipped = 0;
  #slots = 0;
  #dueUs = nowUs();
  #timer: NodeJS.Timeout | undefined;
  readonly #session: QuicSession;
  /** Made, but not taken by the connection yet. */
  #waiting: { datagram: FecDatagram; bytes: Buffer }[] = [];
  readonly #account = new SentAccount();
  /** Packets that the connection had sent before it was given the newest datagram. */
  #heldAt = -1;
  /** When what still waits is given up; set by the last packet. */
  #givesUpAtUs: number | null = null;

  /** Starts at once. */
  constructor(session: QuicSession, request: FecRequest) {
    const { scheme, k, r } = request;
    this.#request = request;
    this.#session = session;
    const most = Math.min(MOST_REPAIR, Math.max(1, Math.ceil(MOST_ADAPTIVE * k)));
    this.#repair = request.adaptive ? new AdaptiveRepair({ scheme, k, r, least: 1, most }) : null;
    this.#encoder = new FecEncoder({
      scheme,
      k,
      repairOf: () => this.#repair?.r ?? r,
      send: (datagram) => this.#waiting.push({ datagram, bytes: encodeDatagram(datagram) }),
    });
    const { promise, resolve } = Promise.withResolvers<FecSent>();
    this.finished = promise;
    this.#finish = resolve;
    this.#tick();
  }

  /** What the connection took: what waits for it here was not sent. */
  get sent(): FecSent {
    const { source, repair, groups, lastK, groupsByRepair } = this.#account;
    return { type: 'end', source, repair, skipped: this.#skipped, groups, lastK, groupsByRepair };
  }

  report({ counts, missing }: FecReport): void {
    const { receivedSource, erasures } = counts;
    // That they are lost would else be known when their group is closed, and be seen too late just where nothing is recovered.
    this.#repair?.report({ receivedSource, erasures: erasures + missing });
  }

  /** Ends at once, the group under way with as many packets as it has. */
  stop(): void {
    if (this.#givesUpAtUs !== null) return;
    clearTimeout(this.#timer);
    this.#encoder.flush();
    this.#givesUpAtUs = nowUs() + DRAIN_MS * 1000;
    this.#drainOut();
  }

  #drainOut(): void {
    this.#drain();
    if (this.#waiting.length > 0 && nowUs() < this.#givesUpAtUs!) {
      this.#timer = setTimeout(() => this.#drainOut(), 1);
      return;
    }
    // In the order in which they were to leave, so that what was sent has no gaps: the receiver misses none of them.
    this.#skipped += this.#waiting.filter(({ datagram }) => datagram.kind === 'source').length;
    this.#waiting = [];
    this.#account.end();
    this.#finish(this.sent);
  }

  /** Sends what fits the congestion window, each datagram in a packet of its own. */
  #drain(): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const { bytesInFlight, cwndBytes, packetsSent } = this.#session.stats();
      // The one before still waits for the pacer.
      if (packetsSent === this.#heldAt) return;
      if (bytesInFlight + next.bytes.length + PACKET_OVERHEAD_BYTES > cwndBytes) return;
      if (!this.#session.sendDatagram(next.bytes)) return;
      this.#account.add(next.datagram);
      this.#waiting.shift();
      this.#heldAt = packetsSent;
    }
  }

  #tick(): void {
    const { ratePerS, durationMs, k, r } = this.#request;
    const intervalUs = 1e6 / ratePerS;
    // Whole groups, unless a packet is skipped.
    const slots = Math.ceil((durationMs * ratePerS) / 1000 / k) * k;
    const most = MOST_WAITING * (k + (this.#repair?.r ?? r));
    const now = nowUs();
    while (this.#slots < slots && this.#dueUs <= now) {
      if (now - this.#dueUs > CATCH_UP_US || this.#waiting.length > most) this.#skipped++;
      else this.#send();
      this.#slots++;
      this.#dueUs += intervalUs;
    }
    if (this.#slots >= slots) {
      this.stop();
      return;
    }
    this.#drain();
    const waitMs = this.#waiting.length > 0 ? 1 : Math.max(0, Math.ceil((this.#dueUs - nowUs()) / 1000));
    this.#timer = setTimeout(() => this.#tick(), waitMs);
  }

  #send(): void {
    const { packetBytes } = this.#request;
    const at = (this.#slots * STAMP_BYTES) % (PAYLOAD.length - packetBytes);
    const packet = Buffer.from(PAYLOAD.subarray(at, at + packetBytes));
    packet.writeDoubleBE(nowUs(), 0);
    this.#encoder.push(packet, packetBytes);
  }
}

export class FecReceiver {
  /** Resolves with the account of all groups, once the sender's end was told and what could still come has come. */
  readonly finished: Promise<FecReport>;
  readonly #request: FecRequest;
  readonly #decoder: FecDecoder;
  readonly #finish: (report: FecReport) => void;
  readonly #received: number[] = [];
  readonly #recovered: number[] = [];
  readonly #timer: NodeJS.Timeout;
  #endsAtUs: number | null = null;

  /** `onReport` is called four times a second. */
  constructor(request: FecRequest, onReport: (report: FecReport) => void) {
    const { scheme, k } = request;
    this.#request = request;
    this.#decoder = new FecDecoder({
      scheme,
      k,
      mostGroups: mostGroups(request),
      holdUs: holdMs(request) * 1000,
      onPacket: (content, { recovered, atUs }) => {
        if (content.length < STAMP_BYTES) return;
        const sentAtUs = Buffer.from(content.buffer, content.byteOffset, STAMP_BYTES).readDoubleBE(0);
        const transits = recovered ? this.#recovered : this.#received;
        if (Number.isFinite(sentAtUs)) transits.push(atUs - sentAtUs);
        if (transits.length > 2 * MOST_TRANSITS) transits.splice(0, MOST_TRANSITS);
      },
    });
    const { promise, resolve } = Promise.withResolvers<FecReport>();
    this.finished = promise;
    this.#finish = resolve;
    this.#timer = setInterval(() => {
      this.#decoder.expire(nowUs());
      onReport(this.report);
      this.#look();
    }, REPORT_EVERY_MS);
  }

  get report(): FecReport {
    const { counts, overdue } = this.#decoder;
    return { type: 'report', counts: { ...counts }, missing: overdue, extraDelayUs: this.#extraDelayUs() };
  }

  receive(payload: Buffer, atUs: number): void {
    this.#decoder.push(payload, atUs);
    if (this.#endsAtUs !== null) this.#look();
  }

  /** False where what the sender tells cannot be. */
  end(sent: FecSent): boolean {
    const now = nowUs();
    if (!this.#decoder.end(sent, now)) return false;
    this.#endsAtUs = now + holdMs(this.#request) * 1000;
    this.#look();
    return true;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (!this.#decoder.isDone && (this.#endsAtUs === null || nowUs() < this.#endsAtUs)) return;
    this.stop();
    this.#decoder.close();
    this.#finish(this.report);
  }

  #extraDelayUs(): FecReport['extraDelayUs'] {
    if (this.#recovered.length === 0 || this.#received.length === 0) return null;
    const usual = quantile(rising(this.#received), 0.5);
    const extra = rising(this.#recovered).map((us) => us - usual);
    return { p50: quantile(extra, 0.5), p95: quantile(extra, 0.95) };
  }
}

const rising = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);

/** What both ends told of one direction. `pathLoss`: what an emulated path is set to lose. */
export function figuresOf(
  request: FecRequest,
  sent: FecSent,
  { counts, extraDelayUs }: FecReport,
  pathLoss: number | null = null,
): FecFigures {
  const { source, repair, skipped, groupsByRepair } = sent;
  const part = (of: number, all: number): number | null => (all === 0 ? null : of / all);
  const sourceLoss = part(counts.erasures, source);
  const { scheme, k } = request;
  const groups = groupsByRepair.reduce((sum, n) => sum + n, 0);
  const theoryAt = (loss: number | null): number | null => {
    if (loss === null) return null;
    const sum = groupsByRepair.reduce((all, n, r) => all + n * residualLoss(scheme, { k, r }, loss), 0);
    return part(sum, groups);
  };
  return {
    ...counts,
    sentSource: source,
    sentRepair: repair,
    skipped,
    redundancy: part(repair, source),
    sourceLoss,
    residualLoss: part(counts.unrecoverable, source),
    recovery: part(counts.recovered, counts.erasures),
    theoryResidualLoss: theoryAt(sourceLoss),
    pathLoss,
    theoryAtPathLoss: theoryAt(pathLoss),
    extraDelayUs,
  };
}
