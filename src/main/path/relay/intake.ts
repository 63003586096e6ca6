/**
 * What came to a relay's sockets, stamped with when it came rather than with when this thread had time to read it. A thread
 * that stands still, for garbage or because the system runs another, finds a stall's worth of datagrams at once: stamped
 * together they would queue at the bottleneck as a burst, and where the link is nearly full they would delay all that follows
 * for many times the stall (docs/adr/0020-arrivals-across-stalls.md).
 */
import { nowUs } from './clock.ts';
import type { Direction } from './relay.ts';
import { scheduler } from './scheduler.ts';

/** Less than this between looks at the sockets is no stall: it is what a turn of a busy loop takes. */
export const STALL_US = 300;
/** What libuv reads of a socket before it turns to the next one: that many may leave more behind. */
const READ_AT_ONCE = 32;
/** After a stall, reading goes on for so many turns before anything is carried. */
const MOST_TURNS = 8;

/** What takes a datagram with its moment. */
type Way = Pick<Direction, 'carry'>;

interface Loop {
  nowUs(): number;
  /** How long the loop has waited for events so far. */
  idleMs(): number;
  /** Asks for a turn after the present poll. */
  soon(): void;
}

interface Arrival {
  /** The socket, as far as order matters. */
  source: object;
  direction: Way;
  data: Buffer;
  deliver: (data: Buffer) => void;
  /** When it came, as far as is known. */
  atUs: number;
  readUs: number;
}

/**
 * Moments for datagrams of one socket, in the order read, that came after `emptyUs`, when there was none, and had been read at
 * `readUs`: evenly over the time, none later than it was read. What is within `STALL_US` stays as it is.
 */
export function spread(readUs: readonly number[], emptyUs: number): number[] {
  const span = readUs.at(-1)! - emptyUs;
  if (!(span > STALL_US)) return [...readUs];
  return readUs.map((atUs, i) => Math.min(atUs, emptyUs + (span * (i + 0.5)) / readUs.length));
}

export class Intake {
  readonly #loop: Loop;
  #arrivals: Arrival[] = [];
  #turns = 0;
  /** How many of them earlier polls found. */
  #held = 0;
  /** When every socket that was not read since was last known to be empty; Infinity before that is known. */
  #emptyUs = Number.POSITIVE_INFINITY;
  /** When each socket was opened, or last read to its end. */
  readonly #emptied = new WeakMap<object, number>();
  /** Before the poll of this turn of the loop, and how long the loop had waited for events by then. */
  #polledUs = Number.POSITIVE_INFINITY;
  #idleMs = 0;

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  /** Nothing came to a socket before it was opened. */
  opened(source: object): void {
    this.#emptied.set(source, this.#loop.nowUs());
  }

  /** Takes a datagram that was just read; it is carried before anything else that is due. */
  take(source: object, direction: Way, data: Buffer, deliver: (data: Buffer) => void): void {
    const atUs = this.#loop.nowUs();
    // While the loop waits for events there is none: what woke it came just now.
    if (this.#arrivals.length === 0 && this.#loop.idleMs() > this.#idleMs) this.#emptyUs = atUs;
    this.#arrivals.push({ source, direction, data, deliver, atUs, readUs: atUs });
    this.#loop.soon();
  }

  /** Called once in each turn, after the poll. False when a stall left so much behind that reading goes on first. */
  carry(): boolean {
    const arrivals = this.#arrivals;
    const readUs = arrivals.at(-1)?.atUs ?? Number.NEGATIVE_INFINITY;
    const late = readUs - this.#emptyUs > STALL_US;
    if (late && arrivals.length >= READ_AT_ONCE * (this.#turns + 1) && ++this.#turns < MOST_TURNS) {
      this.#held = arrivals.length;
      return false;
    }
    const firstUs = arrivals[this.#held]?.readUs ?? Number.NEGATIVE_INFINITY;
    this.#arrivals = [];
    this.#turns = 0;
    this.#held = 0;
    if (late) {
      restamp(arrivals, (source) =>
        Math.max(this.#emptyUs, this.#emptied.get(source) ?? Number.NEGATIVE_INFINITY),
      );
    }
    for (const { source, readUs } of arrivals) this.#emptied.set(source, readUs);
    for (const { direction, data, deliver, atUs, readUs } of arrivals)
      direction.carry(data, atUs, deliver, { readUs });
    // What the poll just made did not find came after it began to look, after it waited and found the first;
    // what is to come to a socket that was read, after its last.
    const idleMs = this.#loop.idleMs();
    this.#emptyUs = Math.max(this.#polledUs + (idleMs - this.#idleMs) * 1e3, firstUs);
    this.#polledUs = this.#loop.nowUs();
    this.#idleMs = idleMs;
    return true;
  }

  /** Drops what was read for these directions. */
  forget({ up, down }: { up: Way; down: Way }): void {
    this.#arrivals = this.#arrivals.filter(({ direction }) => direction !== up && direction !== down);
  }
}

/** Gives what was read since a socket was empty its moments, socket by socket, and puts it in their order. */
function restamp(arrivals: Arrival[], emptyUs: (source: object) => number): void {
  for (const [source, of] of Map.groupBy(arrivals, (arrival) => arrival.source)) {
    const moments = spread(
      of.map(({ readUs }) => readUs),
      emptyUs(source),
    );
    of.forEach((arrival, i) => {
      arrival.atUs = moments[i]!;
    });
  }
  arrivals.sort((a, b) => a.atUs - b.atUs);
}

/** One for all relays of the thread, as it is the thread that stands still. */
export const intake = new Intake({
  nowUs,
  idleMs: () => performance.nodeTiming.idleTime,
  soon: () => scheduler.soon(),
});
scheduler.onPolled(() => intake.carry());
