/** Bytes that only their maker can read and make, once they come back from whoever kept them: tokens and tickets. */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';

const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;

export class SealedBox {
  readonly #key: KeyObject;
  readonly #random: (n: number) => Buffer;

  /** `random`: n bytes that an attacker cannot predict; the key is made of them. */
  constructor(random: (n: number) => Buffer) {
    this.#key = createSecretKey(random(32));
    this.#random = random;
  }

  /** AES-256-GCM under a fresh nonce; `context` has to be given again to open it. */
  seal(plain: Buffer, context: Buffer): Buffer {
    const nonce = this.#random(NONCE_LENGTH);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_LENGTH });
    cipher.setAAD(context);
    const sealed = cipher.update(plain);
    cipher.final();
    return Buffer.concat([nonce, sealed, cipher.getAuthTag()]);
  }

  /** What was sealed; null for anything else. Never throws. */
  open(sealed: Buffer, context: Buffer): Buffer | null {
    const tagAt = sealed.length - TAG_LENGTH;
    if (tagAt < NONCE_LENGTH) return null;
    const nonce = sealed.subarray(0, NONCE_LENGTH);
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_LENGTH });
    decipher.setAAD(context);
    decipher.setAuthTag(sealed.subarray(tagAt));
    const plain = decipher.update(sealed.subarray(NONCE_LENGTH, tagAt));
    try {
      decipher.final();
    } catch {
      return null;
    }
    return plain;
  }
}
