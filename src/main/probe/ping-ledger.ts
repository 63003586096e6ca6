/**
 * The books of a ping run: what was sent, what came back, what is lost. Sans-IO: time is an argument, so a test
 * runs it in virtual time. A ping resolves exactly once: echoed, or lost when its timeout passes. An echo that
 * comes after that is counted as late and does not turn the loss back.
 */

export interface ResolvedPing {
  sentAtUs: number;
  /** Null when lost. */
  rttUs: number | null;
  loaded: boolean;
}

const MIN_TIMEOUT_US = 1_000_000;
/** Lost sequence numbers remembered to tell a late echo from a duplicate. */
const REMEMBERED_LOSSES = 4096;

export class PingLedger {
  sent = 0;
  received = 0;
  lost = 0;
  /** Echoes of pings already counted as lost. */
  late = 0;
  /** Further echoes of a ping, and answers to nothing we sent. */
  duplicates = 0;

  readonly #pending = new Map<number, { sentAtUs: number; deadlineUs: number; loaded: boolean }>();
  readonly #lostSequences = new Set<number>();
  #smoothedRttUs: number | null;
  #newestDeadlineUs = 0;

  /** `initialRttUs`: the connection’s own smoothed RTT, for the first timeout. */
  constructor(initialRttUs: number | null) {
    this.#smoothedRttUs = initialRttUs;
  }

  /** max(1 s, 4 × smoothed RTT). */
  get timeoutUs(): number {
    return Math.max(MIN_TIMEOUT_US, 4 * (this.#smoothedRttUs ?? 0));
  }

  /** When the oldest unresolved ping was sent; null when all are resolved. */
  get oldestPendingUs(): number | null {
    for (const ping of this.#pending.values()) return ping.sentAtUs;
    return null;
  }

  /** When the next ping will count as lost; null when none is pending. */
  get deadlineUs(): number | null {
    for (const ping of this.#pending.values()) return ping.deadlineUs;
    return null;
  }

  /** Enters a ping that was sent; its sequence number is what `sent` was before. */
  send(sentAtUs: number, loaded: boolean): void {
    const sequence = this.sent++;
    // Never before an earlier ping’s: pings are lost in the order they were sent, so one timer serves all.
    this.#newestDeadlineUs = Math.max(this.#newestDeadlineUs, sentAtUs + this.timeoutUs);
    this.#pending.set(sequence, { sentAtUs, deadlineUs: this.#newestDeadlineUs, loaded });
  }

  /**
   * The ping an echo resolves; null for late, duplicate and stray echoes, which are counted. Call
   * `expire(receivedAtUs)` first: an echo read after its deadline is late, however late the timer is.
   */
  echo(sequence: number, receivedAtUs: number): ResolvedPing | null {
    const ping = this.#pending.get(sequence);
    if (ping === undefined) {
      if (this.#lostSequences.delete(sequence)) this.late++;
      else this.duplicates++;
      return null;
    }
    this.#pending.delete(sequence);
    this.received++;
    const rttUs = receivedAtUs - ping.sentAtUs;
    // RFC 6298 §2's gain of 1/8.
    this.#smoothedRttUs =
      this.#smoothedRttUs === null ? rttUs : this.#smoothedRttUs + (rttUs - this.#smoothedRttUs) / 8;
    return { sentAtUs: ping.sentAtUs, rttUs, loaded: ping.loaded };
  }

  /** The pings whose timeout has passed, now lost, in the order they were sent. */
  expire(nowUs: number): ResolvedPing[] {
    const lost: ResolvedPing[] = [];
    for (const [sequence, ping] of this.#pending) {
      if (ping.deadlineUs > nowUs) break;
      this.#pending.delete(sequence);
      this.#lostSequences.add(sequence);
      this.lost++;
      lost.push({ sentAtUs: ping.sentAtUs, rttUs: null, loaded: ping.loaded });
    }
    for (const sequence of this.#lostSequences) {
      if (this.#lostSequences.size <= REMEMBERED_LOSSES) break;
      this.#lostSequences.delete(sequence);
    }
    return lost;
  }
}
