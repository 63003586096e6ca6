/** Clocks that part by more were set, or slept: the wall clock is followed. What is less is left, lest samples change places. */
const APART_MS = 1000;

/**
 * Where on the wall clock a monotonic clock is zero. The wall clock is set now and then, and on some systems the monotonic one
 * stands still while the machine sleeps: after either, moments are told as the wall clock tells them now.
 */
export class WallAnchor {
  #originMs: number;

  /** Unix milliseconds. */
  constructor(originMs: number) {
    this.#originMs = originMs;
  }

  get originMs(): number {
    return this.#originMs;
  }

  /**
   * The wall clock, as read between two readings of the monotonic one, milliseconds: a thread that was held up between them says
   * nothing wrong, only less.
   */
  look(wallMs: number, beforeMs: number, afterMs: number): void {
    const [least, most] = [wallMs - afterMs, wallMs - beforeMs];
    if (least - this.#originMs > APART_MS) this.#originMs = least;
    else if (this.#originMs - most > APART_MS) this.#originMs = most;
  }
}
