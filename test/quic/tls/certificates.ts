/** Certificates of every kind for the tests, valid through 2026 unless told otherwise. */
import { createHash, generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
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
  KeyIdentifier,
  KeyUsage,
  Name,
  RelativeDistinguishedName,
  SubjectAlternativeName,
  SubjectKeyIdentifier,
  SubjectPublicKeyInfo,
  TBSCertificate,
  Validity,
  Version,
} from '@peculiar/asn1-x509';
import { parseAddress } from '../../../src/main/quic/tls/host-names.ts';

export const NOW = Date.parse('2026-06-15T12:00:00Z');

export type KeyKind = 'P-256' | 'P-384' | 'P-521' | 'P-224' | 'RSA' | 'RSA-1024' | 'Ed25519' | 'DSA';

export function makeKey(kind: KeyKind): { publicKey: KeyObject; privateKey: KeyObject } {
  switch (kind) {
    case 'P-256':
      return generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    case 'P-384':
      return generateKeyPairSync('ec', { namedCurve: 'secp384r1' });
    case 'P-521':
      return generateKeyPairSync('ec', { namedCurve: 'secp521r1' });
    case 'P-224':
      return generateKeyPairSync('ec', { namedCurve: 'secp224r1' });
    case 'RSA':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
    case 'RSA-1024':
      return generateKeyPairSync('rsa', { modulusLength: 1024 });
    case 'Ed25519':
      return generateKeyPairSync('ed25519');
    case 'DSA':
      return generateKeyPairSync('dsa', { modulusLength: 1024, divisorLength: 160 });
  }
}

export interface Made {
  subject: string;
  der: Buffer;
  pem: string;
  publicKey: KeyObject;
  privateKey: KeyObject;
}

export interface Wish {
  subject: string;
  /** Default: self-signed. */
  issuer?: Made;
  keys?: { publicKey: KeyObject; privateKey: KeyObject };
  key?: KeyKind;
  names?: readonly string[];
  /** Makes it an authority; a number is its path length constraint. */
  ca?: boolean | number;
  keyUsage?: number;
  extendedKeyUsage?: readonly string[];
  from?: string;
  to?: string;
  hash?: 'sha1' | 'sha256' | 'sha384' | 'sha512';
  version?: 1 | 3;
  /** Writes another key identifier of the issuer than it has. */
  wrongAuthorityKey?: boolean;
  extensions?: readonly Extension[];
}

const SIGNATURE_OIDS: Record<string, string> = {
  'rsa sha1': '1.2.840.113549.1.1.5',
  'rsa sha256': '1.2.840.113549.1.1.11',
  'rsa sha384': '1.2.840.113549.1.1.12',
  'rsa sha512': '1.2.840.113549.1.1.13',
  'ec sha1': '1.2.840.10045.4.1',
  'ec sha256': '1.2.840.10045.4.3.2',
  'ec sha384': '1.2.840.10045.4.3.3',
  'ec sha512': '1.2.840.10045.4.3.4',
  ed25519: '1.3.101.112',
};

export function make(wish: Wish): Made {
  const { publicKey, privateKey } = wish.keys ?? makeKey(wish.key ?? 'P-256');
  const signer = wish.issuer?.privateKey ?? privateKey;
  const hash = wish.hash ?? 'sha256';
  const type = signer.asymmetricKeyType!;
  const algorithm = new AlgorithmIdentifier({
    algorithm: SIGNATURE_OIDS[type === 'ed25519' ? type : `${type} ${hash}`]!,
    ...(type === 'rsa' ? { parameters: null } : {}),
  });
  const extensions = [
    ...(wish.ca === undefined
      ? []
      : [
          extension(
            id_ce_basicConstraints,
            new BasicConstraints({
              cA: wish.ca !== false,
              ...(typeof wish.ca === 'number' ? { pathLenConstraint: wish.ca } : {}),
            }),
            true,
          ),
        ]),
    ...(wish.keyUsage === undefined ? [] : [extension(id_ce_keyUsage, new KeyUsage(wish.keyUsage), true)]),
    ...(wish.extendedKeyUsage
      ? [extension(id_ce_extKeyUsage, new ExtendedKeyUsage([...wish.extendedKeyUsage]))]
      : []),
    ...(wish.names
      ? [extension(id_ce_subjectAltName, new SubjectAlternativeName(wish.names.map(altName)))]
      : []),
    extension(id_ce_subjectKeyIdentifier, new SubjectKeyIdentifier(keyId(publicKey))),
    ...(wish.issuer
      ? [
          extension(
            id_ce_authorityKeyIdentifier,
            new AuthorityKeyIdentifier({
              keyIdentifier: new KeyIdentifier(
                wish.wrongAuthorityKey ? Buffer.alloc(20, 1) : keyId(wish.issuer.publicKey),
              ),
            }),
          ),
        ]
      : []),
    ...(wish.extensions ?? []),
  ];
  const tbsCertificate = new TBSCertificate({
    version: wish.version === 1 ? Version.v1 : Version.v3,
    serialNumber: Uint8Array.from([0x40, ...keyId(publicKey)])
      .subarray(0, 9)
      .slice().buffer,
    signature: algorithm,
    issuer: name(wish.issuer?.subject ?? wish.subject),
    validity: new Validity({
      notBefore: new Date(wish.from ?? '2026-01-01T00:00:00Z'),
      notAfter: new Date(wish.to ?? '2027-01-01T00:00:00Z'),
    }),
    subject: name(wish.subject),
    subjectPublicKeyInfo: AsnConvert.parse(spki(publicKey), SubjectPublicKeyInfo),
    ...(wish.version === 1 ? {} : { extensions: new Extensions(extensions) }),
  });
  const signature = sign(
    type === 'ed25519' ? null : hash,
    Buffer.from(AsnConvert.serialize(tbsCertificate)),
    signer,
  );
  const der = Buffer.from(
    AsnConvert.serialize(
      new Certificate({
        tbsCertificate,
        signatureAlgorithm: algorithm,
        signatureValue: new Uint8Array(signature).buffer,
      }),
    ),
  );
  return { subject: wish.subject, der, pem: new X509Certificate(der).toString(), publicKey, privateKey };
}

export const extension = (extnID: string, value: unknown, critical = false): Extension =>
  new Extension({ extnID, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });

const altName = (text: string): GeneralName => {
  const iPAddress = parseAddress(text);
  if (iPAddress !== null) return new GeneralName({ iPAddress });
  return text.includes('@') ? new GeneralName({ rfc822Name: text }) : new GeneralName({ dNSName: text });
};

/** An empty text is an empty name. */
const name = (text: string): Name =>
  new Name(
    text === ''
      ? []
      : [
          new RelativeDistinguishedName([
            new AttributeTypeAndValue({ type: '2.5.4.3', value: new AttributeValue({ utf8String: text }) }),
          ]),
        ],
  );

const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });

const keyId = (key: KeyObject): Buffer => createHash('sha256').update(spki(key)).digest().subarray(0, 20);
