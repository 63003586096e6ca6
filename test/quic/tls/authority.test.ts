import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { createAuthority, issueCertificate } from '../../../src/main/quic/tls/authority.ts';
import { makeVerifier } from '../../../src/main/quic/tls/verify.ts';
import { NOW } from './certificates.ts';

const NAMES = ['lab.example', 'localhost', '*.wild.example', '127.0.0.1', '::1'];
const DAY_MS = 86_400_000;

const authority = await createAuthority(NOW);
const issued = await issueCertificate(authority, { names: NAMES, days: 30, nowMs: NOW });
const leaf = new X509Certificate(issued.certPem);

describe('a certificate of the lab', () => {
  test.each(['lab.example', 'localhost', 'a.wild.example', '127.0.0.1', '::1'])('is good for %s', (name) => {
    expect(() =>
      makeVerifier({ ca: [authority.certPem], system: false }, name, () => NOW)([leaf.raw]),
    ).not.toThrow();
  });

  test('is good for the days asked for, and a little before', () => {
    expect(leaf.validToDate.getTime()).toBe(NOW + 30 * DAY_MS);
    expect(leaf.validFromDate.getTime()).toBe(NOW - 3_600_000);
  });

  test('goes with its key, and can sign only handshakes', () => {
    expect(leaf.ca).toBe(false);
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
    expect(leaf.publicKey.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
  });

  test('cannot issue others, and the authority cannot have authorities below it', async () => {
    const forged = await issueCertificate(issued, { names: ['evil.example'], days: 1, nowMs: NOW });
    const chain = [new X509Certificate(forged.certPem).raw, leaf.raw];
    const verifier = makeVerifier({ ca: [authority.certPem], system: false }, 'evil.example', () => NOW);
    expect(() => verifier(chain)).toThrow(expect.objectContaining({ code: 'RL_CERT_INVALID' }));
  });

  test('of another lab is not trusted', async () => {
    const other = await createAuthority(NOW);
    const verifier = makeVerifier({ ca: [other.certPem], system: false }, 'lab.example', () => NOW);
    expect(() => verifier([leaf.raw])).toThrow(expect.objectContaining({ code: 'RL_CERT_UNTRUSTED' }));
  });

  test.each([[[]], [['not a name']], [['http://lab.example']], [['256.1.1.1:80']], [['']]])(
    'is not made for %j',
    async (names) => {
      await expect(issueCertificate(authority, { names, days: 1, nowMs: Date.now() })).rejects.toMatchObject({
        code: 'RL_INPUT_INVALID',
        field: 'names',
      });
    },
  );
});

test('serial numbers and key identifiers differ from certificate to certificate', async () => {
  const two = await Promise.all(
    [1, 2].map(() => issueCertificate(authority, { names: ['a'], days: 1, nowMs: Date.now() })),
  );
  const [first, second] = two.map(({ certPem }) => new X509Certificate(certPem));
  expect(first!.serialNumber).not.toBe(second!.serialNumber);
  expect(first!.fingerprint256).not.toBe(second!.fingerprint256);
});

test("OpenSSL's own verification accepts the certificate, and refuses it for another name", async () => {
  // OpenSSL reads the clock.
  const current = await createAuthority(Date.now());
  const { certPem, keyPem } = await issueCertificate(current, {
    names: ['lab.example'],
    days: 1,
    nowMs: Date.now(),
  });
  const server = createServer({ cert: certPem, key: keyPem }, (socket) => socket.end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const attempt = async (servername: string): Promise<unknown> => {
    const socket = connect({ port, host: '127.0.0.1', servername, ca: current.certPem });
    try {
      await once(socket, 'secureConnect');
      return socket.authorized;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code;
    } finally {
      socket.destroy();
    }
  };
  try {
    expect(await attempt('lab.example')).toBe(true);
    expect(await attempt('other.example')).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  } finally {
    server.close();
  }
});
