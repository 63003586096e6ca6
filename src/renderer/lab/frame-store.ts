/** Something outside React that changes often: React learns once per animation frame that it did. */
import { perFrame } from './per-frame.ts';

export class FrameStore {
  readonly #listeners = new Set<() => void>();
  #version = 0;
  protected readonly frame = perFrame(() => this.changed());

  /** Tells now what else is told with the next frame. */
  protected changed(): void {
    this.#version++;
    for (const listener of this.#listeners) listener();
  }

  /** For useSyncExternalStore. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  readonly version = (): number => this.#version;
}
