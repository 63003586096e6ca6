/**
 * The tokens with which a server recognises an address that it has validated (RFC 9000 §8.1.1 to §8.1.4): those of a
 * Retry, good for a moment and one port, and those of NEW_TOKEN, good for a later connection from the same host.
 * Sealed, so that only this server can make or read them.
 */
import { SealedBox } from '../tls/sealed-box.ts';
import { UsedOnce } from '../tls/used-once.ts';

/** Time for a client to answer a Retry, with retransmissions. */
const RETRY_LIFETIME_MS = 15_000;
const NEW_TOKEN_LIFETIME_MS = 24 * 3_600_000;
const RETRY = 1;
const NEW_TOKEN = 2;
const TIME_LENGTH = 6;

export type AddressToken =
  /** The Destination Connection ID of the Initial that the Retry answered. */
  | { kind: 'retry'; originalDcid: Buffer }
  | { kind: 'new' }
  /** Said to be of a Retry, and not good: the client must not go on with it (RFC 9000 §8.1.2). */
  | { kind: 'bad-retry' };

export class AddressTokens {
  readonly #box: SealedBox;
  /** Tokens of NEW_TOKEN. */
  readonly #used = new UsedOnce(NEW_TOKEN_LIFETIME_MS);

  /** `random`: n bytes that an attacker cannot predict; the key is made of them. */
  constructor(random: (n: number) => Buffer) {
    this.#box = new SealedBox(random);
  }

  /**
   * For a Retry to this address and port, whose Source Connection ID is `retryScid`: the Initial that answers it is addressed to
   * that. Times are unix milliseconds.
   */
  forRetry(
    from: { address: string; port: number },
    originalDcid: Buffer,
    retryScid: Buffer,
    nowMs: number,
  ): Buffer {
    return this.#seal(RETRY, retryContext(from, retryScid), originalDcid, nowMs);
  }

  /** For NEW_TOKEN to this address. */
  forLater(from: { address: string }, nowMs: number): Buffer {
    return this.#seal(NEW_TOKEN, from.address, Buffer.alloc(0), nowMs);
  }

  /**
   * What the token of an Initial that is addressed to `dcid` says; null for one that is not ours, is worn out, or was given to
   * another host. Never throws.
   */
  open(
    token: Buffer,
    from: { address: string; port: number },
    dcid: Buffer,
    nowMs: number,
  ): AddressToken | null {
    const kind = token[0];
    if (kind === RETRY) {
      const content = this.#open(token, retryContext(from, dcid), nowMs, RETRY_LIFETIME_MS);
      return content ? { kind: 'retry', originalDcid: content } : { kind: 'bad-retry' };
    }
    if (kind === NEW_TOKEN && this.#open(token, from.address, nowMs, NEW_TOKEN_LIFETIME_MS)) {
      return { kind: 'new' };
    }
    return null;
  }

  /**
   * Whether a token of NEW_TOKEN is used for the first time (RFC 9000 §8.1.4): whoever saw it pass could use it again to have us
   * send to its address what we would not send to others. While too many are remembered none is.
   */
  claim(token: Buffer, nowMs: number): boolean {
    return this.#used.claim(token, nowMs);
  }

  #seal(kind: number, to: string, content: Buffer, nowMs: number): Buffer {
    const plain = Buffer.alloc(TIME_LENGTH + content.length);
    plain.writeUIntBE(Math.floor(nowMs), 0, TIME_LENGTH);
    plain.set(content, TIME_LENGTH);
    return Buffer.concat([Buffer.from([kind]), this.#box.seal(plain, Buffer.from(`${kind} ${to}`))]);
  }

  #open(token: Buffer, from: string, nowMs: number, lifetimeMs: number): Buffer | null {
    const plain = this.#box.open(token.subarray(1), Buffer.from(`${token[0]} ${from}`));
    if (!plain || plain.length < TIME_LENGTH) return null;
    const ageMs = nowMs - plain.readUIntBE(0, TIME_LENGTH);
    // A clock that was set back makes tokens seem to come from the future: as good as worn out.
    return ageMs >= 0 && ageMs <= lifetimeMs ? plain.subarray(TIME_LENGTH) : null;
  }
}

const retryContext = (from: { address: string; port: number }, retryScid: Buffer): string =>
  `${from.address} ${from.port} ${retryScid.toString('hex')}`;
