/** A version that grows, and waiting for it to grow: what live streams sleep on. Nothing is queued for a slow reader. */
import { setTimeout as delay } from 'node:timers/promises';

export class Changes {
  #version = 0;
  #waiting = new Set<() => void>();

  get version(): number {
    return this.#version;
  }

  /** Number of streams asleep here; what a cancelled stream must have left. */
  get waiting(): number {
    return this.#waiting.size;
  }

  bump(): void {
    this.#version++;
    const waiting = this.#waiting;
    this.#waiting = new Set();
    for (const wake of waiting) wake();
  }

  /** Resolves once the version differs from `seen`, or when `signal` aborts. */
  async past(seen: number, signal: AbortSignal): Promise<void> {
    if (this.#version !== seen || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }
}

/** Resolves after `ms`, or when `signal` aborts. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => {});
