/** A place among the transfers that a session and a server may have at once. */
import type { QuicStream } from '../quic/udp/api.ts';
import { AppError } from './protocol.ts';
import { SERVICE_LIMITS, type ServiceCounters } from './service-limits.ts';

export function refuse(stream: QuicStream, code: number): void {
  // Dropped rather than left to fill the receive window.
  stream.onData = () => {};
  stream.stopSending(code);
  if (!stream.unidirectional) stream.reset(code);
}

/** One place among the transfers a session and the server may have. Whatever ends the transfer gives it back. */
export class Slot {
  readonly stream: QuicStream;
  readonly counters: ServiceCounters;
  readonly #slots: Set<Slot>;
  readonly #cleanups: (() => void)[] = [];
  #guard: NodeJS.Timeout;

  constructor(stream: QuicStream, counters: ServiceCounters, slots: Set<Slot>) {
    this.stream = stream;
    this.counters = counters;
    this.#slots = slots;
    slots.add(this);
    counters.activeTransfers++;
    this.#guard = setTimeout(() => this.fail(AppError.TIMEOUT), SERVICE_LIMITS.graceMs);
  }

  get isOpen(): boolean {
    return this.#slots.has(this);
  }

  /** The header was read: the transfer has this long, and a grace. */
  extend(durationMs: number): void {
    clearTimeout(this.#guard);
    this.#guard = setTimeout(() => this.fail(AppError.TIMEOUT), durationMs + SERVICE_LIMITS.graceMs);
  }

  onRelease(cleanup: () => void): void {
    this.#cleanups.push(cleanup);
  }

  release(): void {
    if (!this.#slots.delete(this)) return;
    this.counters.activeTransfers--;
    clearTimeout(this.#guard);
    for (const cleanup of this.#cleanups) cleanup();
    this.stream.onData = this.stream.onEnd = this.stream.onReset = this.stream.onDrain = null;
  }

  fail(code: number): void {
    if (!this.isOpen) return;
    this.counters.refused++;
    this.release();
    refuse(this.stream, code);
  }
}
