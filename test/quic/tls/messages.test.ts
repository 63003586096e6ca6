import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Alert } from '../../../src/main/quic/tls/alerts.ts';
import * as extensions from '../../../src/main/quic/tls/extensions.ts';
import * as messages from '../../../src/main/quic/tls/messages.ts';
import { TlsAlert } from '../../../src/main/quic/tls/types.ts';
import { alertOf } from './pair.ts';
import { RFC8448 } from './rfc8448.ts';

const bytes = (minLength = 0, maxLength = 64): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength, maxLength }).map((array) => Buffer.from(array));
const u16 = fc.nat(0xffff);
const extensionBlock = fc
  .uniqueArray(fc.tuple(u16, bytes()), { selector: ([type]) => type, maxLength: 8 })
  .map((entries) => new Map(entries));

const clientHello = fc.record({
  random: bytes(32, 32),
  sessionId: bytes(0, 32),
  cipherSuites: fc.array(u16, { minLength: 1, maxLength: 20 }),
  compressionMethods: bytes(1, 3),
  extensions: extensionBlock,
});
const serverHello = fc.record({
  legacyVersion: u16,
  random: bytes(32, 32),
  sessionId: bytes(0, 32),
  cipherSuite: u16,
  compressionMethod: fc.nat(255),
  extensions: extensionBlock,
});
const certificate = fc.record({
  context: bytes(),
  entries: fc.array(fc.record({ certificate: bytes(1, 200), extensions: extensionBlock }), { maxLength: 4 }),
});
const certificateRequest = fc.record({
  context: bytes(),
  extensions: extensionBlock.filter((block) => block.size > 0),
});
const certificateVerify = fc.record({ scheme: u16, signature: bytes() });
const keyShare = fc.record({ group: u16, publicKey: bytes(1) });
const codePoints = fc.array(u16, { minLength: 1 });

describe('decoding what was encoded gives the same', () => {
  const cases: [string, fc.Arbitrary<unknown>, (x: never) => Buffer, (body: Buffer) => unknown][] = [
    ['ClientHello', clientHello, messages.encodeClientHello, messages.decodeClientHello],
    ['ServerHello', serverHello, messages.encodeServerHello, messages.decodeServerHello],
    [
      'EncryptedExtensions',
      extensionBlock,
      messages.encodeEncryptedExtensions,
      messages.decodeEncryptedExtensions,
    ],
    ['Certificate', certificate, messages.encodeCertificate, messages.decodeCertificate],
    [
      'CertificateRequest',
      certificateRequest,
      messages.encodeCertificateRequest,
      messages.decodeCertificateRequest,
    ],
    [
      'CertificateVerify',
      certificateVerify,
      messages.encodeCertificateVerify,
      messages.decodeCertificateVerify,
    ],
  ];
  test.each(cases)('%s', (_name, arbitrary, encode, decode) => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        const message = encode(value as never);
        expect(message.readUIntBE(1, 3)).toBe(message.length - 4);
        expect(decode(message.subarray(4))).toEqual(value);
      }),
    );
  });

  test('extensions', () => {
    fc.assert(
      fc.property(
        codePoints,
        fc.uniqueArray(keyShare, { selector: (entry) => entry.group }),
        fc.array(fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 255 }), {
          minLength: 1,
          maxLength: 9,
        }),
        (codes, shares, protocols) => {
          expect(
            extensions.decodeCodePoints(extensions.encodeCodePoints(codes), 'signature_algorithms'),
          ).toEqual(codes);
          expect(extensions.decodeKeyShares(extensions.encodeKeyShares(shares))).toEqual(shares);
          for (const share of shares) {
            expect(extensions.decodeKeyShare(extensions.encodeKeyShare(share))).toEqual(share);
          }
          expect(extensions.decodeProtocols(extensions.encodeProtocols(protocols))).toEqual(protocols);
        },
      ),
    );
    expect(extensions.decodeOfferedVersions(extensions.encodeOfferedVersions([0x0304, 0x0303]))).toEqual([
      0x0304, 0x0303,
    ]);
    expect(extensions.decodeServerName(extensions.encodeServerName('a-1.example'))).toBe('a-1.example');
  });
});

test('the messages of RFC 8448 §3 decode, and encode to the same bytes', () => {
  const { clientHello, serverHello, encryptedExtensions, certificate, certificateVerify } = RFC8448;
  const hello = messages.decodeClientHello(clientHello.subarray(4));
  expect(hello.cipherSuites).toEqual([0x1301, 0x1303, 0x1302]);
  expect(messages.encodeClientHello(hello)).toEqual(clientHello);
  expect(extensions.decodeServerName(hello.extensions.get(0)!)).toBe('server');
  expect(messages.encodeServerHello(messages.decodeServerHello(serverHello.subarray(4)))).toEqual(
    serverHello,
  );
  expect(
    messages.encodeEncryptedExtensions(messages.decodeEncryptedExtensions(encryptedExtensions.subarray(4))),
  ).toEqual(encryptedExtensions);
  expect(messages.encodeCertificate(messages.decodeCertificate(certificate.subarray(4)))).toEqual(
    certificate,
  );
  expect(
    messages.encodeCertificateVerify(messages.decodeCertificateVerify(certificateVerify.subarray(4))),
  ).toEqual(certificateVerify);
});

describe('whatever the bytes, a decoder throws nothing but an alert', () => {
  const decoders: Record<string, (body: Buffer) => unknown> = {
    decodeClientHello: messages.decodeClientHello,
    decodeServerHello: messages.decodeServerHello,
    decodeEncryptedExtensions: messages.decodeEncryptedExtensions,
    decodeCertificate: messages.decodeCertificate,
    decodeCertificateRequest: messages.decodeCertificateRequest,
    decodeCertificateVerify: messages.decodeCertificateVerify,
    decodeNewSessionTicket: messages.decodeNewSessionTicket,
    decodeCodePoints: (body) => extensions.decodeCodePoints(body, 'supported_groups'),
    decodeOfferedVersions: extensions.decodeOfferedVersions,
    decodeSelectedVersion: extensions.decodeSelectedVersion,
    decodeKeyShares: extensions.decodeKeyShares,
    decodeKeyShare: extensions.decodeKeyShare,
    decodeProtocols: extensions.decodeProtocols,
    decodeServerName: extensions.decodeServerName,
  };
  test.each(Object.entries(decoders))('%s', (_name, decode) => {
    fc.assert(
      fc.property(bytes(0, 300), (body) => {
        try {
          decode(body);
        } catch (error) {
          expect(error).toBeInstanceOf(TlsAlert);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('a message that is cut off anywhere, or goes on, is decode_error', () => {
    const whole: [Buffer, (body: Buffer) => unknown][] = [
      // Extensions may be left out of a hello, so cuts within the fixed part and within the extensions are looked at.
      [RFC8448.clientHello.subarray(4), messages.decodeClientHello],
      [RFC8448.serverHello.subarray(4), messages.decodeServerHello],
      [RFC8448.encryptedExtensions.subarray(4), messages.decodeEncryptedExtensions],
      [RFC8448.certificate.subarray(4), messages.decodeCertificate],
      [RFC8448.certificateVerify.subarray(4), messages.decodeCertificateVerify],
    ];
    const withoutExtensions = new Set([
      RFC8448.clientHello.length - 4 - 0x91 - 2,
      RFC8448.serverHello.length - 4 - 0x2e - 2,
    ]);
    for (const [body, decode] of whole) {
      for (let length = 0; length < body.length; length++) {
        if (withoutExtensions.has(length)) continue;
        expect(alertOf(() => decode(body.subarray(0, length)))).toBe(Alert.decode_error);
      }
      expect(alertOf(() => decode(Buffer.concat([body, Buffer.from([0])])))).toBe(Alert.decode_error);
    }
  });
});

test('an extension that appears twice is illegal_parameter', () => {
  const twice = Buffer.from('0008000a0000000a0000', 'hex');
  expect(alertOf(() => messages.decodeEncryptedExtensions(twice))).toBe(Alert.illegal_parameter);
});

test('two key shares for one group are illegal_parameter', () => {
  const share = { group: 29, publicKey: Buffer.alloc(32, 1) };
  expect(alertOf(() => extensions.decodeKeyShares(extensions.encodeKeyShares([share, share])))).toBe(
    Alert.illegal_parameter,
  );
});

describe('server_name', () => {
  test('with two host names is decode_error', () => {
    const one = extensions.encodeServerName('a').subarray(2);
    const two = Buffer.concat([Buffer.from([0, 2 * one.length]), one, one]);
    expect(alertOf(() => extensions.decodeServerName(two))).toBe(Alert.decode_error);
  });

  test('with only an unknown type of name is none', () => {
    expect(extensions.decodeServerName(Buffer.from('0004070001ff', 'hex'))).toBeNull();
  });

  test.each(['a b', 'a\0.example', 'x\u001b[2J', 'x'.repeat(254)])(
    'with the name %j is illegal_parameter',
    (name) => {
      expect(alertOf(() => extensions.decodeServerName(extensions.encodeServerName(name)))).toBe(
        Alert.illegal_parameter,
      );
    },
  );
});
