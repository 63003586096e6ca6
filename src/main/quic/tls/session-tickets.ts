/**
 * The tickets with which a server resumes sessions (RFC 8446 §4.6.1), sealed so that it need not keep the sessions; and what
 * it keeps to see that nobody's early data is taken twice (§8).
 */
import { decode, opaque, uint, vector } from './codec.ts';
import { SealedBox } from './sealed-box.ts';
import { UsedOnce } from './used-once.ts';

/** §4.6.1 allows seven days; the key of our tickets does not outlive the server anyway. */
const LIFETIME_S = 24 * 3600;
/** How far the ages that client and server know of a ticket may be apart for early data to be taken (§8.3). */
const FRESH_MS = 10_000;
const CONTEXT = Buffer.from('session ticket');

/** What a server has to know again to resume a session. */
export interface ResumableSession {
  /** Resumption PSK. */
  psk: Buffer;
  /** Code point of the cipher suite. */
  suite: number;
  alpn: string;
  serverName: string | null;
  /** What early data relied on: it is taken only where this is the same now (RFC 9000 §7.4.1). */
  earlyContext: Buffer;
}

export interface IssuedTicket {
  ticket: Buffer;
  lifetimeS: number;
  ageAdd: number;
}

export interface RedeemedTicket {
  session: ResumableSession;
  /** The client used it when it says it did, not somebody else later. */
  isFresh: boolean;
}

export class SessionTickets {
  readonly #box: SealedBox;
  readonly #random: (n: number) => Buffer;
  readonly #nowMs: () => number;
  /** Tickets whose early data was taken: remembered for as long as a copy of it would look fresh. */
  readonly #used = new UsedOnce(2 * FRESH_MS);

  /** `random`: n bytes that an attacker cannot predict. `nowMs`: unix milliseconds. */
  constructor(random: (n: number) => Buffer, nowMs: () => number) {
    this.#box = new SealedBox(random);
    this.#random = random;
    this.#nowMs = nowMs;
  }

  issue(session: ResumableSession): IssuedTicket {
    const ageAdd = this.#random(4).readUInt32BE(0);
    const issuedAt = Buffer.alloc(8);
    issuedAt.writeDoubleBE(this.#nowMs());
    const age = Buffer.alloc(4);
    age.writeUInt32BE(ageAdd);
    const plain = Buffer.concat([
      issuedAt,
      age,
      uint(session.suite, 2),
      vector(1, session.psk),
      vector(1, Buffer.from(session.alpn, 'latin1')),
      vector(1, Buffer.from(session.serverName ?? '', 'latin1')),
      vector(2, session.earlyContext),
    ]);
    return { ticket: this.#box.seal(plain, CONTEXT), lifetimeS: LIFETIME_S, ageAdd };
  }

  /** The session of a ticket that is ours and not worn out, else null. Never throws. */
  redeem(ticket: Buffer, obfuscatedAge: number): RedeemedTicket | null {
    const plain = this.#box.open(ticket, CONTEXT);
    if (!plain) return null;
    const { issuedAtMs, ageAdd, session } = decodeSession(plain);
    const ageMs = this.#nowMs() - issuedAtMs;
    // A clock that was set back makes tickets seem to come from the future: as good as worn out.
    if (ageMs < 0 || ageMs > LIFETIME_S * 1000) return null;
    const claimedMs = (obfuscatedAge - ageAdd) >>> 0;
    return { session, isFresh: Math.abs(claimedMs - ageMs) <= FRESH_MS };
  }

  /** Whether early data that comes with this ticket, fresh, is the first (§8.1). */
  claim(ticket: Buffer): boolean {
    return this.#used.claim(ticket, this.#nowMs());
  }
}

function decodeSession(plain: Buffer): { issuedAtMs: number; ageAdd: number; session: ResumableSession } {
  return decode(plain, 'session ticket', (r) => {
    const issuedAtMs = r.bytes(8).readDoubleBE(0);
    const ageAdd = r.u32();
    const suite = r.u16();
    const psk = opaque(r, 1);
    const alpn = opaque(r, 1).toString('latin1');
    const serverName = opaque(r, 1).toString('latin1') || null;
    return { issuedAtMs, ageAdd, session: { psk, suite, alpn, serverName, earlyContext: opaque(r, 2) } };
  });
}
