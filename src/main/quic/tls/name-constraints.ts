/** Name constraints (RFC 5280 §4.2.1.10) for host names and addresses; others are refused where they would matter. */
import { AsnConvert } from '@peculiar/asn1-schema';
import { GeneralName, type GeneralSubtree } from '@peculiar/asn1-x509';
import { bareHost, parseAddress } from './host-names.ts';
import { invalid } from './usage.ts';
import type { Certificate } from './x509.ts';

/**
 * Throws LabError RL_CERT_INVALID when `issuer` may not issue for the names in `path` (leaf first), or for the
 * requested `name` itself, which also covers what a wildcard stands for.
 */
export function checkNameConstraints(issuer: Certificate, path: readonly Certificate[], name: string): void {
  const constraints = issuer.details.nameConstraints;
  if (!constraints) return;
  const permitted = [...(constraints.permittedSubtrees ?? [])];
  const excluded = [...(constraints.excludedSubtrees ?? [])];
  const [leaf] = path as [Certificate];
  const address = parseAddress(name);
  const names: GeneralName[] = [
    ...leaf.details.alternativeNames,
    new GeneralName(address === null ? { dNSName: bareHost(name) } : { iPAddress: address }),
  ];

  for (const { base, minimum, maximum } of [...permitted, ...excluded]) {
    const unsupported = minimum !== 0 || maximum !== undefined || !understood(base, names, leaf);
    if (unsupported) throw invalid(issuer, 'it has name constraints of a kind that is not supported');
  }
  for (const candidate of names) {
    for (const kind of ['dNSName', 'iPAddress'] as const) {
      const value = candidate[kind];
      if (value === undefined) continue;
      const within = (subtree: GeneralSubtree): boolean => WITHIN[kind](value, subtree.base[kind]!);
      const ofKind = (subtree: GeneralSubtree): boolean => subtree.base[kind] !== undefined;
      const allowed = permitted.filter(ofKind);
      if ((allowed.length > 0 && !allowed.some(within)) || excluded.filter(ofKind).some(within)) {
        throw invalid(issuer, `its name constraints do not allow it to issue for ${value}`);
      }
    }
  }
}

/** Whether a constraint is one we apply, or bears on nothing that is in the leaf. */
function understood(base: GeneralName, names: readonly GeneralName[], leaf: Certificate): boolean {
  if (base.dNSName !== undefined || base.iPAddress !== undefined) return true;
  if (base.rfc822Name !== undefined) return names.every((name) => name.rfc822Name === undefined);
  if (base.uniformResourceIdentifier !== undefined) {
    return names.every((name) => name.uniformResourceIdentifier === undefined);
  }
  if (base.directoryName !== undefined) {
    return leaf.x509.subject === '' && names.every((name) => name.directoryName === undefined);
  }
  return false;
}

const WITHIN = {
  /** Equal, or with labels added on the left. */
  dNSName(name: string, base: string): boolean {
    const host = name.toLowerCase();
    const domain = base.toLowerCase().replace(/^\./, '');
    return domain === '' || host === domain || host.endsWith(`.${domain}`);
  },
  /** In the subnet: address, then mask, of the same family. */
  iPAddress(name: string, base: string): boolean {
    const address = octets(name);
    const subnet = octets(base);
    return (
      subnet.length === 2 * address.length &&
      address.every((byte, at) => ((byte ^ subnet[at]!) & subnet[address.length + at]!) === 0)
    );
  },
};

/** The content of an iPAddress: 4 or 16 octets, twice as many for a subnet; behind a tag and a short length. */
const octets = (iPAddress: string): Buffer =>
  Buffer.from(AsnConvert.serialize(new GeneralName({ iPAddress }))).subarray(2);
