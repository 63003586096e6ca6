/**
 * One direction of a path. Sans-IO: the simulator drives it in virtual time and the UDP relay in real time, so a simulated
 * route and an emulated one are the same route.
 *
 * A packet meets, in this order: outages, loss, duplication, the buffer, the bottleneck, corruption, propagation delay with
 * jitter and reordering; docs/emulator.md tells each exactly. Where the buffer only drops at its tail, a packet's arrival
 * is known the moment it is sent; CoDel decides when it leaves the buffer. Whatever is due is worked out in the order it
 * would have happened, however late `receive` is called.
 */
import type { LinkSettings } from '../../shared/domain.ts';
import { bufferBytesOf, meanDelayMs } from './buffer.ts';
import { Codel } from './codel.ts';
import { type Loss, lossOf } from './loss.ts';
import { PacketRing } from './packet-ring.ts';
import { ReorderedArrivals } from './reordered-arrivals.ts';
import type { Rng } from './rng.ts';
import { Steps } from './steps.ts';
import { type Timeline, timelineOf } from './timeline.ts';

/** Why a packet was not accepted: random loss, no room in the queue, or the path being cut. */
export type DropReason = 'loss' | 'queue' | 'outage';

/**
 * When the path is cut: for the last `downUs` of every `periodUs`, counted from `originUs`. Packets offered
 * meanwhile are dropped; those accepted before still arrive.
 */
interface OutageSchedule {
  periodUs: number;
  downUs: number;
  originUs: number;
}

export interface LinkOptions<T> {
  outages?: OutageSchedule | null;
  /** Second 0 of schedules and traces, on the clock of `nowUs`; 0 when absent. */
  originUs?: number;
  /** Round trip of the path without queues, for buffers in BDP; twice this way when absent. */
  rttMs?: number;
  /** The item as it arrives with bits flipped. Without it, what is corrupted takes its way and is dropped at its end. */
  corrupt?: (item: T, rng: Rng) => T;
  /** The copy of a duplicated item, where the two must not be one object. */
  copy?: (item: T) => T;
  /**
   * When an item was known of, on the clock of `nowUs`, where that is later than it was offered: it arrives no sooner than if the link
   * had been idle then, while its place in the queue is that of its offer.
   */
  knownUs?: (item: T) => number;
  /** Told when the transmission of each item starts, as soon as that is known: behind a droptail before it does. */
  onTransmit?: (item: T, startUs: number) => void;
}

/** Totals since the link was made. Bytes are those of IP packets. */
export interface LinkCounters {
  packetsIn: number;
  bytesIn: number;
  /** That arrive or will: counted when the buffer has let them go, or with a droptail has taken them. */
  packetsOut: number;
  bytesOut: number;
  lost: number;
  queueDrops: number;
  /** Dropped by CoDel. */
  aqmDrops: number;
  outageDrops: number;
  /** Copies made. */
  duplicated: number;
  /** Had a bit flipped on the way; not among `packetsOut` where they are dropped for it. */
  corrupted: number;
  /** Taken out of order. */
  reordered: number;
}

interface Arrivals<T> {
  readonly nextUs: number;
  readonly bytes: number;
  push(atUs: number, bytes: number, item: T | undefined): void;
  shift(): T | undefined;
}

/** How late a packet taken out of order can be, at the least, where `reorderMs` is not given. */
const MIN_REORDER_MS = 1;

export class Link<T extends NonNullable<unknown>> {
  readonly counters: LinkCounters = {
    packetsIn: 0,
    bytesIn: 0,
    packetsOut: 0,
    bytesOut: 0,
    lost: 0,
    queueDrops: 0,
    aqmDrops: 0,
    outageDrops: 0,
    duplicated: 0,
    corrupted: 0,
    reordered: 0,
  };
  // One each, so that the same packets are lost whatever else befalls them.
  readonly #lossRng: Rng;
  readonly #jitterRng: Rng;
  readonly #reorderRng: Rng;
  readonly #duplicateRng: Rng;
  readonly #corruptRng: Rng;
  readonly #spoilRng: Rng;
  readonly #options: LinkOptions<T>;

  #loss: Loss | null = null;
  #duplicateRatio = 0;
  #corruptRatio = 0;
  #bufferBytes = 0;
  #codel: Codel | null = null;
  #usPerByte = 0;
  /** Instead of `#usPerByte`, where the rate changes. */
  #timeline: Timeline | null = null;
  #delayUs = 0;
  /** Instead of `#delayUs`, where the delay changes. */
  #delays: { steps: Steps; us: readonly number[] } | null = null;
  #jitterUs = 0;
  #reorderRatio = 0;
  #reorderUs = 0;

  /** When the transmitter has sent all it was given. */
  #idleAtUs = Number.NEGATIVE_INFINITY;
  #lastArrivalUs = Number.NEGATIVE_INFINITY;
  /** Behind a droptail: what waits for the transmitter, by the moment each one's transmission starts. */
  readonly #waiting = new PacketRing<never>();
  /** Before CoDel: what waits, by the moment it came. */
  readonly #queue = new PacketRing<T>();
  /** What is under way, by arrival; undefined is a packet that will be found corrupted. */
  #arrivals: Arrivals<T>;
  readonly #inOrder = new PacketRing<T>();

  constructor(settings: LinkSettings, rng: Rng, options: LinkOptions<T> = {}) {
    this.#lossRng = rng.split();
    this.#jitterRng = rng.split();
    this.#reorderRng = rng.split();
    this.#duplicateRng = rng.split();
    this.#corruptRng = rng.split();
    this.#spoilRng = rng.split();
    this.#options = options;
    this.#arrivals = this.#inOrder;
    this.configure(settings);
  }

  /**
   * New settings for the packets that follow; those accepted already keep their places and the arrival times they were
   * given. Models of loss, CoDel and traces start afresh.
   */
  configure(settings: LinkSettings): void {
    const { rateBps, delayMs, trace } = settings;
    const { originUs = 0, rttMs = 2 * meanDelayMs(settings) } = this.#options;
    // What CoDel has not let go is let go by the old settings.
    this.#codel = null;
    while (this.#queue.size > 0) {
      const startUs = this.#startOf(this.#queue.nextUs);
      this.#waiting.push(startUs, this.#queue.nextBytes, undefined);
      this.#release(startUs);
    }

    this.#loss = lossOf(settings, this.#lossRng, originUs);
    this.#duplicateRatio = settings.duplicateRatio ?? 0;
    this.#corruptRatio = settings.corruptRatio ?? 0;
    this.#bufferBytes = bufferBytesOf(settings, rttMs);
    if (settings.aqm === 'codel') this.#codel = new Codel(settings.codelTargetMs, settings.codelIntervalMs);
    this.#usPerByte = rateBps === null ? 0 : 8e6 / rateBps;
    this.#timeline = timelineOf(settings, originUs);
    this.#delayUs = delayMs * 1e3;
    this.#delays = null;
    if (trace?.kind === 'series' && trace.steps.some(([, , ms]) => ms !== null)) {
      const us = trace.steps.map(([, , ms]) => (ms ?? delayMs) * 1e3);
      this.#delays = { steps: Steps.ofTrace(trace, originUs), us };
    }
    this.#jitterUs = settings.jitterMs * 1e3;
    this.#reorderRatio = settings.reorderRatio ?? 0;
    this.#reorderUs = (settings.reorderMs ?? Math.max(MIN_REORDER_MS, meanDelayMs(settings) / 4)) * 1e3;
    if (this.#reorderRatio > 0 && this.#arrivals === this.#inOrder) {
      this.#arrivals = new ReorderedArrivals(this.#inOrder);
    }
  }

  /**
   * Offers an item that is an IP packet of `bytes`, at `nowUs`, which never goes back. Null when it, or a copy of it, was
   * accepted, else why it was dropped.
   */
  send(item: T, bytes: number, nowUs: number): DropReason | null {
    const counters = this.counters;
    counters.packetsIn++;
    counters.bytesIn += bytes;
    if (this.#isCut(nowUs)) {
      counters.outageDrops++;
      return 'outage';
    }
    if (this.#loss?.hits(nowUs)) {
      counters.lost++;
      return 'loss';
    }
    const reason = this.#accept(item, bytes, nowUs);
    if (this.#duplicateRatio === 0 || this.#duplicateRng.float() >= this.#duplicateRatio) return reason;
    counters.duplicated++;
    const copy = this.#options.copy?.(item) ?? item;
    return this.#accept(copy, bytes, nowUs) === null ? null : reason;
  }

  #accept(item: T, bytes: number, nowUs: number): DropReason | null {
    if (this.#codel !== null) this.#advance(nowUs);
    // The packet in transmission has left the queue, as in a real interface: an idle link takes a packet
    // however small its buffer is.
    const startUs = this.#startOf(nowUs);
    if (startUs > nowUs && this.queuedBytes(nowUs) + bytes > this.#bufferBytes) {
      this.counters.queueDrops++;
      return 'queue';
    }
    if (this.#codel !== null) {
      this.#queue.push(nowUs, bytes, item);
      this.#advance(nowUs);
    } else {
      if (startUs > nowUs) this.#waiting.push(startUs, bytes, undefined);
      this.#transmit(item, bytes, startUs);
    }
    return null;
  }

  /** When `receive` next has something to do; Infinity for never. */
  get deadlineUs(): number {
    const arrivalUs = this.#arrivals.nextUs;
    // What CoDel still holds arrives after all that is under way, unless it may overtake.
    const isBehind = this.#arrivals === this.#inOrder && arrivalUs < Number.POSITIVE_INFINITY;
    if (this.#queue.size === 0 || isBehind) return arrivalUs;
    return Math.min(arrivalUs, this.#startOf(this.#queue.nextUs));
  }

  /** The next item whose last byte has arrived by `nowUs`; undefined when none has. To be called until then. */
  receive(nowUs: number): T | undefined {
    if (this.#queue.size > 0) this.#advance(nowUs);
    const arrivals = this.#arrivals;
    while (arrivals.nextUs <= nowUs) {
      const item = arrivals.shift();
      if (item !== undefined) return item;
    }
    return undefined;
  }

  /** Bytes accepted that have neither been received nor dropped yet. */
  get heldBytes(): number {
    return this.#arrivals.bytes + this.#queue.bytes;
  }

  /** Bytes that wait for their transmission to start. */
  queuedBytes(nowUs: number): number {
    if (this.#queue.size > 0) this.#advance(nowUs);
    const waiting = this.#waiting;
    while (waiting.nextUs <= nowUs) waiting.shift();
    return waiting.bytes + this.#queue.bytes;
  }

  /** When what came at `cameUs` can be transmitted, behind all that was given to the transmitter before. */
  #startOf(cameUs: number): number {
    return this.#timeline?.startOf(cameUs, this.#idleAtUs) ?? Math.max(cameUs, this.#idleAtUs);
  }

  /** Lets CoDel decide on all that the transmitter can take by `nowUs`, each at its moment. */
  #advance(nowUs: number): void {
    while (this.#queue.size > 0) {
      const startUs = this.#startOf(this.#queue.nextUs);
      if (startUs > nowUs) return;
      this.counters.aqmDrops += this.#codel!.dropFrom(this.#queue, startUs);
      if (this.#queue.size > 0) this.#release(startUs);
    }
  }

  /** Gives the head of the queue to the transmitter. */
  #release(startUs: number): void {
    const bytes = this.#queue.nextBytes;
    this.#transmit(this.#queue.shift()!, bytes, startUs);
  }

  #transmit(item: T, bytes: number, startUs: number): void {
    const endUs = this.#timeline?.endOf(startUs, bytes) ?? startUs + bytes * this.#usPerByte;
    this.#idleAtUs = endUs;
    this.#options.onTransmit?.(item, startUs);
    let carried: T | undefined = item;
    if (this.#corruptRatio > 0 && this.#corruptRng.float() < this.#corruptRatio) {
      this.counters.corrupted++;
      carried = this.#options.corrupt?.(item, this.#spoilRng);
    }
    if (carried !== undefined) {
      this.counters.packetsOut++;
      this.counters.bytesOut += bytes;
    }
    // Jitter never undercuts the transmission itself.
    const delayUs = this.#delays === null ? this.#delayUs : this.#delays.us[this.#delays.steps.seek(endUs)]!;
    const jitterUs = this.#jitterUs === 0 ? 0 : (2 * this.#jitterRng.float() - 1) * this.#jitterUs;
    const knownUs = this.#options.knownUs?.(item);
    const sentUs = knownUs === undefined ? endUs : Math.max(endUs, knownUs + (endUs - startUs));
    let arrivalUs = sentUs + Math.max(0, delayUs + jitterUs);
    if (this.#reorderRatio > 0 && this.#isReordered()) {
      arrivalUs += this.#reorderRng.float() * this.#reorderUs;
    } else {
      arrivalUs = Math.max(this.#lastArrivalUs, arrivalUs);
      this.#lastArrivalUs = arrivalUs;
    }
    this.#arrivals.push(arrivalUs, bytes, carried);
  }

  #isReordered(): boolean {
    if (this.#reorderRng.float() >= this.#reorderRatio) return false;
    this.counters.reordered++;
    return true;
  }

  #isCut(nowUs: number): boolean {
    const { outages } = this.#options;
    if (!outages) return false;
    return (nowUs - outages.originUs) % outages.periodUs >= outages.periodUs - outages.downUs;
  }
}
