/**
 * The tokens with which a server recognises an address that it has validated (RFC 9000 §8.1.1 to §8.1.4): those of a
 * Retry, good for a moment and one port, and those of NEW_TOKEN, good for a later connection from the same host.
 * Sealed, so that only this server can make or read them.
 */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';

/** Time for a client to answer a Retry, with retransmissions. */
const RETRY_LIFETIME_MS = 15_000;
const NEW_TOKEN_LIFETIME_MS = 24 * 3_600_000;
const RETRY = 1;
const NEW_TOKEN = 2;
const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
const TIME_LENGTH = 6;

export type AddressToken =
  /** The Destination Connection ID of the Initial that the Retry answered. */
  | { kind: 'retry'; originalDcid: Buffer }
  | { kind: 'new' }
  /** Said to be of a Retry, and not good: the client must not go on with it (RFC 9000 §8.1.2). */
  | { kind: 'bad-retry' };

export class AddressTokens {
  readonly #key: KeyObject;
  readonly #random: (n: number) => Buffer;

  /** `random`: n bytes that an attacker cannot predict; the key is made of them. */
  constructor(random: (n: number) => Buffer) {
    this.#key = createSecretKey(random(32));
    this.#random = random;
  }

  /** For a Retry to this address and port. Times are unix milliseconds. */
  forRetry(from: { address: string; port: number }, originalDcid: Buffer, nowMs: number): Buffer {
    return this.#seal(RETRY, `${from.address} ${from.port}`, originalDcid, nowMs);
  }

  /** For NEW_TOKEN to this address. */
  forLater(from: { address: string }, nowMs: number): Buffer {
    return this.#seal(NEW_TOKEN, from.address, Buffer.alloc(0), nowMs);
  }

  /** What a token says; null for one that is not ours, is worn out, or was given to another host. Never throws. */
  open(token: Buffer, from: { address: string; port: number }, nowMs: number): AddressToken | null {
    const kind = token[0];
    if (kind === RETRY) {
      const content = this.#open(token, `${from.address} ${from.port}`, nowMs, RETRY_LIFETIME_MS);
      return content ? { kind: 'retry', originalDcid: content } : { kind: 'bad-retry' };
    }
    if (kind === NEW_TOKEN && this.#open(token, from.address, nowMs, NEW_TOKEN_LIFETIME_MS)) {
      return { kind: 'new' };
    }
    return null;
  }

  #seal(kind: number, to: string, content: Buffer, nowMs: number): Buffer {
    const nonce = this.#random(NONCE_LENGTH);
    const plain = Buffer.alloc(TIME_LENGTH + content.length);
    plain.writeUIntBE(Math.floor(nowMs), 0, TIME_LENGTH);
    plain.set(content, TIME_LENGTH);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_LENGTH });
    cipher.setAAD(Buffer.from(`${kind} ${to}`));
    const sealed = cipher.update(plain);
    cipher.final();
    return Buffer.concat([Buffer.from([kind]), nonce, sealed, cipher.getAuthTag()]);
  }

  #open(token: Buffer, from: string, nowMs: number, lifetimeMs: number): Buffer | null {
    const sealedAt = 1 + NONCE_LENGTH;
    const tagAt = token.length - TAG_LENGTH;
    if (tagAt < sealedAt + TIME_LENGTH) return null;
    const nonce = token.subarray(1, sealedAt);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_LENGTH });
    decipher.setAAD(Buffer.from(`${token[0]} ${from}`));
    decipher.setAuthTag(token.subarray(tagAt));
    const plain = decipher.update(token.subarray(sealedAt, tagAt));
    try {
      decipher.final();
    } catch {
      return null;
    }
    const ageMs = nowMs - plain.readUIntBE(0, TIME_LENGTH);
    // A clock that was set back makes tokens seem to come from the future: as good as worn out.
    return ageMs >= 0 && ageMs <= lifetimeMs ? plain.subarray(TIME_LENGTH) : null;
  }
}
