/** Ephemeral (EC)DHE over X25519 and P-256 (RFC 8446 §4.2.8.2, §7.4). */
import { createECDH, createPrivateKey, createPublicKey, diffieHellman, type KeyObject } from 'node:crypto';
import { Alert } from './alerts.ts';
import { TlsAlert } from './types.ts';

export type GroupName = 'X25519' | 'P-256';

export interface KeyPair {
  /** As it goes into key_share. */
  readonly publicKey: Buffer;
  /** The shared secret with the peer's key_exchange; throws TlsAlert illegal_parameter for an invalid one. */
  agree(peer: Buffer): Buffer;
}

export interface Group {
  readonly id: number;
  readonly name: GroupName;
  generate(random: (n: number) => Buffer): KeyPair;
}

/**
 * A bare 32-byte key as RFC 8037 §2 writes it: OpenSSL reads it in half the time of DER. Of a private key the public half is
 * computed, whatever is given for it.
 */
const okp = (x: Buffer, d?: Buffer) => ({
  format: 'jwk' as const,
  key: {
    kty: 'OKP',
    crv: 'X25519',
    x: x.toString('base64url'),
    ...(d && { d: d.toString('base64url') }),
  },
});
const UNKNOWN = Buffer.alloc(32);

const invalid = (group: GroupName, cause?: unknown): TlsAlert =>
  new TlsAlert(Alert.illegal_parameter, `the peer's ${group} key share is not a valid public key`, { cause });

const X25519: Group = {
  id: 0x001d,
  name: 'X25519',
  generate(random) {
    const privateKey = createPrivateKey(okp(UNKNOWN, random(32)));
    return {
      publicKey: Buffer.from(privateKey.export({ format: 'jwk' }).x!, 'base64url'),
      agree(peer) {
        if (peer.length !== 32) throw invalid('X25519');
        let publicKey: KeyObject;
        let secret: Buffer;
        try {
          publicKey = createPublicKey(okp(peer));
          secret = diffieHellman({ privateKey, publicKey });
        } catch (cause) {
          throw invalid('X25519', cause);
        }
        // RFC 8446 §7.4.2: a point of low order yields all zeros. OpenSSL and BoringSSL refuse it themselves.
        if (secret.every((byte) => byte === 0)) throw invalid('X25519');
        return secret;
      },
    };
  },
};

/** A scalar outside [1, n) has a chance of 2^-32; a source that keeps yielding one is broken. */
const SCALAR_ATTEMPTS = 8;

const P256: Group = {
  id: 0x0017,
  name: 'P-256',
  generate(random) {
    const ecdh = createECDH('prime256v1');
    for (let attempt = 1; ; attempt++) {
      try {
        ecdh.setPrivateKey(random(32));
        break;
      } catch (error) {
        if (attempt === SCALAR_ATTEMPTS) throw error;
      }
    }
    return {
      publicKey: ecdh.getPublicKey(),
      agree(peer) {
        // RFC 8446 §4.2.8.2: the uncompressed form only, and the point is on the curve (computeSecret checks that).
        if (peer.length !== 65 || peer[0] !== 4) throw invalid('P-256');
        try {
          return ecdh.computeSecret(peer);
        } catch (cause) {
          throw invalid('P-256', cause);
        }
      },
    };
  },
};

/** In order of preference. */
const GROUPS: readonly Group[] = [X25519, P256];

/** Our groups in order of preference, or just those named. */
export const selectGroups = (names?: readonly GroupName[]): readonly Group[] =>
  names ? GROUPS.filter((group) => names.includes(group.name)) : GROUPS;
