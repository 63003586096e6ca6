/** Header protection (RFC 9001 §5.4), of one packet or of many at a time: sixteen masks of AES cost the same as one. */
import { createCipheriv, createSecretKey } from 'node:crypto';
import type { CipherSuite } from '../tls/suites.ts';

export const SAMPLE_LENGTH = 16;
/** Where the sample begins, counted from the packet number's first byte (RFC 9001 §5.4.2). */
const SAMPLE_AT = 4;

/** Turns samples of ciphertext, one behind the other, into as many masks, of which 5 of every 16 bytes count. */
export type HeaderMask = (samples: Buffer) => Uint8Array;

export function createHeaderMask(suite: CipherSuite, hpKey: Buffer): HeaderMask {
  const key = createSecretKey(hpKey);
  if (suite.aead === 'chacha20-poly1305') {
    // RFC 9001 §5.4.4: the sample is block counter and nonce, which is just what OpenSSL calls the IV of chacha20.
    return (samples) => {
      const masks = Buffer.alloc(samples.length);
      for (let at = 0; at < samples.length; at += SAMPLE_LENGTH) {
        const sample = samples.subarray(at, at + SAMPLE_LENGTH);
        masks.set(createCipheriv('chacha20', key, sample).update(FIVE_ZEROS), at);
      }
      return masks;
    };
  }
  // RFC 9001 §5.4.3: one block of AES-ECB. It has no state between blocks, so one cipher serves all packets.
  const ecb = createCipheriv(`aes-${suite.keyLength * 8}-ecb`, key, null);
  ecb.setAutoPadding(false);
  return (samples) => ecb.update(samples);
}

/** Whether the packet whose packet number begins at `pnOffset` has a sample before it ends, at `end`. */
export const hasSample = (pnOffset: number, end: number): boolean =>
  pnOffset + SAMPLE_AT + SAMPLE_LENGTH <= end;

/** The sample of a packet that has one. */
export const sampleOf = (buf: Buffer, pnOffset: number): Buffer =>
  buf.subarray(pnOffset + SAMPLE_AT, pnOffset + SAMPLE_AT + SAMPLE_LENGTH);

/** The samples of datagrams that each are one packet, its number beginning at `pnOffset`; of those without, anything. */
export function samplesOf(datagrams: readonly Buffer[], pnOffset: number): Buffer {
  const samples = Buffer.allocUnsafe(datagrams.length * SAMPLE_LENGTH);
  const from = pnOffset + SAMPLE_AT;
  for (const [i, datagram] of datagrams.entries()) {
    if (hasSample(pnOffset, datagram.length))
      datagram.copy(samples, i * SAMPLE_LENGTH, from, from + SAMPLE_LENGTH);
  }
  return samples;
}

/** RFC 9001 §5.4.1: four bits of a long header's first byte, five of a short one's. */
export const protectedBits = (firstByte: number): number => (firstByte & 0x80 ? 0x0f : 0x1f);

/** Protects the header of a sealed packet with the mask at `at` of `masks`. */
export function protectHeader(
  buf: Buffer,
  start: number,
  pnOffset: number,
  pnLength: number,
  masks: Uint8Array,
  at: number,
): void {
  buf[start]! ^= masks[at]! & protectedBits(buf[start]!);
  for (let i = 0; i < pnLength; i++) buf[pnOffset + i]! ^= masks[at + 1 + i]!;
}

/** Sealed packets whose headers are protected together. Reused: nothing is allocated for a packet. */
export class HeaderBatch {
  #mask: HeaderMask | null = null;
  #count = 0;
  #samples = Buffer.allocUnsafeSlow(16 * SAMPLE_LENGTH);
  readonly #buffers: Buffer[] = [];
  /** start, pnOffset, pnLength of each. */
  readonly #places: number[] = [];

  /** Takes a packet that `mask` is for; those of another mask are protected before. */
  add(mask: HeaderMask, buf: Buffer, start: number, pnOffset: number, pnLength: number): void {
    if (mask !== this.#mask) this.protect();
    this.#mask = mask;
    const at = this.#count * SAMPLE_LENGTH;
    if (at === this.#samples.length) this.#grow();
    const from = pnOffset + SAMPLE_AT;
    buf.copy(this.#samples, at, from, from + SAMPLE_LENGTH);
    this.#buffers[this.#count] = buf;
    const place = 3 * this.#count++;
    this.#places[place] = start;
    this.#places[place + 1] = pnOffset;
    this.#places[place + 2] = pnLength;
  }

  /** Protects the headers of all packets taken since the last time. */
  protect(): void {
    if (this.#mask === null) return;
    const masks = this.#mask(this.#samples.subarray(0, this.#count * SAMPLE_LENGTH));
    const places = this.#places;
    for (let i = 0; i < this.#count; i++) {
      const place = 3 * i;
      const [start, pnOffset, pnLength] = [places[place]!, places[place + 1]!, places[place + 2]!];
      protectHeader(this.#buffers[i]!, start, pnOffset, pnLength, masks, i * SAMPLE_LENGTH);
    }
    this.#buffers.length = 0;
    this.#count = 0;
    this.#mask = null;
  }

  #grow(): void {
    const samples = Buffer.allocUnsafeSlow(2 * this.#samples.length);
    this.#samples.copy(samples);
    this.#samples = samples;
  }
}

const FIVE_ZEROS = Buffer.alloc(5);
