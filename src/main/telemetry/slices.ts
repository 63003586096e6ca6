/** Work that gives the event loop back now and then: who else is due waits no longer than about a slice. */
const SLICE_MS = 2;

export class Slices {
  #beganMs = performance.now();

  /** Whether it is time to `pause`. */
  get isOver(): boolean {
    return performance.now() - this.#beganMs >= SLICE_MS;
  }

  async pause(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#beganMs = performance.now();
  }
}
