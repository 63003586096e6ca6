import { describe, expect, test } from 'vitest';
import { Alert } from '../../../src/main/quic/tls/alerts.ts';
import * as extensions from '../../../src/main/quic/tls/extensions.ts';
import {
  type ClientHello,
  decodeClientHello,
  encodeClientHello,
} from '../../../src/main/quic/tls/messages.ts';
import { AES_256_GCM_SHA384 } from '../../../src/main/quic/tls/suites.ts';
import { make } from './certificates.ts';
import { alertOf, dataOf, deliver, drain, makeClient, makeServer } from './pair.ts';

const { ExtensionType } = extensions;
const made = make({ subject: 'server', key: 'P-256' });
const IDENTITY = { certificate: [made.der], privateKey: made.privateKey };

function clientHello(edit: (hello: ClientHello) => void = () => {}): Buffer {
  const client = makeClient();
  client.start();
  const hello = decodeClientHello(dataOf(drain(client))[0]!.data.subarray(4));
  edit(hello);
  return encodeClientHello(hello);
}

describe('a ClientHello is refused', () => {
  const set = (type: number, body: Buffer) => (hello: ClientHello) => hello.extensions.set(type, body);
  const without = (type: number) => (hello: ClientHello) => hello.extensions.delete(type);
  const cases: [string, number, (hello: ClientHello) => void][] = [
    ['without supported_versions', Alert.protocol_version, without(ExtensionType.supported_versions)],
    [
      'that offers TLS 1.2 only',
      Alert.protocol_version,
      set(ExtensionType.supported_versions, extensions.encodeOfferedVersions([0x0303])),
    ],
    [
      'with a session id (RFC 9001 §8.4)',
      Alert.illegal_parameter,
      (hello) => {
        hello.sessionId = Buffer.alloc(32, 1);
      },
    ],
    [
      'with compression',
      Alert.illegal_parameter,
      (hello) => {
        hello.compressionMethods = Buffer.from([1, 0]);
      },
    ],
    [
      'without a suite in common',
      Alert.handshake_failure,
      (hello) => {
        hello.cipherSuites = [0x1304, 0xc02f];
      },
    ],
    [
      'without ALPN (RFC 9001 §8.1)',
      Alert.no_application_protocol,
      without(ExtensionType.application_layer_protocol_negotiation),
    ],
    [
      'without a protocol in common',
      Alert.no_application_protocol,
      set(ExtensionType.application_layer_protocol_negotiation, extensions.encodeProtocols(['h3', 'hq'])),
    ],
    [
      'without transport parameters (RFC 9001 §8.2)',
      Alert.missing_extension,
      without(ExtensionType.quic_transport_parameters),
    ],
    ['without signature_algorithms', Alert.missing_extension, without(ExtensionType.signature_algorithms)],
    ['without supported_groups', Alert.missing_extension, without(ExtensionType.supported_groups)],
    ['without key_share', Alert.missing_extension, without(ExtensionType.key_share)],
    [
      'without a signature scheme for the key of the server',
      Alert.handshake_failure,
      set(ExtensionType.signature_algorithms, extensions.encodeCodePoints([0x0503, 0x0804])),
    ],
    [
      'without a group in common',
      Alert.handshake_failure,
      (hello) => {
        hello.extensions.set(ExtensionType.supported_groups, extensions.encodeCodePoints([0x001e]));
        hello.extensions.set(ExtensionType.key_share, extensions.encodeKeyShares([]));
      },
    ],
    [
      'with a key share for a group it does not support',
      Alert.illegal_parameter,
      set(ExtensionType.supported_groups, extensions.encodeCodePoints([0x0017])),
    ],
    [
      'with an invalid key share',
      Alert.illegal_parameter,
      set(ExtensionType.key_share, extensions.encodeKeyShares([{ group: 29, publicKey: Buffer.alloc(32) }])),
    ],
    [
      'with something after pre_shared_key',
      Alert.illegal_parameter,
      (hello) => {
        hello.extensions = new Map([[ExtensionType.pre_shared_key, Buffer.from([1])], ...hello.extensions]);
      },
    ],
  ];
  test.each(cases)('%s', (_name, alert, edit) => {
    const server = makeServer(IDENTITY);
    const hello = clientHello((message) => void edit(message));
    expect(alertOf(() => server.receive('initial', hello))).toBe(alert);
    expect(drain(server)).toEqual([]);
  });
});

test('unknown suites, groups, shares, versions and extensions are passed over', () => {
  const server = makeServer(IDENTITY);
  const hello = clientHello((message) => {
    message.cipherSuites.unshift(0x1a1a);
    const shares = extensions.decodeKeyShares(message.extensions.get(ExtensionType.key_share)!);
    message.extensions = new Map([
      [0x2a2a, Buffer.from([0])],
      ...message.extensions,
      [ExtensionType.supported_versions, extensions.encodeOfferedVersions([0x3a3a, 0x0304])],
      [ExtensionType.supported_groups, extensions.encodeCodePoints([0x4a4a, 0x11ec, 29, 23])],
      [
        ExtensionType.key_share,
        extensions.encodeKeyShares([{ group: 0x4a4a, publicKey: Buffer.from([0]) }, ...shares]),
      ],
    ]);
  });
  server.receive('initial', hello);
  expect(dataOf(drain(server))).toHaveLength(2);
  expect(server.group).toBe('X25519');
});

test('an RSA key signs only with a hash that fits its size', () => {
  const small = make({ subject: 'small', key: 'RSA-1024' });
  const server = makeServer({ certificate: [small.der], privateKey: small.privateKey });
  const hello = clientHello((message) =>
    message.extensions.set(ExtensionType.signature_algorithms, extensions.encodeCodePoints([0x0806])),
  );
  // SHA-512 and a salt of its length need 1040 bits.
  expect(alertOf(() => server.receive('initial', hello))).toBe(Alert.handshake_failure);
});

describe("the client's Finished", () => {
  const upToFinished = () => {
    const client = makeClient();
    const server = makeServer(IDENTITY, { suites: [AES_256_GCM_SHA384] });
    client.start();
    deliver(server, dataOf(drain(client)));
    deliver(client, dataOf(drain(server)));
    return { server, finished: dataOf(drain(client))[0]!.data };
  };

  test('of the wrong length is decode_error', () => {
    const { server } = upToFinished();
    expect(alertOf(() => server.receive('handshake', Buffer.from([20, 0, 0, 0])))).toBe(Alert.decode_error);
  });

  test('that does not match is decrypt_error, and yields no key to read 1-RTT data with', () => {
    const { server, finished } = upToFinished();
    finished[20]! ^= 1;
    expect(alertOf(() => server.receive('handshake', finished))).toBe(Alert.decrypt_error);
    expect(drain(server)).toEqual([]);
  });

  test('cannot be preceded by a certificate that was not asked for', () => {
    const { server } = upToFinished();
    const none = Buffer.from([11, 0, 0, 4, 0, 0, 0, 0]);
    expect(alertOf(() => server.receive('handshake', none))).toBe(Alert.unexpected_message);
  });
});
