/**
 * One X.509 certificate (RFC 5280): node:crypto parses it and checks signatures and names; what it does not
 * expose (constraints, usages, critical extensions) is parsed here.
 */
import { type KeyObject, X509Certificate } from 'node:crypto';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  Certificate as AsnCertificate,
  BasicConstraints,
  ExtendedKeyUsage,
  type Extension,
  type GeneralName,
  id_ce_basicConstraints,
  id_ce_certificatePolicies,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_nameConstraints,
  id_ce_subjectAltName,
  KeyUsage,
  NameConstraints,
  SubjectAlternativeName,
} from '@peculiar/asn1-x509';
import { LabError } from '../../../shared/errors.ts';

/** Extensions whose meaning we enforce, or may ignore: any certificate policy is acceptable (RFC 5280 §6.1.1 c). */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  id_ce_basicConstraints,
  id_ce_certificatePolicies,
  id_ce_extKeyUsage,
  id_ce_keyUsage,
  id_ce_nameConstraints,
  id_ce_subjectAltName,
]);

/** What the extensions say; null where one is absent. */
interface Details {
  version: number;
  signatureAlgorithm: string;
  basicConstraints: { ca: boolean; pathLength: number | null } | null;
  /** Flags of RFC 5280 §4.2.1.3, bit 0 lowest. */
  keyUsage: number | null;
  extendedKeyUsage: readonly string[] | null;
  nameConstraints: NameConstraints | null;
  alternativeNames: readonly GeneralName[];
  /** OIDs of critical extensions that are not understood. */
  unknownCritical: readonly string[];
}

export class Certificate {
  readonly x509: X509Certificate;
  /** Subject and issuer in a form that compares as RFC 5280 §7.1 asks: case and spaces do not matter. */
  readonly subjectKey: string;
  readonly issuerKey: string;
  #details: Details | null = null;

  /** Takes DER or PEM. Throws what node:crypto throws. */
  constructor(encoded: Buffer | string) {
    this.x509 = new X509Certificate(encoded);
    this.subjectKey = comparable(this.x509.subject);
    this.issuerKey = comparable(this.x509.issuer);
  }

  /** A short name for messages: the common name, or what there is. */
  get label(): string {
    return commonName(this.x509.subject);
  }

  get issuerLabel(): string {
    return commonName(this.x509.issuer);
  }

  get selfIssued(): boolean {
    return this.subjectKey === this.issuerKey;
  }

  /** Throws LabError RL_CERT_INVALID when the runtime cannot use the key. */
  get publicKey(): KeyObject {
    try {
      return this.x509.publicKey;
    } catch (cause) {
      throw new LabError(
        'RL_CERT_INVALID',
        `The certificate "${this.label}" has a key that cannot be used.`,
        {
          cause,
        },
      );
    }
  }

  /** Throws LabError RL_CERT_INVALID when an extension is malformed. */
  get details(): Details {
    this.#details ??= this.#parse();
    return this.#details;
  }

  #parse(): Details {
    try {
      const { tbsCertificate, signatureAlgorithm } = AsnConvert.parse(this.x509.raw, AsnCertificate);
      const extensions = new Map<string, Extension>();
      for (const extension of tbsCertificate.extensions ?? []) {
        // RFC 5280 §4.2: no more than one instance of an extension.
        if (extensions.has(extension.extnID)) throw new Error(`extension ${extension.extnID} appears twice`);
        extensions.set(extension.extnID, extension);
      }
      const read = <T>(id: string, type: new () => T): T | null => {
        const extension = extensions.get(id);
        return extension ? AsnConvert.parse(extension.extnValue, type) : null;
      };
      const basic = read(id_ce_basicConstraints, BasicConstraints);
      return {
        version: tbsCertificate.version + 1,
        signatureAlgorithm: signatureAlgorithm.algorithm,
        basicConstraints: basic && { ca: basic.cA, pathLength: basic.pathLenConstraint ?? null },
        keyUsage: read(id_ce_keyUsage, KeyUsage)?.toNumber() ?? null,
        extendedKeyUsage: read(id_ce_extKeyUsage, ExtendedKeyUsage),
        nameConstraints: this.#nameConstraints(extensions.get(id_ce_nameConstraints)),
        alternativeNames: read(id_ce_subjectAltName, SubjectAlternativeName) ?? [],
        unknownCritical: [...extensions.values()]
          .filter((extension) => extension.critical && !UNDERSTOOD.has(extension.extnID))
          .map((extension) => extension.extnID),
      };
    } catch (cause) {
      throw new LabError(
        'RL_CERT_INVALID',
        `The certificate "${this.label}" is malformed: ${(cause as Error).message}`,
        { cause },
      );
    }
  }

  #nameConstraints(extension: Extension | undefined): NameConstraints | null {
    if (!extension) return null;
    const constraints = AsnConvert.parse(extension.extnValue, NameConstraints);
    // The parser turns a subnet into text and would lose a mask with holes: what does not survive the way back
    // was not understood.
    const again = Buffer.from(AsnConvert.serialize(constraints));
    if (!again.equals(Buffer.from(extension.extnValue.buffer)))
      throw new Error('name constraints not understood');
    return constraints;
  }
}

/** node:crypto renders a name as one attribute a line, whatever string types encode it. */
const comparable = (name: string): string => name.toLowerCase().replaceAll(/ +/g, ' ');

/** node:crypto escapes control characters; the length is the issuer's choice, so it is cut. */
const commonName = (name: string): string => {
  const lines = name.split('\n');
  const text =
    lines.findLast((line) => line.startsWith('CN='))?.slice(3) ?? (lines.join(', ') || '(no name)');
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
};
