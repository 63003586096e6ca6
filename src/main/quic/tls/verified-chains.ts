/**
 * Chains found good lately: probing one server over and over meets the same certificates, and what they are worth does not
 * change from one handshake to the next. That the server holds the leaf's key is proven anew in every handshake.
 */
import { createHash } from 'node:crypto';

/** How long a finding stands, so that an anchor that expires meanwhile counts for no longer than that. */
const LIFETIME_MS = 300_000;
const CAPACITY = 256;

export class VerifiedChains {
  /** By digest: the moments between which the finding stands, unix milliseconds. Oldest first. */
  readonly #found = new Map<string, { fromMs: number; untilMs: number }>();

  /** Names a chain under the trust and for the host that it was judged by. */
  static key(trust: string, name: string, chain: readonly Buffer[]): string {
    const hash = createHash('sha256');
    // Lengths tell where one ends and the next begins.
    for (const part of [trust, name, ...chain]) hash.update(`${part.length} `).update(part);
    return hash.digest('base64');
  }

  has(key: string, nowMs: number): boolean {
    const found = this.#found.get(key);
    return found !== undefined && nowMs >= found.fromMs && nowMs <= found.untilMs;
  }

  /** The chain is good at `nowMs`; no certificate of it expires before `notAfterMs`. */
  add(key: string, nowMs: number, notAfterMs: number): void {
    this.#found.delete(key);
    this.#found.set(key, { fromMs: nowMs, untilMs: Math.min(nowMs + LIFETIME_MS, notAfterMs) });
    for (const oldest of this.#found.keys()) {
      if (this.#found.size <= CAPACITY) break;
      this.#found.delete(oldest);
    }
  }
}
