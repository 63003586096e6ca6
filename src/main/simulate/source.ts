/** What a flow has to send: numbered chunks of payload, as the application brings them. */

export interface SourceOptions {
  startUs: number;
  /** Payload of a full packet. */
  chunkBytes: number;
  /** Size of a finite transfer. */
  bytes: number | null;
  onOff: { onUs: number; offUs: number } | null;
  /** Payload bits per second. */
  rateLimitBps: number | null;
}

export class Source {
  /** Chunks there will be; Infinity for as many as pass. */
  readonly chunks: number;
  readonly #startUs: number;
  readonly #chunkBytes: number;
  readonly #lastBytes: number;
  readonly #onUs: number;
  readonly #periodUs: number;
  readonly #usPerChunk: number;
  #next = 0;

  constructor({ startUs, chunkBytes, bytes, onOff, rateLimitBps }: SourceOptions) {
    this.chunks = bytes === null ? Number.POSITIVE_INFINITY : Math.ceil(bytes / chunkBytes);
    this.#lastBytes = bytes === null ? chunkBytes : bytes - (this.chunks - 1) * chunkBytes;
    this.#startUs = startUs;
    this.#chunkBytes = chunkBytes;
    this.#onUs = onOff?.onUs ?? 0;
    this.#periodUs = onOff === null ? 0 : onOff.onUs + onOff.offUs;
    this.#usPerChunk = rateLimitBps === null ? 0 : (chunkBytes * 8e6) / rateLimitBps;
  }

  /** When a new chunk can be taken: a time that has come, a later one, or Infinity. */
  availableAtUs(nowUs: number): number {
    if (this.#next >= this.chunks) return Number.POSITIVE_INFINITY;
    if (this.#usPerChunk > 0) return this.#broughtAtUs(this.#next * this.#usPerChunk);
    if (this.#periodUs === 0) return nowUs;
    const periods = Math.floor((nowUs - this.#startUs) / this.#periodUs);
    const beganUs = this.#startUs + periods * this.#periodUs;
    return nowUs < beganUs + this.#onUs ? nowUs : this.#startUs + (periods + 1) * this.#periodUs;
  }

  /** When an application that brings data while it is on has been on for `onUs`. */
  #broughtAtUs(onUs: number): number {
    if (this.#periodUs === 0) return this.#startUs + onUs;
    const periods = Math.floor(onUs / this.#onUs);
    return this.#startUs + periods * this.#periodUs + (onUs - periods * this.#onUs);
  }

  /** The next new chunk. Only when one is available. */
  take(): number {
    return this.#next++;
  }

  bytesOf(chunk: number): number {
    return chunk === this.chunks - 1 ? this.#lastBytes : this.#chunkBytes;
  }
}
