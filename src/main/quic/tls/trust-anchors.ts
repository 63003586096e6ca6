/** The certificates a chain may end at. */
import { getCACertificates, rootCertificates } from 'node:tls';
import { LabError } from '../../../shared/errors.ts';
import { Certificate } from './x509.ts';

export class TrustAnchors {
  readonly #bySubject = new Map<string, Certificate[]>();
  readonly #fingerprints = new Set<string>();

  constructor(certificates: Iterable<Certificate>) {
    for (const certificate of certificates) {
      if (this.has(certificate)) continue;
      this.#fingerprints.add(certificate.x509.fingerprint256);
      const named = this.#bySubject.get(certificate.subjectKey);
      if (named) named.push(certificate);
      else this.#bySubject.set(certificate.subjectKey, [certificate]);
    }
  }

  has(certificate: Certificate): boolean {
    return this.#fingerprints.has(certificate.x509.fingerprint256);
  }

  named(subjectKey: string): readonly Certificate[] {
    return this.#bySubject.get(subjectKey) ?? [];
  }
}

const PEM = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Reads PEM texts, each with any number of certificates. Throws LabError RL_INPUT_INVALID (field `ca`). */
export function anchorsFromPem(texts: readonly string[]): TrustAnchors {
  const key = texts.join('\n');
  const known = parsed.get(key);
  if (known) return known;
  const anchors = readAnchors(texts);
  parsed.set(key, anchors);
  for (const oldest of parsed.keys()) {
    if (parsed.size <= REMEMBERED) break;
    parsed.delete(oldest);
  }
  return anchors;
}

/** Sets of anchors remembered, so that every connection of a probe does not read the same files' certificates again. */
const REMEMBERED = 16;
const parsed = new Map<string, TrustAnchors>();

function readAnchors(texts: readonly string[]): TrustAnchors {
  return new TrustAnchors(
    texts.flatMap((text, index) => {
      try {
        const certificates = (text.match(PEM) ?? []).map((pem) => new Certificate(pem));
        if (certificates.length > 0) return certificates;
      } catch (cause) {
        throw new LabError('RL_INPUT_INVALID', `Trusted certificate ${index + 1} cannot be read.`, {
          field: 'ca',
          cause,
        });
      }
      throw new LabError('RL_INPUT_INVALID', `Trusted certificate ${index + 1} is not PEM.`, { field: 'ca' });
    }),
  );
}

let system: TrustAnchors | null = null;

/** A system that shows fewer has none of its own, or lets programs see only what was added by hand. */
const FEWEST_ROOTS = 30;

/**
 * The operating system's roots, and what NODE_EXTRA_CA_CERTS names; with Node's own where the system's are not there to be
 * seen. Read once, at the first call, which takes about 0.1 s.
 */
export function systemAnchors(): TrustAnchors {
  system ??= new TrustAnchors(systemRoots().map((pem) => new Certificate(pem)));
  return system;
}

/** The same as PEM. */
export function systemRoots(): string[] {
  const own = roots('system');
  const isComplete = own.length >= FEWEST_ROOTS;
  return [...new Set([...own, ...roots(isComplete ? 'extra' : 'default')])];
}

function roots(store: 'system' | 'default' | 'extra'): readonly string[] {
  try {
    return getCACertificates(store);
  } catch {
    // Not every runtime can read every store; the roots compiled in are always there.
    return rootCertificates;
  }
}
