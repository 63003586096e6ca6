/** A load second by second. A second is closed once, when all that happened in it is known; what it was made of is forgotten. Sans-IO. */
import type { LoadInterval } from '../../shared/load.ts';
import type { LoadPings } from './load-pings.ts';
import type { ReportedBytes } from './reported-bytes.ts';

const SECOND_MS = 1000;

export class LoadSeconds {
  readonly closed: LoadInterval[] = [];
  readonly #fromMs: number;
  readonly #flows: readonly ReportedBytes[];
  readonly #pings: LoadPings;
  /** Payload that had arrived when the first second began, null until that is known, and when the one under way began. */
  #before: number | null = null;
  #by = 0;

  /** The first second begins at `fromMs`, on the clock of the flows' reports. */
  constructor(fromMs: number, flows: readonly ReportedBytes[], pings: LoadPings) {
    this.#fromMs = fromMs;
    this.#flows = flows;
    this.#pings = pings;
  }

  /** Closes those that end by `throughMs`: up to then everything is known. */
  close(throughMs: number): void {
    for (let endMs = this.#endMs; endMs <= throughMs; endMs = this.#endMs) {
      if (this.#before === null) this.#before = this.#by = this.#bytesBy(this.#fromMs);
      const by = this.#bytesBy(endMs);
      const second = this.closed.length;
      this.closed.push({
        fromS: second,
        goodputBps: this.#flows.length === 0 ? null : ((by - this.#by) * 8e3) / SECOND_MS,
        ...this.#pings.takeSecond(second),
      });
      this.#by = by;
      for (const flow of this.#flows) flow.forget(endMs);
    }
  }

  /** Payload that arrived from the beginning of the first second to `atMs`, not before the end of the newest closed one; null without flows. */
  bytesBy(atMs: number): number | null {
    if (this.#flows.length === 0) return null;
    return this.#bytesBy(atMs) - (this.#before ?? this.#bytesBy(this.#fromMs));
  }

  get #endMs(): number {
    return this.#fromMs + (this.closed.length + 1) * SECOND_MS;
  }

  #bytesBy(atMs: number): number {
    return this.#flows.reduce((total, flow) => total + flow.by(atMs), 0);
  }
}
