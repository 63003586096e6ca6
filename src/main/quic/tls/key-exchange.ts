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

// DER around a bare 32-byte key (RFC 8410 §4, §7).
const PKCS8_X25519 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const SPKI_X25519 = Buffer.from('302a300506032b656e032100', 'hex');

const invalid = (group: GroupName, cause?: unknown): TlsAlert =>
  new TlsAlert(Alert.illegal_parameter, `the peer's ${group} key share is not a valid public key`, { cause });

const X25519: Group = {
  id: 0x001d,
  name: 'X25519',
  generate(random) {
    const privateKey = createPrivateKey({
      key: Buffer.concat([PKCS8_X25519, random(32)]),
      format: 'der',
      type: 'pkcs8',
    });
    return {
      publicKey: createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32),
      agree(peer) {
        if (peer.length !== 32) throw invalid('X25519');
        let publicKey: KeyObject;
        let secret: Buffer;
        try {
          publicKey = createPublicKey({
            key: Buffer.concat([SPKI_X25519, peer]),
            format: 'der',
            type: 'spki',
          });
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
