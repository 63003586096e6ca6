/** One stream as its consumer sees it. */
import type { QuicStream } from './api.ts';

/** What a stream asks of its session; every call also wakes the session's loop. */
export interface StreamOwner {
  write(id: number, data: Buffer): boolean;
  unsentBytes(id: number): number;
  finish(id: number): void;
  reset(id: number, code: number): void;
  stopSending(id: number, code: number): void;
  setPaused(id: number, paused: boolean): void;
  /** Reads what has arrived into `sink`. */
  read(id: number, sink: (data: Buffer) => void): { end: boolean };
  /** Asks for a `deliver()` from the loop, never from within the caller's stack. */
  deliverSoon(stream: StreamHandle): void;
  /** Both halves are finished. */
  forget(id: number): void;
}

const asBuffer = (data: Uint8Array): Buffer =>
  Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength);

export class StreamHandle implements QuicStream {
  readonly id: number;
  readonly unidirectional: boolean;
  readonly #owner: StreamOwner;
  #onData: ((data: Buffer) => void) | null = null;
  #onEnd: (() => void) | null = null;
  #onReset: ((code: number) => void) | null = null;
  #sendEnded: boolean;
  #readEnded: boolean;
  /** How reading ended, until there is somebody to tell: at the FIN, or by a reset with this code. */
  #untold: 'end' | { code: number } | null = null;
  onDrain: (() => void) | null = null;

  constructor(owner: StreamOwner, id: number, isLocal: boolean) {
    this.#owner = owner;
    this.id = id;
    this.unidirectional = (id & 2) !== 0;
    this.#sendEnded = this.unidirectional && !isLocal;
    this.#readEnded = this.unidirectional && isLocal;
  }

  get queuedBytes(): number {
    return this.#owner.unsentBytes(this.id);
  }

  get onData(): ((data: Buffer) => void) | null {
    return this.#onData;
  }

  set onData(callback: ((data: Buffer) => void) | null) {
    this.#onData = callback;
    if (callback && !this.#readEnded) this.#owner.deliverSoon(this);
  }

  get onEnd(): (() => void) | null {
    return this.#onEnd;
  }

  set onEnd(callback: (() => void) | null) {
    this.#onEnd = callback;
    if (callback && this.#untold !== null) this.#owner.deliverSoon(this);
  }

  get onReset(): ((code: number) => void) | null {
    return this.#onReset;
  }

  set onReset(callback: ((code: number) => void) | null) {
    this.#onReset = callback;
    if (callback && this.#untold !== null) this.#owner.deliverSoon(this);
  }

  write(data: Uint8Array): boolean {
    if (this.#sendEnded || data.length === 0) return true;
    return this.#owner.write(this.id, asBuffer(data));
  }

  end(data?: Uint8Array): void {
    if (this.#sendEnded) return;
    if (data && data.length > 0) this.#owner.write(this.id, asBuffer(data));
    this.#sendEnded = true;
    this.#owner.finish(this.id);
    this.#forgetIfDone();
  }

  reset(code: number): void {
    if (this.#sendEnded) return;
    this.#sendEnded = true;
    this.#owner.reset(this.id, code);
    this.#forgetIfDone();
  }

  stopSending(code: number): void {
    this.#untold = null;
    if (this.#readEnded) return;
    this.#readEnded = true;
    this.#owner.stopSending(this.id, code);
    this.#forgetIfDone();
  }

  pause(): void {
    this.#owner.setPaused(this.id, true);
  }

  resume(): void {
    this.#owner.setPaused(this.id, false);
    this.#owner.deliverSoon(this);
  }

  /** Hands what has arrived to the consumer; without one it stays where it is and holds the window closed. */
  deliver(): void {
    if (this.#onData && !this.#readEnded) {
      // The consumer may set another callback while data is handed over.
      const { end } = this.#owner.read(this.id, (data) => this.#onData?.(data));
      if (end) this.#endReading('end');
    }
    this.#tell();
  }

  deliverReset(code: number): void {
    if (this.#readEnded) return;
    this.#endReading({ code });
    this.#tell();
  }

  #endReading(how: 'end' | { code: number }): void {
    this.#readEnded = true;
    this.#untold = how;
    this.#forgetIfDone();
  }

  #tell(): void {
    const how = this.#untold;
    if (how === null) return;
    if (how === 'end') {
      if (!this.#onEnd) return;
      this.#untold = null;
      this.#onEnd();
    } else {
      if (!this.#onReset) return;
      this.#untold = null;
      this.#onReset(how.code);
    }
  }

  #forgetIfDone(): void {
    if (this.#sendEnded && this.#readEnded) this.#owner.forget(this.id);
  }
}
