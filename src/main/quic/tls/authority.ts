/**
 * The lab's own certificate authority: makes certificates, keeps none. EC P-256 throughout; an authority can issue
 * for servers only, and no authorities below it.
 */
import {
  createHash,
  createPrivateKey,
  generateKeyPair,
  type KeyObject,
  // biome-ignore lint/style/noRestrictedImports: keys, serial numbers and names of authorities are random by nature.
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { promisify } from 'node:util';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import {
  AlgorithmIdentifier,
  AttributeTypeAndValue,
  AttributeValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  ExtendedKeyUsage,
  Extension,
  Extensions,
  GeneralName,
  id_ce_authorityKeyIdentifier,
  id_ce_basicConstraints,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_subjectAltName,
  id_ce_subjectKeyIdentifier,
  id_kp_serverAuth,
  KeyIdentifier,
  KeyUsage,
  KeyUsageFlags,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';
import { LabError } from '../../../shared/errors.ts';
import { parseAddress } from './host-names.ts';

/** PEM: a certificate and its PKCS #8 private key. */
export interface IssuedCertificate {
  certPem: string;
  keyPem: string;
}

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3650;
/** Certificates are valid from a little before they are made: clocks of different machines differ. */
const BACKDATE_MS = 3_600_000;

/** A new authority, valid ten years from `nowMs` (unix milliseconds). */
export async function createAuthority(nowMs: number): Promise<IssuedCertificate> {
  const { publicKey, privateKey } = await newKey();
  // A lab set up anew gets another name, so that its certificates are never mistaken for the old one's.
  const name = distinguishedName(`RouteLab authority ${randomBytes(3).toString('hex')}`);
  const certPem = makeCertificate({
    issuer: name,
    subject: name,
    publicKey,
    signingKey: privateKey,
    nowMs,
    days: AUTHORITY_DAYS,
    extensions: [
      extension(id_ce_basicConstraints, new BasicConstraints({ cA: true, pathLenConstraint: 0 }), true),
      extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign), true),
      extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth])),
      extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyIdentifier(publicKey))),
    ],
  });
  return { certPem, keyPem: pkcs8(privateKey) };
}

/**
 * A server certificate for `names` (host names, wildcards and IP addresses), valid for `days` from `nowMs` (unix
 * milliseconds). The result's `certPem` is the chain to serve. Throws LabError RL_INPUT_INVALID (field `names`).
 */
export async function issueCertificate(
  authority: IssuedCertificate,
  options: { names: readonly string[]; days: number; nowMs: number },
): Promise<IssuedCertificate> {
  const names = options.names.map(generalName);
  if (names.length === 0) {
    throw new LabError('RL_INPUT_INVALID', 'A certificate needs at least one name.', { field: 'names' });
  }
  const issuer = new X509Certificate(authority.certPem);
  const issuerName = AsnConvert.parse(issuer.raw, Certificate).tbsCertificate.subject;
  const { publicKey, privateKey } = await newKey();
  const certPem = makeCertificate({
    issuer: issuerName,
    subject: distinguishedName(commonName(options.names)),
    publicKey,
    signingKey: createPrivateKey(authority.keyPem),
    nowMs: options.nowMs,
    days: options.days,
    extensions: [
      extension(id_ce_basicConstraints, new BasicConstraints({ cA: false }), true),
      extension(id_ce_keyUsage, new KeyUsage(KeyUsageFlags.digitalSignature), true),
      extension(id_ce_extKeyUsage, new ExtendedKeyUsage([id_kp_serverAuth])),
      extension(id_ce_subjectAltName, new SubjectAlternativeName(names)),
      extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyIdentifier(publicKey))),
      extension(
        id_ce_authorityKeyIdentifier,
        new AuthorityKeyIdentifier({ keyIdentifier: new KeyIdentifier(keyIdentifier(issuer.publicKey)) }),
      ),
    ],
  });
  return { certPem, keyPem: pkcs8(privateKey) };
}

interface CertificateFields {
  issuer: Name;
  subject: Name;
  publicKey: KeyObject;
  signingKey: KeyObject;
  nowMs: number;
  days: number;
  extensions: Extension[];
}

function makeCertificate(fields: CertificateFields): string {
  const ecdsaWithSha256 = new AlgorithmIdentifier({ algorithm: '1.2.840.10045.4.3.2' });
  // RFC 5280 §4.1.2.2: positive and at most 20 octets; 126 random bits.
  const serialNumber = randomBytes(16);
  serialNumber[0] = (serialNumber[0]! & 0x3f) | 0x40;
  const tbsCertificate = new TBSCertificate({
    version: Version.v3,
    serialNumber: toArrayBuffer(serialNumber),
    signature: ecdsaWithSha256,
    issuer: fields.issuer,
    validity: new Validity({
      notBefore: new Date(fields.nowMs - BACKDATE_MS),
      notAfter: new Date(fields.nowMs + fields.days * DAY_MS),
    }),
    subject: fields.subject,
    subjectPublicKeyInfo: AsnConvert.parse(spki(fields.publicKey), SubjectPublicKeyInfo),
    extensions: new Extensions(fields.extensions),
  });
  const signature = sign('sha256', Buffer.from(AsnConvert.serialize(tbsCertificate)), fields.signingKey);
  const der = AsnConvert.serialize(
    new Certificate({
      tbsCertificate,
      signatureAlgorithm: ecdsaWithSha256,
      signatureValue: toArrayBuffer(signature),
    }),
  );
  return new X509Certificate(Buffer.from(der)).toString();
}

const newKey = (): Promise<{ publicKey: KeyObject; privateKey: KeyObject }> =>
  promisify(generateKeyPair)('ec', { namedCurve: 'prime256v1' });

const pkcs8 = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;

const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });

/** RFC 7093 §2 (1): the left-most 160 bits of the SHA-256 of the public key. */
const keyIdentifier = (key: KeyObject): Buffer => {
  const { subjectPublicKey } = AsnConvert.parse(spki(key), SubjectPublicKeyInfo);
  return createHash('sha256').update(Buffer.from(subjectPublicKey)).digest().subarray(0, 20);
};

const extension = (extnID: string, value: unknown, critical = false): Extension =>
  new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });

const distinguishedName = (name: string): Name =>
  new Name([
    new RelativeDistinguishedName([
      new AttributeTypeAndValue({ type: '2.5.4.3', value: new AttributeValue({ utf8String: name }) }),
    ]),
  ]);

/** RFC 5280 ub-common-name: 64 characters. What is longer is in the subjectAltName only. */
const commonName = (names: readonly string[]): string =>
  names.find((name) => name.length <= 64) ?? 'RouteLab server';

const HOST = /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9])?)*$/i;

function generalName(name: string): GeneralName {
  const address = parseAddress(name);
  if (address !== null) return new GeneralName({ iPAddress: address });
  if (name.length <= 253 && HOST.test(name)) return new GeneralName({ dNSName: name });
  throw new LabError('RL_INPUT_INVALID', `"${name}" is neither a host name nor an IP address.`, {
    field: 'names',
  });
}

const toArrayBuffer = (bytes: Buffer): ArrayBuffer => new Uint8Array(bytes).buffer;
