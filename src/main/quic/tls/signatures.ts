/** Signature schemes of CertificateVerify (RFC 8446 §4.2.3, §4.4.3). */
import { constants, type KeyObject, type SignKeyObjectInput, sign, verify } from 'node:crypto';

export interface SignatureScheme {
  readonly id: number;
  readonly name: string;
  /** Digest; null for Ed25519, which hashes by itself. */
  readonly hash: 'sha256' | 'sha384' | 'sha512' | null;
  fits(key: KeyObject): boolean;
}

const onCurve =
  (curve: string) =>
  (key: KeyObject): boolean =>
    key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === curve;

/** An RSASSA-PSS encoding with a salt as long as the hash needs 2 · hash + 2 bytes (RFC 8017 §9.1.1). */
const rsaHolding =
  (hashBytes: number) =>
  (key: KeyObject): boolean =>
    key.asymmetricKeyType === 'rsa' &&
    (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 8 * (2 * hashBytes + 2);

/** What we sign and verify handshakes with, in order of preference. */
const SCHEMES: readonly SignatureScheme[] = [
  { id: 0x0403, name: 'ecdsa_secp256r1_sha256', hash: 'sha256', fits: onCurve('prime256v1') },
  { id: 0x0807, name: 'ed25519', hash: null, fits: (key) => key.asymmetricKeyType === 'ed25519' },
  { id: 0x0503, name: 'ecdsa_secp384r1_sha384', hash: 'sha384', fits: onCurve('secp384r1') },
  { id: 0x0603, name: 'ecdsa_secp521r1_sha512', hash: 'sha512', fits: onCurve('secp521r1') },
  { id: 0x0804, name: 'rsa_pss_rsae_sha256', hash: 'sha256', fits: rsaHolding(32) },
  { id: 0x0805, name: 'rsa_pss_rsae_sha384', hash: 'sha384', fits: rsaHolding(48) },
  { id: 0x0806, name: 'rsa_pss_rsae_sha512', hash: 'sha512', fits: rsaHolding(64) },
];

/** RSASSA-PKCS1-v1_5: in certificates only, never in CertificateVerify (§4.2.3). */
const CERTIFICATE_ONLY = [0x0401, 0x0501, 0x0601];

/** signature_algorithms of a client: what CertificateVerify and the chain may be signed with. */
export const OFFERED_SCHEMES: readonly number[] = [
  ...SCHEMES.map((scheme) => scheme.id),
  ...CERTIFICATE_ONLY,
];

export const schemeById = (id: number): SignatureScheme | undefined =>
  SCHEMES.find((scheme) => scheme.id === id);

/** The preferred scheme for this private key among those the client offered. */
export const schemeFor = (key: KeyObject, offered: readonly number[]): SignatureScheme | undefined =>
  SCHEMES.find((scheme) => scheme.fits(key) && offered.includes(scheme.id));

/** §4.4.3: what a server signs. */
const serverContent = (transcriptHash: Buffer): Buffer =>
  Buffer.concat([
    Buffer.alloc(64, 0x20),
    Buffer.from('TLS 1.3, server CertificateVerify\0', 'ascii'),
    transcriptHash,
  ]);

/** A bare key where that will do: of an object around it Node.js finds out by two exceptions that it is no key itself. */
const keyInput = (key: KeyObject): SignKeyObjectInput | KeyObject =>
  key.asymmetricKeyType === 'rsa'
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : key;

export const signServerTranscript = (
  scheme: SignatureScheme,
  key: KeyObject,
  transcriptHash: Buffer,
): Buffer => sign(scheme.hash, serverContent(transcriptHash), keyInput(key));

export function verifyServerTranscript(
  scheme: SignatureScheme,
  key: KeyObject,
  transcriptHash: Buffer,
  signature: Buffer,
): boolean {
  try {
    return verify(scheme.hash, serverContent(transcriptHash), keyInput(key), signature);
  } catch {
    // A signature that is not even of the right form is a wrong one.
    return false;
  }
}
