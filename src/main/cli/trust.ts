/** Certificates for the command line: whom a probe trusts, and what a server shows. */
import { join } from 'node:path';
import { LabError } from '../../shared/errors.ts';
import { createAuthority, issueCertificate } from '../quic/tls/authority.ts';
import type { TrustOptions } from '../quic/udp/api.ts';
import { defaultDataDir } from '../store/data-dir.ts';
import { loadAuthority, loadOrCreateAuthority } from '../store/secrets.ts';
import { readText } from './readable.ts';

const CERTIFICATE_DAYS = 90;

export interface Identity {
  /** PEM. */
  certificate: string;
  privateKey: string;
  /** Where others find the authority that issued it, and for which names; null for a certificate from --cert. */
  authority: { path: string; names: readonly string[] } | null;
}

/** The system's roots, the lab's own authority if its data folder has one, and `--ca`. */
export function readTrust(options: { ca?: readonly string[]; data?: string; insecure?: true }): TrustOptions {
  const given = (options.ca ?? []).map((path) => {
    const text = readText(path, '--ca');
    if (!text.includes('-----BEGIN CERTIFICATE-----'))
      throw new LabError('RL_INPUT_INVALID', `--ca: there is no PEM certificate in ${path}`, {
        field: '--ca',
      });
    return text;
  });
  const lab = loadAuthority(options.data ?? defaultDataDir());
  return {
    ca: lab === null ? given : [...given, lab.certPem],
    system: true,
    insecure: options.insecure ?? false,
  };
}

export const readIdentity = (cert: string, key: string): Identity => ({
  certificate: readText(cert, '--cert'),
  privateKey: readText(key, '--key'),
  authority: null,
});

/** A certificate of the lab's authority, which is made when the data folder has none. */
export async function issueIdentity(data: string | undefined, names: readonly string[]): Promise<Identity> {
  const dataDir = data ?? defaultDataDir();
  const authority = await loadOrCreateAuthority(dataDir, () => createAuthority(Date.now()));
  const { certPem, keyPem } = await issueCertificate(authority, {
    names: [...names],
    days: CERTIFICATE_DAYS,
    nowMs: Date.now(),
  });
  return {
    certificate: certPem,
    privateKey: keyPem,
    authority: { path: join(dataDir, 'authority', 'ca.pem'), names },
  };
}
