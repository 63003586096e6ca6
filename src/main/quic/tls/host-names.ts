/** Host names and addresses in certificates (RFC 9525): only subjectAltName counts, never the common name. */
import { LabError } from '../../../shared/errors.ts';
import type { Certificate } from './x509.ts';

const IPV4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;

/**
 * The canonical text of an IPv4 or IPv6 address, with or without brackets and zone; null when `name` is none.
 * Without node:net, which stays outside the protocol rooms.
 */
export function parseAddress(name: string): string | null {
  const bare = name.replaceAll(/^\[|\]$|%.*$/g, '');
  if (IPV4.test(bare)) return bare;
  const url = URL.parse(`http://[${bare}]/`);
  return url && bare.includes(':') ? url.hostname.slice(1, -1) : null;
}

/** A host name as certificates hold it: without the root's dot. */
export const bareHost = (name: string): string => name.replace(/\.$/, '');

/** Most names that a message lists. */
const LISTED = 8;

/** Throws LabError RL_CERT_HOST_MISMATCH, listing the certificate's names, unless `name` is one of them. */
export function checkHostName(certificate: Certificate, name: string): void {
  const { x509 } = certificate;
  const address = parseAddress(name);
  const matches =
    address === null
      ? // RFC 9525 §6.3: a wildcard is a whole left-most label.
        x509.checkHost(bareHost(name), { subject: 'never', partialWildcards: false })
      : x509.checkIP(address);
  if (matches !== undefined) return;
  const names = certificate.details.alternativeNames
    .map((entry) => entry.dNSName ?? entry.iPAddress)
    .filter((entry) => entry !== undefined)
    .map(printable);
  const listed = names.slice(0, LISTED).join(', ');
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : '';
  throw new LabError(
    'RL_CERT_HOST_MISMATCH',
    names.length > 0
      ? `The certificate is for ${listed}${more}, not for ${name}.`
      : `The certificate "${certificate.label}" names no host in its subjectAltName, so it is not for ${name}.`,
    { field: 'serverName' },
  );
}

/** Names come from the server: no control characters on a terminal or in a log. */
const printable = (name: string): string => name.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 253);
