/** What the sessions of one endpoint have counted, those that ended included. */
import { CONNECTION_COUNTERS, type QuicSession } from './api.ts';

export type SessionCounters = Record<(typeof CONNECTION_COUNTERS)[number], number>;

export class SessionCounts {
  readonly #live = new Set<QuicSession>();
  /** Of them, those whose handshake was not complete yet. */
  readonly #early = new Set<QuicSession>();
  readonly #ended: SessionCounters = Object.fromEntries(
    CONNECTION_COUNTERS.map((name) => [name, 0]),
  ) as SessionCounters;
  readonly #onHandshake: (durationUs: number) => void;
  #any = false;

  /** `onHandshake` is told of each handshake once it is complete. */
  constructor(onHandshake: (durationUs: number) => void) {
    this.#onHandshake = onHandshake;
  }

  /** Whether there was a session at all. */
  get any(): boolean {
    return this.#any;
  }

  /** The newest last. */
  get live(): readonly QuicSession[] {
    return [...this.#live];
  }

  watch(session: QuicSession): void {
    this.#any = true;
    this.#live.add(session);
    this.#early.add(session);
    this.countHandshakes();
    void session.closed.then(() => {
      this.countHandshakes();
      this.#live.delete(session);
      this.#early.delete(session);
      const stats = session.stats();
      for (const name of CONNECTION_COUNTERS) this.#ended[name] += stats[name];
    });
  }

  /** A server takes a session with early data before its handshake is complete. */
  countHandshakes(): void {
    for (const session of this.#early) {
      const { durationUs } = session.handshake;
      if (durationUs === 0) continue;
      this.#early.delete(session);
      this.#onHandshake(durationUs);
    }
  }

  sum(): SessionCounters {
    const counters = { ...this.#ended };
    for (const session of this.#live) {
      const stats = session.stats();
      for (const name of CONNECTION_COUNTERS) counters[name] += stats[name];
    }
    return counters;
  }
}
