/** Pauses before a connection is tried again: none at first, longer with each failure in a row. Sans-IO. */
const PAUSE_MS = { first: 250, max: 5000 } as const;

export class Backoff {
  /** How long to wait before the next try. */
  pauseMs = 0;

  failed(): void {
    this.pauseMs = Math.min(Math.max(PAUSE_MS.first, 2 * this.pauseMs), PAUSE_MS.max);
  }

  succeeded(): void {
    this.pauseMs = 0;
  }
}
