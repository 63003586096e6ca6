/**
 * Verification of a server's certificate chain (RFC 5280 §6, RFC 9525), synchronous and with the time as an
 * argument. Not checked: revocation.
 */
import { LabError } from '../../../shared/errors.ts';
import { checkHostName } from './host-names.ts';
import { checkNameConstraints } from './name-constraints.ts';
import { anchorsFromPem, systemAnchors, type TrustAnchors } from './trust-anchors.ts';
import {
  checkAuthority,
  checkKey,
  checkServerUsage,
  checkSignatureAlgorithm,
  checkValidity,
  invalid,
} from './usage.ts';
import { VerifiedChains } from './verified-chains.ts';
import { Certificate } from './x509.ts';

/** Longest chain followed, leaf and anchor included. */
const MAX_CHAIN = 10;
/** Signature checks spent on one chain: bounds what a server can make us compute with certificates of equal names. */
const MAX_SIGNATURES = 64;

/**
 * Makes the `verify` of a client handshake: it takes the server's chain (DER, leaf first, the rest in any order) and
 * throws LabError RL_CERT_EXPIRED, RL_CERT_UNTRUSTED, RL_CERT_HOST_MISMATCH or RL_CERT_INVALID. `name` is the host
 * name or IP address that must be in the certificate, `nowMs` the time in unix milliseconds. Reads the system's roots
 * here rather than in the middle of a handshake that is being measured. Throws LabError RL_INPUT_INVALID when `ca`
 * holds no certificate.
 */
export function makeVerifier(
  trust: { ca: readonly string[]; system: boolean },
  name: string,
  nowMs: () => number,
): (chain: Buffer[]) => void {
  const anchors = [anchorsFromPem(trust.ca), ...(trust.system ? [systemAnchors()] : [])];
  const trusted = `${trust.system ? 'system' : ''} ${trust.ca.join('\n')}`;
  return (chain) => {
    const now = nowMs();
    const key = VerifiedChains.key(trusted, name, chain);
    if (verified.has(key, now)) return;
    const [leaf, ...others] = readChain(chain);
    checkValidity(leaf, now);
    checkServerUsage(leaf);
    checkKey(leaf);
    new PathSearch(anchors, others, now, name).run(leaf);
    checkHostName(leaf, name);
    const ends = [leaf, ...others].map(({ x509 }) => x509.validToDate.getTime());
    verified.add(key, now, Math.min(...ends));
  };
}

const verified = new VerifiedChains();

function readChain(chain: readonly Buffer[]): [Certificate, ...Certificate[]] {
  const [first, ...rest] = chain;
  if (!first) throw new LabError('RL_CERT_INVALID', 'The server sent no certificate.');
  let leaf: Certificate;
  try {
    leaf = new Certificate(first);
  } catch (cause) {
    throw new LabError('RL_CERT_INVALID', 'The certificate of the server cannot be read.', { cause });
  }
  if (leaf.x509.raw.length !== first.length) {
    throw new LabError('RL_CERT_INVALID', 'The certificate of the server is followed by other bytes.');
  }
  // RFC 8446 §4.4.2: be prepared for extra certificates; one that cannot be read cannot be part of a chain either.
  const others = rest.flatMap((der) => {
    try {
      return [new Certificate(der)];
    } catch {
      return [];
    }
  });
  return [leaf, ...others];
}

/** Depth-first search for a path from the leaf to an anchor, through whatever certificates the server sent along. */
class PathSearch {
  readonly #anchors: readonly TrustAnchors[];
  readonly #others: readonly Certificate[];
  readonly #nowMs: number;
  readonly #name: string;
  #signatures = 0;
  #fault: LabError | null = null;

  constructor(anchors: readonly TrustAnchors[], others: readonly Certificate[], nowMs: number, name: string) {
    this.#anchors = anchors;
    this.#others = others;
    this.#nowMs = nowMs;
    this.#name = name;
  }

  run(leaf: Certificate): void {
    if (!this.#reaches([leaf])) throw this.#fault;
  }

  #reaches(path: readonly Certificate[]): boolean {
    const subject = path.at(-1)!;
    if (this.#isAnchor(subject)) return true;
    const issuers = [
      ...this.#anchors.flatMap((anchors) => anchors.named(subject.issuerKey)),
      ...this.#others.filter((other) => other.subjectKey === subject.issuerKey),
    ];
    let found = false;
    for (const issuer of issuers) {
      try {
        // The same authority under another certificate is not its own issuer either: no loops.
        if (path.some((seen) => sameHolder(seen, issuer))) continue;
        found = true;
        this.#check(issuer, path);
      } catch (error) {
        this.#blame(error);
        continue;
      }
      if (this.#reaches([...path, issuer])) return true;
    }
    if (!found) this.#blame(unknownIssuer(path));
    return false;
  }

  /** Throws LabError unless `issuer` may stand above `path`. */
  #check(issuer: Certificate, path: readonly Certificate[]): void {
    const subject = path.at(-1)!;
    if (path.length === MAX_CHAIN || this.#signatures === MAX_SIGNATURES) {
      throw invalid(subject, 'the chain above it is too long or too tangled to follow');
    }
    this.#signatures += 1;
    if (!subject.x509.verify(issuer.publicKey)) {
      throw new LabError(
        'RL_CERT_UNTRUSTED',
        `The certificate "${subject.label}" was not signed by the authority "${issuer.label}" known here, but by ` +
          'another one of the same name.',
      );
    }
    checkAuthority(issuer, path, this.#isAnchor(issuer));
    if (!subject.x509.checkIssued(issuer.x509)) {
      throw invalid(subject, `what it says of its issuer does not agree with "${issuer.label}"`);
    }
    checkSignatureAlgorithm(subject);
    checkKey(issuer);
    checkValidity(issuer, this.#nowMs);
    checkNameConstraints(issuer, path, this.#name);
  }

  #isAnchor(certificate: Certificate): boolean {
    return this.#anchors.some((anchors) => anchors.has(certificate));
  }

  /** Keeps the most telling fault: a path that cannot be used says more than one that was not found. */
  #blame(error: unknown): void {
    if (!(error instanceof LabError)) throw error;
    if (!this.#fault || (this.#fault.code === 'RL_CERT_UNTRUSTED' && error.code !== 'RL_CERT_UNTRUSTED')) {
      this.#fault = error;
    }
  }
}

const sameHolder = (a: Certificate, b: Certificate): boolean =>
  a.subjectKey === b.subjectKey && a.publicKey.equals(b.publicKey);

function unknownIssuer(path: readonly Certificate[]): LabError {
  const [leaf] = path as [Certificate];
  const last = path.at(-1)!;
  if (!last.selfIssued) {
    return new LabError(
      'RL_CERT_UNTRUSTED',
      `The certificate "${last.label}" was issued by "${last.issuerLabel}", an unknown authority: it is neither trusted ` +
        'here nor among the certificates the server sent.',
    );
  }
  return new LabError(
    'RL_CERT_UNTRUSTED',
    last === leaf
      ? `The certificate "${leaf.label}" is self-signed, and it is not trusted here.`
      : `The chain of "${leaf.label}" ends at the self-signed authority "${last.label}", which is not trusted here.`,
  );
}
