/** TLS 1.3 cipher suites (RFC 8446 §B.4) and HKDF-Expand-Label (§7.1), shared by the handshake and packet protection. */
import { hash as digest, getCiphers } from 'node:crypto';

export interface CipherSuite {
  /** IANA code point. */
  readonly id: number;
  readonly name: string;
  readonly hash: 'sha256' | 'sha384';
  readonly hashLength: number;
  readonly aead: 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305';
  readonly keyLength: number;
}

export const AES_128_GCM_SHA256: CipherSuite = {
  id: 0x1301,
  name: 'TLS_AES_128_GCM_SHA256',
  hash: 'sha256',
  hashLength: 32,
  aead: 'aes-128-gcm',
  keyLength: 16,
};
export const AES_256_GCM_SHA384: CipherSuite = {
  id: 0x1302,
  name: 'TLS_AES_256_GCM_SHA384',
  hash: 'sha384',
  hashLength: 48,
  aead: 'aes-256-gcm',
  keyLength: 32,
};
export const CHACHA20_POLY1305_SHA256: CipherSuite = {
  id: 0x1303,
  name: 'TLS_CHACHA20_POLY1305_SHA256',
  hash: 'sha256',
  hashLength: 32,
  aead: 'chacha20-poly1305',
  keyLength: 32,
};

/** What this runtime can do, in order of preference. Electron's BoringSSL has no ChaCha20 in createCipheriv. */
export function supportedSuites(): CipherSuite[] {
  const available = new Set(getCiphers());
  return [AES_128_GCM_SHA256, AES_256_GCM_SHA384, CHACHA20_POLY1305_SHA256].filter((suite) =>
    available.has(suite.aead),
  );
}

/**
 * RFC 2104 §2, of keys no longer than a block of the hash: two digests at once take two thirds of the time of a key object
 * and an Hmac, and a handshake needs some forty.
 */
export function hmac(hash: CipherSuite['hash'], key: Uint8Array, data: Uint8Array): Buffer {
  const { blockLength, hashLength } = HASHES[hash];
  if (key.length > blockLength) throw new RangeError(`an HMAC key of ${key.length} bytes`);
  const inner = Buffer.alloc(blockLength + data.length, 0x36);
  const outer = Buffer.alloc(blockLength + hashLength, 0x5c);
  for (let i = 0; i < key.length; i++) {
    inner[i]! ^= key[i]!;
    outer[i]! ^= key[i]!;
  }
  inner.set(data, blockLength);
  outer.set(digest(hash, inner, 'buffer'), blockLength);
  return digest(hash, outer, 'buffer');
}

const HASHES = {
  sha256: { blockLength: 64, hashLength: 32 },
  sha384: { blockLength: 128, hashLength: 48 },
} as const;

/** RFC 5869 §2.2. */
export const hkdfExtract = (hash: CipherSuite['hash'], salt: Uint8Array, keyMaterial: Uint8Array): Buffer =>
  hmac(hash, salt, keyMaterial);

/** RFC 8446 §7.1: HKDF-Expand with the label prefixed by "tls13 ". */
export function hkdfExpandLabel(
  hash: CipherSuite['hash'],
  secret: Uint8Array,
  label: string,
  context: Uint8Array,
  length: number,
): Buffer {
  const name = Buffer.from(`tls13 ${label}`, 'ascii');
  const info = Buffer.concat([
    Buffer.from([length >> 8, length & 0xff, name.length]),
    name,
    Buffer.from([context.length]),
    context,
  ]);
  const out = Buffer.alloc(length);
  let block: Buffer = Buffer.alloc(0);
  for (let done = 0, counter = 1; done < length; counter++) {
    block = hmac(hash, secret, Buffer.concat([block, info, Buffer.from([counter])]));
    done += block.copy(out, done);
  }
  return out;
}
