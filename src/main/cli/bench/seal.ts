/**
 * What a QUIC packet costs at least in this runtime: AES-128-GCM over its payload and one AES block for its header, with
 * persistent keys, and nothing else. The data-plane prototype that our transport is compared with.
 */
import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
} from 'node:crypto';

/** First byte, connection id and packet number, as of a short header. */
export const HEADER = 13;
export const TAG = 16;
const NUMBER_AT = 9;
const SAMPLE_AT = NUMBER_AT + 4;
const OPTIONS = { authTagLength: TAG };

/** Keys that both ends know: this measures, it hides nothing. */
export class Sealer {
  readonly #key: KeyObject = createSecretKey(Buffer.alloc(16, 1));
  readonly #mask: Cipheriv = createCipheriv('aes-128-ecb', createSecretKey(Buffer.alloc(16, 2)), null);
  readonly #nonce = Buffer.alloc(12, 3);

  /** Seals in place: `packet` is header, payload and room for the tag. */
  seal(packet: Buffer, number: number): void {
    packet.writeUInt32BE(number, NUMBER_AT);
    this.#nonce.writeUInt32BE(number, 8);
    const end = packet.length - TAG;
    const cipher = createCipheriv('aes-128-gcm', this.#key, this.#nonce, OPTIONS);
    cipher.setAAD(packet.subarray(0, HEADER));
    packet.set(cipher.update(packet.subarray(HEADER, end)), HEADER);
    cipher.final();
    packet.set(cipher.getAuthTag(), end);
    this.#protect(packet);
  }

  /** The payload, or null where it was not sealed like this. */
  open(packet: Buffer): Buffer | null {
    this.#protect(packet);
    this.#nonce.writeUInt32BE(packet.readUInt32BE(NUMBER_AT), 8);
    const end = packet.length - TAG;
    const decipher = createDecipheriv('aes-128-gcm', this.#key, this.#nonce, OPTIONS);
    decipher.setAAD(packet.subarray(0, HEADER));
    decipher.setAuthTag(packet.subarray(end));
    const payload = decipher.update(packet.subarray(HEADER, end));
    try {
      decipher.final();
    } catch {
      return null;
    }
    return payload;
  }

  /** The mask of the sample goes over the packet number, and off it again. */
  #protect(packet: Buffer): void {
    const mask = this.#mask.update(packet.subarray(SAMPLE_AT, SAMPLE_AT + 16));
    for (let i = 0; i < 4; i++) packet[NUMBER_AT + i]! ^= mask[i]!;
  }
}
