import { readFileSync } from 'node:fs';
import { getCACertificates, rootCertificates } from 'node:tls';
import {
  BasicConstraints,
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  id_ce_basicConstraints,
  id_ce_nameConstraints,
  id_ce_subjectAltName,
  id_kp_clientAuth,
  id_kp_serverAuth,
  KeyUsageFlags,
  Name,
  NameConstraints,
  SubjectAlternativeName,
} from '@peculiar/asn1-x509';
import { describe, expect, test } from 'vitest';
import { systemAnchors } from '../../../src/main/quic/tls/trust-anchors.ts';
import { makeVerifier } from '../../../src/main/quic/tls/verify.ts';
import { Certificate } from '../../../src/main/quic/tls/x509.ts';
import { LabError } from '../../../src/shared/errors.ts';
import { extension, type Made, make, makeKey, NOW, type Wish } from './certificates.ts';

const CA = { ca: true, keyUsage: KeyUsageFlags.keyCertSign };
const root = make({ subject: 'Test root', ...CA });
const middle = make({ subject: 'Test intermediate', issuer: root, ...CA });

const leafOf = (issuer: Made | undefined, wish: Partial<Wish> = {}): Made =>
  make({ subject: 'server', names: ['lab.example'], ...(issuer ? { issuer } : {}), ...wish });

/** What verification ends in: 'ok', or the code and message of its error. */
function verify(
  chain: readonly (Made | Buffer)[],
  options: { trust?: readonly Made[]; name?: string; now?: number } = {},
): string {
  const { trust = [root], name = 'lab.example', now = NOW } = options;
  const verifier = makeVerifier({ ca: trust.map((made) => made.pem), system: false }, name, () => now);
  try {
    verifier(chain.map((entry) => (Buffer.isBuffer(entry) ? entry : entry.der)));
    return 'ok';
  } catch (error) {
    if (error instanceof LabError) return `${error.code}: ${error.message}`;
    throw error;
  }
}

describe('a chain is accepted', () => {
  test('directly below a trusted authority', () => {
    expect(verify([leafOf(root)])).toBe('ok');
  });

  test('through an intermediate', () => {
    expect(verify([leafOf(middle), middle])).toBe('ok');
  });

  test.each(['P-384', 'RSA', 'Ed25519'] as const)('with %s keys', (key) => {
    const top = make({ subject: 'top', key, ...CA });
    expect(verify([leafOf(top, { key })], { trust: [top] })).toBe('ok');
  });

  test.each(['sha384', 'sha512'] as const)('signed with %s', (hash) => {
    expect(verify([leafOf(root, { hash })])).toBe('ok');
  });

  test('whatever the order of intermediates, and whatever else is sent along', () => {
    const lower = make({ subject: 'Lower', issuer: middle, ...CA });
    const leaf = leafOf(lower);
    const stranger = make({ subject: 'Stranger', ...CA });
    const garbage = Buffer.from('garbage');
    for (const others of [
      [lower, middle],
      [middle, lower],
      [stranger, middle, garbage, root, lower, lower],
    ]) {
      expect(verify([leaf, ...others])).toBe('ok');
    }
  });

  test('when one of two intermediates of the same name leads nowhere', () => {
    const keys = makeKey('P-256');
    const expired = make({ subject: 'Twin', issuer: root, keys, to: '2026-02-01T00:00:00Z', ...CA });
    const valid = make({ subject: 'Twin', issuer: root, keys, ...CA });
    const other = make({ subject: 'Twin', issuer: root, ...CA });
    expect(verify([leafOf(valid), other, expired, valid])).toBe('ok');
  });

  test('that ends at a trusted intermediate', () => {
    expect(verify([leafOf(middle)], { trust: [middle] })).toBe('ok');
  });

  test('of a single trusted self-signed certificate, authority or not', () => {
    const plain = leafOf(undefined);
    const authority = leafOf(undefined, { ca: true });
    expect(verify([plain], { trust: [plain] })).toBe('ok');
    expect(verify([authority], { trust: [authority] })).toBe('ok');
  });

  test('under an old root of version 1', () => {
    const old = make({ subject: 'Old root', version: 1 });
    expect(verify([leafOf(old)], { trust: [old] })).toBe('ok');
  });

  test('with any extended key usage, or TLS server among others', () => {
    for (const usage of ['2.5.29.37.0', id_kp_serverAuth]) {
      expect(verify([leafOf(root, { extendedKeyUsage: [id_kp_clientAuth, usage] })])).toBe('ok');
    }
  });
});

describe('the name', () => {
  const leaf = leafOf(root, {
    names: ['lab.example', '*.wild.example', 'xn--bcher-kva.example', '192.0.2.7', '2001:db8::7'],
  });

  test.each([
    'lab.example',
    'LAB.example',
    'lab.example.',
    'a.wild.example',
    'xn--bcher-kva.example',
    '192.0.2.7',
    '2001:db8::7',
    '[2001:DB8:0::7]',
    '2001:db8::7%eth0',
  ])('%s is matched', (name) => {
    expect(verify([leaf], { name })).toBe('ok');
  });

  test.each([
    'other.example',
    'example',
    'x.lab.example',
    'wild.example',
    'a.b.wild.example',
    '*.wild.example.org',
    '192.0.2.8',
    '2001:db8::8',
    '::ffff:192.0.2.7',
    '',
  ])('%j is not matched', (name) => {
    expect(verify([leaf], { name })).toMatch(/^RL_CERT_HOST_MISMATCH/);
  });

  test('that does not match is told, with those in the certificate', () => {
    expect(verify([leaf], { name: 'other.example' })).toBe(
      'RL_CERT_HOST_MISMATCH: The certificate is for lab.example, *.wild.example, xn--bcher-kva.example, ' +
        '192.0.2.7, 2001:db8::7, not for other.example.',
    );
  });

  test('in the common name alone does not count', () => {
    const old = make({ subject: 'lab.example', issuer: root });
    expect(verify([old])).toBe(
      'RL_CERT_HOST_MISMATCH: The certificate "lab.example" names no host in its subjectAltName, so it is not for lab.example.',
    );
  });

  test('of an address is not matched by a host name that looks like it', () => {
    const odd = leafOf(root, { names: [] });
    const san = make({ subject: 'x', issuer: root, extensions: [dnsSan('192.0.2.7')] });
    expect(verify([odd], { name: '192.0.2.7' })).toMatch(/^RL_CERT_HOST_MISMATCH/);
    expect(verify([san], { name: '192.0.2.7' })).toMatch(/^RL_CERT_HOST_MISMATCH/);
  });

  test('cannot smuggle control characters into the message, nor make it endless', () => {
    const names = Array.from({ length: 100 }, (_, index) => `n${index}.example`);
    expect(verify([leafOf(root, { names })])).toMatch(/n7\.example and 92 more, not for lab\.example\.$/);
    const rude = make({ subject: 'x', issuer: root, extensions: [dnsSan('a\u001b[2Jb')] });
    expect(verify([rude])).toBe('RL_CERT_HOST_MISMATCH: The certificate is for a?[2Jb, not for lab.example.');
  });
});

describe('time', () => {
  const leaf = leafOf(root, { from: '2026-03-01T00:00:00Z', to: '2026-04-01T00:00:00Z' });

  test('counts to the second, both ends included', () => {
    expect(verify([leaf], { now: Date.parse('2026-03-01T00:00:00Z') })).toBe('ok');
    expect(verify([leaf], { now: Date.parse('2026-04-01T00:00:00Z') })).toBe('ok');
  });

  test('before the certificate is valid is told with the dates', () => {
    expect(verify([leaf], { now: Date.parse('2026-02-28T23:59:59Z') })).toBe(
      'RL_CERT_EXPIRED: The certificate "server" is valid only from 2026-03-01T00:00:00.000Z; it is 2026-02-28T23:59:59.000Z now.',
    );
  });

  test('after it has expired is told with the dates', () => {
    expect(verify([leaf], { now: Date.parse('2026-04-01T00:00:01Z') })).toBe(
      'RL_CERT_EXPIRED: The certificate "server" expired at 2026-04-01T00:00:00.000Z; it is 2026-04-01T00:00:01.000Z now.',
    );
  });

  test('holds for intermediates and for the root', () => {
    const expired = make({ subject: 'Expired', issuer: root, to: '2026-02-01T00:00:00Z', ...CA });
    expect(verify([leafOf(expired), expired])).toMatch(/^RL_CERT_EXPIRED: The certificate "Expired" expired/);
    const oldRoot = make({ subject: 'Old', to: '2026-02-01T00:00:00Z', ...CA });
    expect(verify([leafOf(oldRoot)], { trust: [oldRoot] })).toMatch(
      /^RL_CERT_EXPIRED: The certificate "Old"/,
    );
  });
});

describe('a chain is not trusted', () => {
  test('when its certificate is self-signed', () => {
    expect(verify([leafOf(undefined)])).toBe(
      'RL_CERT_UNTRUSTED: The certificate "server" is self-signed, and it is not trusted here.',
    );
  });

  test('when its root is not known here', () => {
    const stranger = make({ subject: 'Stranger', ...CA });
    expect(verify([leafOf(stranger), stranger])).toBe(
      'RL_CERT_UNTRUSTED: The chain of "server" ends at the self-signed authority "Stranger", which is not trusted here.',
    );
  });

  test('when its issuer is not known here, or the intermediate was not sent', () => {
    expect(verify([leafOf(middle)])).toBe(
      'RL_CERT_UNTRUSTED: The certificate "server" was issued by "Test intermediate", an unknown authority: it is ' +
        'neither trusted here nor among the certificates the server sent.',
    );
  });

  test('when the authority only has the same name', () => {
    const impostor = make({ subject: 'Test root', ...CA });
    expect(verify([leafOf(impostor)])).toBe(
      'RL_CERT_UNTRUSTED: The certificate "server" was not signed by the authority "Test root" known here, but by ' +
        'another one of the same name.',
    );
  });

  test('when nothing is', () => {
    expect(verify([leafOf(root)], { trust: [] })).toMatch(/^RL_CERT_UNTRUSTED/);
  });

  test('when its signature was tampered with', () => {
    const leaf = Buffer.from(leafOf(root).der);
    leaf[leaf.length - 5]! ^= 1;
    expect(verify([leaf])).toMatch(/^RL_CERT_(UNTRUSTED|INVALID)/);
  });

  test('when its content was tampered with', () => {
    const leaf = leafOf(root, { names: ['xab.example'] }).der;
    const at = leaf.indexOf('xab.example');
    const forged = Buffer.from(leaf);
    forged.write('lab.example', at);
    expect(verify([forged])).toMatch(/^RL_CERT_UNTRUSTED/);
  });
});

describe('a certificate cannot be used', () => {
  const refused = (chain: readonly (Made | Buffer)[], why: RegExp, trust?: readonly Made[]): void => {
    const result = verify(chain, trust ? { trust } : {});
    expect(result).toMatch(/^RL_CERT_INVALID/);
    expect(result).toMatch(why);
  };

  test('when there is none', () => {
    refused([], /sent no certificate/);
  });

  test('when it cannot be read, or is followed by something', () => {
    refused([Buffer.from('garbage')], /cannot be read/);
    refused([Buffer.concat([leafOf(root).der, Buffer.from([0])])], /followed by other bytes/);
  });

  test('for TLS clients', () => {
    refused([leafOf(root, { extendedKeyUsage: [id_kp_clientAuth] })], /does not allow TLS servers/);
  });

  test('for encipherment only', () => {
    refused([leafOf(root, { keyUsage: KeyUsageFlags.keyEncipherment })], /does not allow digital signatures/);
  });

  test('to issue others when it is not an authority', () => {
    const leaf = leafOf(root);
    refused([leafOf(leaf), leaf], /"server" cannot be used: it is not a certificate authority/);
    const denied = make({ subject: 'Denied', issuer: root, ca: false });
    refused([leafOf(denied), denied], /not a certificate authority/);
  });

  test('to issue others when it is of version 1 and not trusted itself', () => {
    const old = make({ subject: 'Old', issuer: root, version: 1 });
    refused([leafOf(old), old], /not a certificate authority/);
  });

  test('to issue others, trusted or not, when it says it is no authority', () => {
    const pinned = leafOf(undefined, { ca: false, subject: 'Pinned' });
    refused([leafOf(pinned)], /not a certificate authority/, [pinned]);
  });

  test('to issue others without the key usage for it', () => {
    const mute = make({ subject: 'Mute', issuer: root, ca: true, keyUsage: KeyUsageFlags.cRLSign });
    refused([leafOf(mute), mute], /does not allow signing certificates/);
  });

  test('to issue for servers when its own extended key usage leaves them out', () => {
    const clients = make({ subject: 'Clients', issuer: root, ...CA, extendedKeyUsage: [id_kp_clientAuth] });
    refused([leafOf(clients), clients], /does not allow TLS servers/);
  });

  test('below an authority whose path length it exceeds', () => {
    const short = make({ subject: 'Short', ca: 0, keyUsage: KeyUsageFlags.keyCertSign });
    const below = make({ subject: 'Below', issuer: short, ...CA });
    expect(verify([leafOf(short)], { trust: [short] })).toBe('ok');
    refused([leafOf(below), below], /it allows 0 intermediate authorities below it, and there are 1/, [
      short,
    ]);
  });

  test('when a self-issued authority lies between, which the path length does not count', () => {
    const short = make({ subject: 'Short', ca: 0, keyUsage: KeyUsageFlags.keyCertSign });
    const rollover = make({ subject: 'Short', issuer: short, ...CA });
    expect(verify([leafOf(rollover), rollover], { trust: [short] })).toBe('ok');
  });

  test('with a critical extension that is not understood', () => {
    const strange = extension('1.2.3.4', new BasicConstraints(), true);
    refused([leafOf(root, { extensions: [strange] })], /unknown critical extension 1\.2\.3\.4/);
    const above = make({ subject: 'Strange', issuer: root, ...CA, extensions: [strange] });
    refused([leafOf(above), above], /unknown critical extension/);
    expect(verify([leafOf(root, { extensions: [extension('1.2.3.4', new BasicConstraints())] })])).toBe('ok');
  });

  test('with an extension twice', () => {
    const again = extension(id_ce_basicConstraints, new BasicConstraints({ cA: true }), true);
    refused([leafOf(root, { ca: false, extensions: [again] })], /malformed|cannot be read/);
  });

  test('with a malformed extension', () => {
    const broken = extension(id_ce_nameConstraints, new BasicConstraints(), true);
    broken.extnValue.buffer = new Uint8Array([0x30, 0x7f, 0]).buffer;
    refused([leafOf(root, { extensions: [broken] })], /malformed/);
  });

  test('signed with SHA-1', () => {
    refused([leafOf(root, { hash: 'sha1' })], /not secure or not known \(1\.2\.840\.10045\.4\.1\)/);
  });

  test('with a weak or an odd key', () => {
    refused([leafOf(root, { key: 'RSA-1024' })], /RSA key has only 1024 bits/);
    refused([leafOf(root, { key: 'P-224' })], /on the curve secp224r1/);
    refused([leafOf(root, { key: 'DSA' })], /unsupported type dsa/);
    const weak = make({ subject: 'Weak', key: 'RSA-1024', ...CA });
    refused([leafOf(weak)], /"Weak" cannot be used: its RSA key has only 1024 bits/, [weak]);
  });

  test('when it names another key of its issuer than signed it', () => {
    refused([leafOf(root, { wrongAuthorityKey: true })], /does not agree with "Test root"/);
  });
});

describe('name constraints', () => {
  const constrained = (params: { permitted?: GeneralName[]; excluded?: GeneralName[] }): Made => {
    const subtrees = (names?: GeneralName[]) =>
      names ? new GeneralSubtrees(names.map((base) => new GeneralSubtree({ base }))) : undefined;
    const permittedSubtrees = subtrees(params.permitted);
    const excludedSubtrees = subtrees(params.excluded);
    return make({
      subject: 'Constrained',
      issuer: root,
      ...CA,
      extensions: [
        extension(
          id_ce_nameConstraints,
          new NameConstraints({
            ...(permittedSubtrees ? { permittedSubtrees } : {}),
            ...(excludedSubtrees ? { excludedSubtrees } : {}),
          }),
          true,
        ),
      ],
    });
  };
  const dns = (dNSName: string) => new GeneralName({ dNSName });
  const ip = (iPAddress: string) => new GeneralName({ iPAddress });
  const under = (issuer: Made, names: string[], name = names[0]!): string =>
    verify([leafOf(issuer, { names }), issuer], { name });

  test('hold host names within what is permitted', () => {
    const issuer = constrained({ permitted: [dns('lab.example')] });
    expect(under(issuer, ['lab.example'])).toBe('ok');
    expect(under(issuer, ['A.LAB.example'])).toBe('ok');
    expect(under(issuer, ['*.lab.example'], 'x.lab.example')).toBe('ok');
    expect(under(issuer, ['notlab.example'])).toMatch(
      /^RL_CERT_INVALID.*do not allow it to issue for notlab/,
    );
    expect(under(issuer, ['lab.example', 'other.example'])).toMatch(/^RL_CERT_INVALID.*other\.example/);
    expect(under(issuer, ['192.0.2.1'])).toBe('ok');
  });

  test('keep host names out of what is excluded, wildcards too', () => {
    const issuer = constrained({ excluded: [dns('secret.lab.example')] });
    expect(under(issuer, ['open.lab.example'])).toBe('ok');
    expect(under(issuer, ['a.secret.lab.example'])).toMatch(/^RL_CERT_INVALID/);
    expect(under(issuer, ['*.lab.example'], 'open.lab.example')).toBe('ok');
    expect(under(issuer, ['*.lab.example'], 'secret.lab.example')).toMatch(/^RL_CERT_INVALID/);
  });

  test('hold addresses within subnets', () => {
    const issuer = constrained({ permitted: [ip('192.0.2.0/24'), ip('2001:db8::/32')] });
    expect(under(issuer, ['192.0.2.200'])).toBe('ok');
    expect(under(issuer, ['2001:db8:ffff::1'])).toBe('ok');
    expect(under(issuer, ['192.0.3.1'])).toMatch(/^RL_CERT_INVALID/);
    expect(under(issuer, ['2001:db9::1'])).toMatch(/^RL_CERT_INVALID/);
    expect(under(constrained({ excluded: [ip('192.0.2.0/25')] }), ['192.0.2.1'])).toMatch(/^RL_CERT_INVALID/);
  });

  test('of a kind that is not supported refuse what they could concern', () => {
    const mail = constrained({ permitted: [new GeneralName({ rfc822Name: 'example' })] });
    expect(under(mail, ['lab.example'])).toBe('ok');
    expect(under(mail, ['lab.example', 'me@example'])).toMatch(/not supported/);
    const directory = constrained({ permitted: [new GeneralName({ directoryName: new Name([]) })] });
    expect(under(directory, ['lab.example'])).toMatch(/not supported/);
  });

  test('with a mask that has holes are refused', () => {
    const bytes = Buffer.from([192, 0, 2, 0, 255, 255, 255, 0]);
    const value = new NameConstraints({
      permittedSubtrees: new GeneralSubtrees([new GeneralSubtree({ base: ip('192.0.2.0/24') })]),
    });
    const odd = extension(id_ce_nameConstraints, value, true);
    const raw = Buffer.from(odd.extnValue.buffer);
    raw.set([255, 0, 255, 0], raw.indexOf(bytes) + 4);
    odd.extnValue.buffer = new Uint8Array(raw).buffer;
    const above = make({ subject: 'Holes', issuer: root, ...CA, extensions: [odd] });
    expect(under(above, ['192.0.2.1'])).toMatch(/^RL_CERT_INVALID.*not understood/);
  });
});

describe('a chain that openssl made', () => {
  const read = (file: string): string => readFileSync(new URL(`fixtures/${file}`, import.meta.url), 'utf8');
  const chain = (read('openssl-chain.pem').match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g) ?? []).map(
    (pem) => new Certificate(pem).x509.raw,
  );
  const judge = (name: string): void =>
    makeVerifier({ ca: [read('openssl-root.pem')], system: false }, name, () =>
      Date.parse('2030-01-01T00:00:00Z'),
    )(chain);

  test.each(['www.lab.example', 'other.lab.example', '192.0.2.9', '2001:db8::9'])(
    'is good for %s',
    (name) => {
      expect(() => judge(name)).not.toThrow();
    },
  );

  test('is not good for what its intermediate excludes, nor for another name', () => {
    expect(() => judge('secret.lab.example')).toThrow(expect.objectContaining({ code: 'RL_CERT_INVALID' }));
    expect(() => judge('lab.test')).toThrow(LabError);
  });
});

test('what a certificate calls itself reaches messages shortened and without control characters', () => {
  const rude = make({ subject: `a\u001b[2J\nCN=trusted${'x'.repeat(500)}` });
  const result = verify([rude]);
  expect(result).toMatch(/^RL_CERT_UNTRUSTED: The certificate "a\\1B\[2J\\0ACN=trustedx+…" is self-signed/);
  expect(result.length).toBeLessThan(200);
});

describe('a chain meant to keep us busy', () => {
  test('of authorities that issue each other ends', () => {
    const a = makeKey('P-256');
    const b = makeKey('P-256');
    const first = make({ subject: 'A', keys: a, ...CA });
    const second = make({ subject: 'B', keys: b, ...CA });
    const aByB = make({ subject: 'A', keys: a, issuer: second, ...CA });
    const bByA = make({ subject: 'B', keys: b, issuer: first, ...CA });
    expect(verify([leafOf(first), aByB, bByA])).toMatch(/^RL_CERT_UNTRUSTED/);
  });

  test('of many authorities with one name ends after a bounded number of signatures', () => {
    const shared = Array.from({ length: 12 }, () => makeKey('P-256'));
    const authorities = shared.flatMap((keys) =>
      shared.slice(0, 6).map((other) =>
        make({
          subject: 'Many',
          keys,
          issuer: { ...root, subject: 'Many', ...other },
          ...CA,
        }),
      ),
    );
    const leaf = leafOf({ ...authorities[0]!, ...shared[0]! });
    expect(verify([leaf, ...authorities])).toMatch(/^RL_CERT_(INVALID|UNTRUSTED)/);
  });

  test('that is longer than any real one ends', () => {
    let issuer = root;
    const chain: Made[] = [];
    for (let depth = 0; depth < 12; depth++) {
      issuer = make({ subject: `Level ${depth}`, issuer, ...CA });
      chain.unshift(issuer);
    }
    expect(verify([leafOf(issuer), ...chain])).toMatch(/^RL_CERT_INVALID.*too long or too tangled/);
  });
});

describe('the trusted certificates', () => {
  test('may be several to a text, with words between them', () => {
    const other = make({ subject: 'Other root', ...CA });
    const verifier = makeVerifier(
      { ca: [`# first\n${other.pem}\nsecond:\n${root.pem}`], system: false },
      'lab.example',
      () => NOW,
    );
    expect(() => verifier([leafOf(root).der])).not.toThrow();
    expect(() => verifier([leafOf(other).der])).not.toThrow();
  });

  test.each(['', 'not PEM', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'])(
    'that are %j are an input error',
    (text) => {
      expect(() => makeVerifier({ ca: [root.pem, text], system: false }, 'x', () => NOW)).toThrow(
        expect.objectContaining({
          code: 'RL_INPUT_INVALID',
          field: 'ca',
          message: expect.stringMatching(/certificate 2/),
        }),
      );
    },
  );

  test("of the system alone count where it has any, else Node's; they are read once, and add to one's own", () => {
    const anchors = systemAnchors();
    const own = getCACertificates('system');
    const trusted = own.length >= 30 ? own : rootCertificates;
    expect(trusted.every((pem) => anchors.has(new Certificate(pem)))).toBe(true);
    const foreign = rootCertificates.filter((pem) => !trusted.includes(pem));
    const extra = new Set(getCACertificates('extra'));
    const known = new Set(trusted.map((pem) => new Certificate(pem).x509.fingerprint256));
    for (const pem of foreign) {
      const isKnown = known.has(new Certificate(pem).x509.fingerprint256) || extra.has(pem);
      expect(anchors.has(new Certificate(pem))).toBe(isKnown);
    }
    expect(systemAnchors()).toBe(anchors);
    const verifier = makeVerifier({ ca: [root.pem], system: true }, 'lab.example', () => NOW);
    expect(() => verifier([leafOf(root).der])).not.toThrow();
  });
});

/** A subjectAltName with a dNSName of any content. */
function dnsSan(dNSName: string) {
  return extension(id_ce_subjectAltName, new SubjectAlternativeName([new GeneralName({ dNSName })]));
}
