/** What a certificate may be used for, and when (RFC 5280 §4.1.2.5, §4.2.1, §6.1.4). Everything throws LabError. */
import { anyExtendedKeyUsage, id_kp_serverAuth, KeyUsageFlags } from '@peculiar/asn1-x509';
import { LabError } from '../../../shared/errors.ts';
import type { Certificate } from './x509.ts';

/** Throws RL_CERT_EXPIRED outside the certificate's period of validity, RL_CERT_INVALID when it has none. */
export function checkValidity(certificate: Certificate, nowMs: number): void {
  const { validFromDate, validToDate } = certificate.x509;
  const now = new Date(nowMs).toISOString();
  if (Number.isNaN(validFromDate.getTime() + validToDate.getTime())) {
    throw invalid(certificate, 'its period of validity cannot be read');
  }
  if (nowMs < validFromDate.getTime()) {
    throw new LabError(
      'RL_CERT_EXPIRED',
      `The certificate "${certificate.label}" is valid only from ${validFromDate.toISOString()}; it is ${now} now.`,
    );
  }
  if (nowMs > validToDate.getTime()) {
    throw new LabError(
      'RL_CERT_EXPIRED',
      `The certificate "${certificate.label}" expired at ${validToDate.toISOString()}; it is ${now} now.`,
    );
  }
}

/** Throws RL_CERT_INVALID unless the certificate may identify a TLS 1.3 server. */
export function checkServerUsage(leaf: Certificate): void {
  const { keyUsage } = leaf.details;
  // RFC 8446 §4.4.2.2: the key signs the handshake.
  if (keyUsage !== null && !(keyUsage & KeyUsageFlags.digitalSignature)) {
    throw invalid(leaf, 'its key usage does not allow digital signatures');
  }
  checkCommon(leaf);
}

/** Throws RL_CERT_INVALID unless the certificate may issue the last one of `path` (leaf first). */
export function checkAuthority(issuer: Certificate, path: readonly Certificate[], isAnchor: boolean): void {
  const { basicConstraints, keyUsage, version } = issuer.details;
  // Old roots are of version 1, which cannot say that they are authorities (§6.1.4 k): trust in them says it.
  if (!basicConstraints?.ca && !(isAnchor && version < 3)) {
    throw invalid(issuer, 'it is not a certificate authority');
  }
  if (keyUsage !== null && !(keyUsage & KeyUsageFlags.keyCertSign)) {
    throw invalid(issuer, 'its key usage does not allow signing certificates');
  }
  // §6.1.4 (l), (m): self-issued intermediates do not count, and neither does the leaf.
  const between = path.slice(1).filter((certificate) => !certificate.selfIssued).length;
  const limit = basicConstraints?.pathLength ?? null;
  if (limit !== null && between > limit) {
    throw invalid(issuer, `it allows ${limit} intermediate authorities below it, and there are ${between}`);
  }
  checkCommon(issuer);
}

/** Throws RL_CERT_INVALID for keys that are too weak, or of a kind no TLS 1.3 server uses. */
export function checkKey(certificate: Certificate): void {
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
  switch (asymmetricKeyType) {
    case 'rsa':
    case 'rsa-pss': {
      const bits = asymmetricKeyDetails?.modulusLength ?? 0;
      if (bits < MIN_RSA_BITS) throw invalid(certificate, `its RSA key has only ${bits} bits`);
      return;
    }
    case 'ec':
      if (!CURVES.has(asymmetricKeyDetails?.namedCurve ?? '')) {
        throw invalid(certificate, `its key is on the curve ${asymmetricKeyDetails?.namedCurve}`);
      }
      return;
    case 'ed25519':
      return;
    default:
      throw invalid(certificate, `its key is of the unsupported type ${asymmetricKeyType}`);
  }
}

/** Throws RL_CERT_INVALID when the certificate was signed with a broken or unknown algorithm, such as SHA-1. */
export function checkSignatureAlgorithm(certificate: Certificate): void {
  const { signatureAlgorithm } = certificate.details;
  if (!SIGNATURE_ALGORITHMS.has(signatureAlgorithm)) {
    throw invalid(
      certificate,
      `it is signed with an algorithm that is not secure or not known (${signatureAlgorithm})`,
    );
  }
}

function checkCommon(certificate: Certificate): void {
  const { extendedKeyUsage, unknownCritical } = certificate.details;
  if (
    extendedKeyUsage &&
    !extendedKeyUsage.includes(id_kp_serverAuth) &&
    !extendedKeyUsage.includes(anyExtendedKeyUsage)
  ) {
    throw invalid(certificate, 'its extended key usage does not allow TLS servers');
  }
  if (unknownCritical.length > 0) {
    throw invalid(certificate, `it has the unknown critical extension ${unknownCritical.join(', ')}`);
  }
}

/** The error for a certificate that cannot be used, because of `why`. */
export const invalid = (certificate: Certificate, why: string): LabError =>
  new LabError('RL_CERT_INVALID', `The certificate "${certificate.label}" cannot be used: ${why}.`);

/** 112 bits of security (NIST SP 800-57 part 1, table 2), as the CA/Browser Forum requires. */
const MIN_RSA_BITS = 2048;

const CURVES: ReadonlySet<string> = new Set(['prime256v1', 'secp384r1', 'secp521r1']);

const SIGNATURE_ALGORITHMS: ReadonlySet<string> = new Set([
  '1.2.840.113549.1.1.11', // sha256WithRSAEncryption
  '1.2.840.113549.1.1.12', // sha384WithRSAEncryption
  '1.2.840.113549.1.1.13', // sha512WithRSAEncryption
  '1.2.840.113549.1.1.10', // RSASSA-PSS
  '1.2.840.10045.4.3.2', // ecdsa-with-SHA256
  '1.2.840.10045.4.3.3', // ecdsa-with-SHA384
  '1.2.840.10045.4.3.4', // ecdsa-with-SHA512
  '1.3.101.112', // Ed25519
]);
