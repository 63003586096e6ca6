/**
 * Pacing, RFC 9002 §7.7: a token bucket filled at the pacing rate and one send quantum deep. Deadlines are absolute,
 * so a late timer is caught up with, by a burst of at most one quantum.
 */
export class Pacer {
  /** Bytes that could be sent at `#filledAtUs`; negative after sending without leave (probes). */
  #tokens = Number.POSITIVE_INFINITY;
  #filledAtUs = Number.NEGATIVE_INFINITY;

  /**
   * When `bytes` may be sent: 0 for now, else an absolute time in microseconds. `rateBps` is the pacing rate in bits
   * per second, null while there is none.
   */
  delayUntil(nowUs: number, bytes: number, rateBps: number | null, quantumBytes: number): number {
    if (rateBps === null) return 0;
    const tokens = Math.min(this.#tokens, quantumBytes);
    // Times are compared, not tokens: a caller that comes back at the deadline must never find it a hair away.
    const allowedAtUs = tokens >= bytes ? nowUs : this.#filledAtUs + ((bytes - tokens) * 8e6) / rateBps;
    return allowedAtUs <= nowUs ? 0 : allowedAtUs;
  }

  /** Another path: what the old one had left or owed does not count. */
  reset(): void {
    this.#tokens = Number.POSITIVE_INFINITY;
    this.#filledAtUs = Number.NEGATIVE_INFINITY;
  }

  /** Takes the tokens of a packet that was sent. */
  onSent(nowUs: number, bytes: number, rateBps: number | null, quantumBytes: number): void {
    if (rateBps === null) return;
    const filled = this.#tokens + ((nowUs - this.#filledAtUs) * rateBps) / 8e6;
    // A packet larger than the quantum still goes out at the full rate.
    this.#tokens = Math.min(filled, Math.max(quantumBytes, bytes)) - bytes;
    this.#filledAtUs = nowUs;
  }
}
