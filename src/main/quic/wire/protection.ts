/** Packet protection (RFC 9001 §5): one object holds the keys of one direction at one encryption level and key phase. */
import {
  type CipherGCMTypes,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type KeyObject,
} from 'node:crypto';
import { AES_128_GCM_SHA256, type CipherSuite, hkdfExpandLabel, hkdfExtract } from '../tls/suites.ts';
import { copyOf } from './cursor.ts';
import { QuicError, TransportError } from './errors.ts';
import {
  createHeaderMask,
  type HeaderBatch,
  type HeaderMask,
  hasSample,
  protectedBits,
  protectHeader,
  sampleOf,
} from './header-protection.ts';

/** Bytes every AEAD of TLS 1.3 for QUIC adds to a payload (RFC 9001 §5.3). */
const TAG_LENGTH = 16;

export class PacketProtection {
  readonly tagLength = TAG_LENGTH;
  /** RFC 9001 §6.6: packets one key may seal; update keys well before. `seal` throws AEAD_LIMIT_REACHED there. */
  readonly confidentialityLimit: number;
  /** RFC 9001 §6.6: packets that may fail to open over the whole connection, all keys together. */
  readonly integrityLimit: number;
  readonly #suite: CipherSuite;
  readonly #secret: Buffer;
  /** The union of AEADs fits no single overload of createCipheriv; all of them take the same arguments. */
  readonly #aead: CipherGCMTypes;
  readonly #key: KeyObject;
  readonly #iv: Buffer;
  readonly #ivHigh: number;
  readonly #ivLow: number;
  readonly #nonce: Buffer;
  readonly #headerMask: HeaderMask;
  #packetsSealed = 0;

  private constructor(suite: CipherSuite, secret: Buffer, headerMask: HeaderMask) {
    this.#suite = suite;
    this.#secret = secret;
    this.#aead = suite.aead as CipherGCMTypes;
    this.#key = createSecretKey(expand(suite, secret, 'quic key', suite.keyLength));
    this.#iv = expand(suite, secret, 'quic iv', 12);
    this.#ivHigh = this.#iv.readUInt32BE(4);
    this.#ivLow = this.#iv.readUInt32BE(8);
    this.#nonce = copyOf(this.#iv);
    this.#headerMask = headerMask;
    const chacha = suite.aead === 'chacha20-poly1305';
    this.confidentialityLimit = chacha ? Number.POSITIVE_INFINITY : 2 ** 23;
    this.integrityLimit = chacha ? 2 ** 36 : 2 ** 52;
  }

  /** Keys of a TLS traffic secret (RFC 9001 §5.1). */
  static fromSecret(suite: CipherSuite, secret: Buffer): PacketProtection {
    const hpKey = expand(suite, secret, 'quic hp', suite.keyLength);
    return new PacketProtection(suite, secret, createHeaderMask(suite, hpKey));
  }

  /** Initial keys: anybody who sees the client's first Destination Connection ID has them (RFC 9001 §5.2). */
  static initial(clientDcid: Uint8Array): { client: PacketProtection; server: PacketProtection } {
    const suite = AES_128_GCM_SHA256;
    const secret = hkdfExtract(suite.hash, INITIAL_SALT, clientDcid);
    return {
      client: PacketProtection.fromSecret(suite, expand(suite, secret, 'client in', suite.hashLength)),
      server: PacketProtection.fromSecret(suite, expand(suite, secret, 'server in', suite.hashLength)),
    };
  }

  /** Packets sealed with this key so far. */
  get packetsSealed(): number {
    return this.#packetsSealed;
  }

  /**
   * Protects, in place, the packet whose plain header is `buf[start, pnOffset + pnLength)` and whose plain payload
   * follows up to `payloadEnd`; `tagLength` bytes of `buf` after that are overwritten. Returns the packet's end.
   * The payload must be padded so that packet number and payload have four bytes (RFC 9001 §5.4.2). With a `batch`, the
   * header is protected when that is.
   */
  seal(
    buf: Buffer,
    start: number,
    pnOffset: number,
    pnLength: number,
    payloadEnd: number,
    packetNumber: number,
    batch?: HeaderBatch,
  ): number {
    if (payloadEnd < pnOffset + 4) throw new RangeError('payload too short for a header-protection sample');
    if (this.#packetsSealed >= this.confidentialityLimit) {
      throw new QuicError(
        TransportError.AEAD_LIMIT_REACHED,
        'confidentiality limit of the packet key reached',
      );
    }
    this.#packetsSealed++;
    const headerEnd = pnOffset + pnLength;
    const cipher = createCipheriv(this.#aead, this.#key, this.#nonceOf(packetNumber), AEAD_OPTIONS);
    cipher.setAAD(headerOf(buf, start, headerEnd));
    buf.set(cipher.update(buf.subarray(headerEnd, payloadEnd)), headerEnd);
    cipher.final();
    buf.set(cipher.getAuthTag(), payloadEnd);

    const end = payloadEnd + TAG_LENGTH;
    if (batch) batch.add(this.#headerMask, buf, start, pnOffset, pnLength);
    else protectHeader(buf, start, pnOffset, pnLength, this.#headerMask(sampleOf(buf, pnOffset)), 0);
    return end;
  }

  /**
   * Removes header protection in place (RFC 9001 §5.4.1): the first byte in the clear, and the packet number as sent,
   * `truncated` to `pnLength` bytes. Null when the packet is too short to have been protected: drop it. Nothing of this is
   * authenticated before `open` succeeds; only then may reserved bits that are set close the connection. The mask may have
   * been made before, at `maskAt` of `masks`.
   */
  unprotectHeader(
    buf: Buffer,
    start: number,
    pnOffset: number,
    end: number,
    masks?: Uint8Array | null,
    maskAt = 0,
  ): { firstByte: number; pnLength: number; truncated: number } | null {
    if (!hasSample(pnOffset, end)) return null;
    const mask = masks ?? this.#headerMask(sampleOf(buf, pnOffset));
    const firstByte = buf[start]! ^ (mask[maskAt]! & protectedBits(buf[start]!));
    buf[start] = firstByte;
    const pnLength = (firstByte & 0x03) + 1;
    let truncated = 0;
    for (let i = 0; i < pnLength; i++) {
      const byte = buf[pnOffset + i]! ^ mask[maskAt + 1 + i]!;
      buf[pnOffset + i] = byte;
      truncated = truncated * 256 + byte;
    }
    return { firstByte, pnLength, truncated };
  }

  /** The masks of many samples (`samplesOf`), SAMPLE_LENGTH bytes from one to the next. */
  headerMasks(samples: Buffer): Uint8Array {
    return this.#headerMask(samples);
  }

  /**
   * Decrypts the payload `buf[headerEnd, end)` of the packet that begins at `start`, its header unprotected, into a new
   * buffer. Null means that authentication failed: drop the packet and count it against `integrityLimit`.
   */
  open(buf: Buffer, start: number, headerEnd: number, end: number, packetNumber: number): Buffer | null {
    const tagAt = end - TAG_LENGTH;
    if (tagAt < headerEnd) return null;
    const decipher = createDecipheriv(this.#aead, this.#key, this.#nonceOf(packetNumber), AEAD_OPTIONS);
    decipher.setAAD(headerOf(buf, start, headerEnd));
    decipher.setAuthTag(buf.subarray(tagAt, end));
    const payload = decipher.update(buf.subarray(headerEnd, tagAt));
    try {
      decipher.final();
    } catch {
      return null;
    }
    return payload;
  }

  /** The keys of the next key phase; header protection stays (RFC 9001 §6.1). */
  next(): PacketProtection {
    const secret = expand(this.#suite, this.#secret, 'quic ku', this.#suite.hashLength);
    return new PacketProtection(this.#suite, secret, this.#headerMask);
  }

  /** RFC 9001 §5.3: the IV exclusive-ored with the packet number, in a buffer that the next call reuses. */
  #nonceOf(packetNumber: number): Buffer {
    const nonce = this.#nonce;
    const high = this.#ivHigh ^ Math.floor(packetNumber / 2 ** 32);
    const low = this.#ivLow ^ (packetNumber % 2 ** 32);
    nonce[4] = high >>> 24;
    nonce[5] = high >>> 16;
    nonce[6] = high >>> 8;
    nonce[7] = high;
    nonce[8] = low >>> 24;
    nonce[9] = low >>> 16;
    nonce[10] = low >>> 8;
    nonce[11] = low;
    return nonce;
  }
}

/** Headers by their length, copied there from packet to packet: a view of each packet would cost more. */
const headers: Buffer[] = [];
const LONGEST_COPIED = 25;

function headerOf(buf: Buffer, start: number, end: number): Buffer {
  const length = end - start;
  if (length > LONGEST_COPIED) return buf.subarray(start, end);
  headers[length] ??= Buffer.alloc(length);
  const header = headers[length];
  for (let i = 0; i < length; i++) header[i] = buf[start + i]!;
  return header;
}

const expand = (suite: CipherSuite, secret: Buffer, label: string, length: number): Buffer =>
  hkdfExpandLabel(suite.hash, secret, label, NO_CONTEXT, length);

const AEAD_OPTIONS = { authTagLength: TAG_LENGTH };
const NO_CONTEXT = Buffer.alloc(0);
/** RFC 9001 §5.2. */
const INITIAL_SALT = Buffer.from('38762cf7f55934b34d179ae6a4c80cadccbb7f0a', 'hex');
