/**
 * One direction of a path: random loss, then a droptail queue before a bottleneck of some rate, then a
 * propagation delay with jitter. Sans-IO: the simulator drives it in virtual time and the UDP relay in real
 * time, so a simulated route and an emulated one are the same route.
 *
 * Jitter is drawn uniformly for each packet, but none overtakes another: packets far apart see the whole range,
 * dense traffic waits behind the slowest and sees mostly its upper end.
 */
import type { LinkSettings } from '../../shared/domain.ts';
import { PacketRing } from './packet-ring.ts';
import type { Rng } from './rng.ts';

/** Why a packet did not pass: random loss, no room in the queue, or the path being cut. */
export type DropReason = 'loss' | 'queue' | 'outage';

/**
 * When the path is cut: for the last `downUs` of every `periodUs`, counted from `originUs`. Packets offered
 * meanwhile are dropped; those accepted before still arrive.
 */
export interface OutageSchedule {
  periodUs: number;
  downUs: number;
  originUs: number;
}

export interface LinkOptions<T> {
  outages?: OutageSchedule | null;
  /** Second 0 of schedules and traces, on the clock of `nowUs`; 0 when absent. */
  originUs?: number;
  /** Spoils a copy of an item; without it what is corrupted is dropped. */
  corrupt?: (item: T, rng: Rng) => T;
}

/** Totals since the link was made, counted as packets are offered. Bytes are those of IP packets. */
export interface LinkCounters {
  packetsIn: number;
  bytesIn: number;
  packetsOut: number;
  bytesOut: number;
  lost: number;
  queueDrops: number;
  outageDrops: number;
}

const MIN_DEFAULT_BUFFER_BYTES = 64_000;

/** The buffer of `LinkSettings.bufferBytes` null: one bandwidth-delay product, the round trip being twice this way. */
function defaultBufferBytes(settings: LinkSettings): number {
  if (settings.rateBps === null) return Number.POSITIVE_INFINITY;
  const bdpBytes = (settings.rateBps / 8e3) * (2 * settings.delayMs);
  return Math.max(MIN_DEFAULT_BUFFER_BYTES, bdpBytes);
}

export class Link<T extends NonNullable<unknown>> {
  readonly counters: LinkCounters = {
    packetsIn: 0,
    bytesIn: 0,
    packetsOut: 0,
    bytesOut: 0,
    lost: 0,
    queueDrops: 0,
    outageDrops: 0,
  };
  readonly #lossRng: Rng;
  readonly #jitterRng: Rng;
  readonly #outages: OutageSchedule | null;

  #usPerByte = 0;
  #delayUs = 0;
  #jitterUs = 0;
  #lossRatio = 0;
  #bufferBytes = 0;

  /** When the transmitter has sent all it accepted. */
  #idleAtUs = Number.NEGATIVE_INFINITY;
  #lastArrivalUs = Number.NEGATIVE_INFINITY;
  /** Packets that wait for the transmitter, by the moment each one's transmission starts. */
  readonly #waiting = new PacketRing<never>();
  /** Packets accepted and not yet received, by arrival. */
  readonly #arrivals = new PacketRing<T>();

  constructor(settings: LinkSettings, rng: Rng, options: LinkOptions<T> = {}) {
    // Apart, so that the same packets are lost whatever the jitter.
    this.#lossRng = rng.split();
    this.#jitterRng = rng.split();
    this.#outages = options.outages ?? null;
    this.configure(settings);
  }

  /** New settings for the packets that follow; those accepted already keep the arrival times they were given. */
  configure(settings: LinkSettings): void {
    this.#usPerByte = settings.rateBps === null ? 0 : 8e6 / settings.rateBps;
    this.#delayUs = settings.delayMs * 1e3;
    this.#jitterUs = settings.jitterMs * 1e3;
    this.#lossRatio = settings.lossRatio;
    this.#bufferBytes = settings.bufferBytes ?? defaultBufferBytes(settings);
  }

  /**
   * Offers an item that is an IP packet of `bytes`, at `nowUs`, which never goes back. Null when it was accepted, else why
   * it was dropped.
   */
  send(item: T, bytes: number, nowUs: number): DropReason | null {
    const counters = this.counters;
    counters.packetsIn++;
    counters.bytesIn += bytes;

    if (this.#isCut(nowUs)) {
      counters.outageDrops++;
      return 'outage';
    }
    if (this.#lossRatio > 0 && this.#lossRng.float() < this.#lossRatio) {
      counters.lost++;
      return 'loss';
    }

    // The packet in transmission has left the queue, as in a real interface: an idle link takes a packet
    // however small its buffer is.
    const startUs = Math.max(nowUs, this.#idleAtUs);
    if (startUs > nowUs) {
      if (this.queuedBytes(nowUs) + bytes > this.#bufferBytes) {
        counters.queueDrops++;
        return 'queue';
      }
      this.#waiting.push(startUs, bytes, undefined);
    }
    this.#idleAtUs = startUs + bytes * this.#usPerByte;

    // Jitter never undercuts the transmission itself, nor lets a packet overtake the one before.
    const jitterUs = this.#jitterUs === 0 ? 0 : (2 * this.#jitterRng.float() - 1) * this.#jitterUs;
    const arrivalUs = this.#idleAtUs + Math.max(0, this.#delayUs + jitterUs);
    this.#lastArrivalUs = Math.max(this.#lastArrivalUs, arrivalUs);
    this.#arrivals.push(this.#lastArrivalUs, bytes, item);
    counters.packetsOut++;
    counters.bytesOut += bytes;
    return null;
  }

  /** When `receive` next has something to do; Infinity for never. */
  get deadlineUs(): number {
    return this.#arrivals.nextUs;
  }

  /** The next item whose last byte has arrived by `nowUs`; undefined when none has. To be called until then. */
  receive(nowUs: number): T | undefined {
    return this.#arrivals.nextUs <= nowUs ? this.#arrivals.shift() : undefined;
  }

  /** Bytes accepted that have not been received yet. */
  get heldBytes(): number {
    return this.#arrivals.bytes;
  }

  /** Bytes that wait for their transmission to start. */
  queuedBytes(nowUs: number): number {
    const waiting = this.#waiting;
    while (waiting.nextUs <= nowUs) waiting.shift();
    return waiting.bytes;
  }

  #isCut(nowUs: number): boolean {
    if (this.#outages === null) return false;
    const { periodUs, downUs, originUs } = this.#outages;
    return (nowUs - originUs) % periodUs >= periodUs - downUs;
  }
}
