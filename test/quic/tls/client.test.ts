import { describe, expect, test } from 'vitest';
import { Alert } from '../../../src/main/quic/tls/alerts.ts';
import type { ClientHandshake } from '../../../src/main/quic/tls/client.ts';
import * as extensions from '../../../src/main/quic/tls/extensions.ts';
import {
  type CertificateMessage,
  type CertificateVerify,
  decodeClientHello,
  type Extensions,
  encodeCertificate,
  type ServerHello,
} from '../../../src/main/quic/tls/messages.ts';
import { LabError } from '../../../src/shared/errors.ts';
import { type KeyKind, make, makeKey } from './certificates.ts';
import { alertOf, dataOf, drain, type Identity, makeClient } from './pair.ts';
import { ScriptedServer } from './scripted-server.ts';

const { ExtensionType } = extensions;

const identityOf = (key: KeyKind): Identity => {
  const made = make({ subject: key, key });
  return { certificate: [made.der], privateKey: made.privateKey };
};
const IDENTITY = identityOf('Ed25519');

function meet(
  client: ClientHandshake = makeClient(),
  identity: Identity = IDENTITY,
): { client: ClientHandshake; server: ScriptedServer } {
  client.start();
  return { client, server: new ScriptedServer(dataOf(drain(client))[0]!.data, identity) };
}

test('the ClientHello offers TLS 1.3 only, without session id, and one key share', () => {
  const client = makeClient({ serverName: 'lab.example' });
  client.start();
  const hello = dataOf(drain(client))[0]!;
  expect(hello.level).toBe('initial');
  const { sessionId, compressionMethods, extensions: offered } = decodeClientHello(hello.data.subarray(4));
  expect(sessionId).toHaveLength(0);
  expect(compressionMethods).toEqual(Buffer.from([0]));
  expect(extensions.decodeOfferedVersions(offered.get(ExtensionType.supported_versions)!)).toEqual([0x0304]);
  const shares = extensions.decodeKeyShares(offered.get(ExtensionType.key_share)!);
  expect(shares.map(({ group, publicKey }) => [group, publicKey.length])).toEqual([[0x001d, 32]]);
  expect(
    extensions.decodeCodePoints(offered.get(ExtensionType.supported_groups)!, 'supported_groups'),
  ).toEqual([0x001d, 0x0017]);
  expect(extensions.decodeServerName(offered.get(ExtensionType.server_name)!)).toBe('lab.example');
});

test('a ClientHello for an address has no server_name', () => {
  const client = makeClient({ serverName: null });
  client.start();
  expect(
    decodeClientHello(dataOf(drain(client))[0]!.data.subarray(4)).extensions.has(ExtensionType.server_name),
  ).toBe(false);
});

describe('a ServerHello is refused', () => {
  const set = (type: number, body: Buffer) => (hello: ServerHello) => hello.extensions.set(type, body);
  const cases: [string, number, (hello: ServerHello) => void][] = [
    [
      'of TLS 1.2',
      Alert.protocol_version,
      (hello) => hello.extensions.delete(ExtensionType.supported_versions),
    ],
    [
      'of a legacy_version other than 1.2',
      Alert.protocol_version,
      (hello) => {
        hello.legacyVersion = 0x0302;
      },
    ],
    [
      'that selects a version not offered',
      Alert.illegal_parameter,
      set(ExtensionType.supported_versions, Buffer.from([3, 3])),
    ],
    [
      'that echoes a session id',
      Alert.illegal_parameter,
      (hello) => {
        hello.sessionId = Buffer.alloc(32, 1);
      },
    ],
    [
      'that compresses',
      Alert.illegal_parameter,
      (hello) => {
        hello.compressionMethod = 1;
      },
    ],
    [
      'with a suite not offered',
      Alert.illegal_parameter,
      (hello) => {
        hello.cipherSuite = 0x1304;
      },
    ],
    [
      'without key share',
      Alert.missing_extension,
      (hello) => hello.extensions.delete(ExtensionType.key_share),
    ],
    [
      'with a group not offered',
      Alert.illegal_parameter,
      set(
        ExtensionType.key_share,
        extensions.encodeKeyShare({ group: 0x001e, publicKey: Buffer.alloc(56, 9) }),
      ),
    ],
    [
      'with a pre_shared_key that was not offered',
      Alert.unsupported_extension,
      set(ExtensionType.pre_shared_key, Buffer.from([0, 0])),
    ],
    [
      'with an extension that belongs elsewhere',
      Alert.illegal_parameter,
      set(ExtensionType.application_layer_protocol_negotiation, extensions.encodeProtocols(['routelab/1'])),
    ],
  ];
  test.each(cases)('%s', (_name, alert, edit) => {
    const { client, server } = meet();
    const hello = server.serverHello((message) => void edit(message));
    expect(alertOf(() => client.receive('initial', hello))).toBe(alert);
  });

  const shares: [string, number, Buffer][] = [
    ['short', 0x001d, Buffer.alloc(31, 9)],
    ['of low order', 0x001d, Buffer.alloc(32)],
    ['on P-256 compressed', 0x0017, Buffer.concat([Buffer.from([2]), Buffer.alloc(32, 1)])],
    ['on P-256 off the curve', 0x0017, Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)])],
    ['on P-256 at infinity', 0x0017, Buffer.from([0])],
  ];
  test.each(shares)('with a key share that is %s', (_name, group, publicKey) => {
    const { client, server } = meet();
    const hello = server.serverHello((message) =>
      message.extensions.set(ExtensionType.key_share, extensions.encodeKeyShare({ group, publicKey })),
    );
    expect(alertOf(() => client.receive('initial', hello))).toBe(Alert.illegal_parameter);
  });
});

describe('EncryptedExtensions are refused', () => {
  const set = (type: number, body: Buffer) => (block: Extensions) => block.set(type, body);
  const ALPN = ExtensionType.application_layer_protocol_negotiation;
  const cases: [string, number, (block: Extensions) => void][] = [
    ['without application protocol', Alert.no_application_protocol, (block) => block.delete(ALPN)],
    [
      'with a protocol that was not offered',
      Alert.illegal_parameter,
      set(ALPN, extensions.encodeProtocols(['h3'])),
    ],
    [
      'with two protocols',
      Alert.decode_error,
      set(ALPN, extensions.encodeProtocols(['routelab/1', 'routelab/1'])),
    ],
    [
      'without transport parameters',
      Alert.missing_extension,
      (block) => block.delete(ExtensionType.quic_transport_parameters),
    ],
    ['with an extension that was not offered', Alert.unsupported_extension, set(42, Buffer.alloc(0))],
    [
      'with an extension that belongs elsewhere',
      Alert.illegal_parameter,
      set(ExtensionType.key_share, Buffer.from([0, 29])),
    ],
    ['with a name in server_name', Alert.decode_error, set(ExtensionType.server_name, Buffer.from([0]))],
    [
      'with malformed groups',
      Alert.decode_error,
      set(ExtensionType.supported_groups, Buffer.from([0, 1, 0])),
    ],
  ];
  test.each(cases)('%s', (_name, alert, edit) => {
    const { client, server } = meet();
    client.receive('initial', server.serverHello());
    const message = server.encryptedExtensions((block) => void edit(block));
    expect(alertOf(() => client.receive('handshake', message))).toBe(alert);
  });

  test('only if something is wrong: an empty server_name and groups are fine', () => {
    const { client, server } = meet();
    client.receive('initial', server.serverHello());
    client.receive(
      'handshake',
      server.encryptedExtensions((block) => {
        block.set(ExtensionType.server_name, Buffer.alloc(0));
        block.set(ExtensionType.supported_groups, extensions.encodeCodePoints([0x6399, 29]));
      }),
    );
    expect(client.alpn).toBe('routelab/1');
  });
});

describe('the certificate and its proof', () => {
  const upToCertificate = (client = makeClient(), identity = IDENTITY) => {
    const both = meet(client, identity);
    both.client.receive('initial', both.server.serverHello());
    both.client.receive('handshake', both.server.encryptedExtensions());
    return both;
  };

  const certificates: [string, number, (message: CertificateMessage) => void][] = [
    [
      'an empty chain',
      Alert.decode_error,
      (message) => {
        message.entries = [];
      },
    ],
    [
      'a request context',
      Alert.illegal_parameter,
      (message) => {
        message.context = Buffer.from([1]);
      },
    ],
    [
      'an extension that was not offered',
      Alert.unsupported_extension,
      (message) => message.entries[0]!.extensions.set(5, Buffer.from([1])),
    ],
    [
      'bytes that are no certificate',
      Alert.bad_certificate,
      (message) => {
        message.entries[0]!.certificate = Buffer.from('not a certificate');
      },
    ],
  ];
  test.each(certificates)('%s is refused', (_name, alert, edit) => {
    const { client, server } = upToCertificate();
    const message = server.certificate((body) => void edit(body));
    expect(alertOf(() => client.receive('handshake', message))).toBe(alert);
  });

  test('the whole chain goes to the verifier, in order', () => {
    const seen: Buffer[][] = [];
    const chain = [IDENTITY.certificate[0]!, Buffer.from('anything')];
    const { client, server } = upToCertificate(makeClient({ verify: (given) => seen.push(given) }), {
      ...IDENTITY,
      certificate: chain,
    });
    client.receive('handshake', server.certificate());
    expect(seen).toEqual([chain]);
    expect(client.failure).toBeNull();
  });

  test.each([
    ['RL_CERT_EXPIRED', Alert.certificate_expired],
    ['RL_CERT_UNTRUSTED', Alert.unknown_ca],
    ['RL_CERT_HOST_MISMATCH', Alert.certificate_unknown],
    ['RL_CERT_INVALID', Alert.bad_certificate],
  ] as const)('what the verifier refuses with %s is kept, and told with alert %i', (code, alert) => {
    const failure = new LabError(code, 'the reason');
    const { client, server } = upToCertificate(
      makeClient({
        verify: () => {
          throw failure;
        },
      }),
    );
    expect(alertOf(() => client.receive('handshake', server.certificate()))).toBe(alert);
    expect(client.failure).toBe(failure);
  });

  test('a verifier that fails by itself refuses the certificate all the same', () => {
    const { client, server } = upToCertificate(
      makeClient({
        verify: () => {
          throw new TypeError('a defect');
        },
      }),
    );
    expect(alertOf(() => client.receive('handshake', server.certificate()))).toBe(Alert.internal_error);
    expect(client.failure?.code).toBe('RL_INTERNAL');
  });

  const proofs: [string, KeyKind, number, (message: CertificateVerify) => void][] = [
    ['a wrong signature', 'Ed25519', Alert.decrypt_error, ({ signature }) => (signature[0]! ^= 1)],
    [
      'an empty signature',
      'P-256',
      Alert.decrypt_error,
      (message) => {
        message.signature = Buffer.alloc(0);
      },
    ],
    [
      'a scheme for another curve',
      'P-256',
      Alert.illegal_parameter,
      (message) => {
        message.scheme = 0x0503;
      },
    ],
    [
      'PKCS #1 v1.5, which is for certificates only',
      'RSA',
      Alert.illegal_parameter,
      (message) => {
        message.scheme = 0x0401;
      },
    ],
    [
      'a scheme that was not offered',
      'Ed25519',
      Alert.illegal_parameter,
      (message) => {
        message.scheme = 0x0808;
      },
    ],
    [
      'another hash than it says',
      'RSA',
      Alert.decrypt_error,
      (message) => {
        message.scheme = 0x0806;
      },
    ],
  ];
  test.each(proofs)('%s in CertificateVerify (%s) is refused', (_name, key, alert, edit) => {
    const { client, server } = upToCertificate(makeClient(), identityOf(key));
    client.receive('handshake', server.certificate());
    const message = server.certificateVerify((body) => void edit(body));
    expect(alertOf(() => client.receive('handshake', message))).toBe(alert);
  });

  test('a server that does not hold the key of its certificate is refused, even if nothing is verified', () => {
    const { client, server } = upToCertificate(makeClient({ verify: null }), {
      ...IDENTITY,
      privateKey: makeKey('Ed25519').privateKey,
    });
    client.receive('handshake', server.certificate());
    expect(alertOf(() => client.receive('handshake', server.certificateVerify()))).toBe(Alert.decrypt_error);
  });

  test('a server that skips its certificate is refused', () => {
    const { client, server } = upToCertificate();
    expect(alertOf(() => client.receive('handshake', server.finished()))).toBe(Alert.unexpected_message);
  });
});

describe('Finished', () => {
  const upToFinished = () => {
    const { client, server } = meet();
    client.receive('initial', server.serverHello());
    for (const message of [server.encryptedExtensions(), server.certificate(), server.certificateVerify()]) {
      client.receive('handshake', message);
    }
    drain(client);
    return { client, server };
  };

  test('of the wrong length is decode_error', () => {
    const { client, server } = upToFinished();
    const message = server.finished((data) => data.subarray(1));
    expect(alertOf(() => client.receive('handshake', message))).toBe(Alert.decode_error);
  });

  test('that does not match is decrypt_error, and yields neither keys nor data', () => {
    const { client, server } = upToFinished();
    const message = server.finished((data) => {
      data[31]! ^= 0x80;
      return data;
    });
    expect(alertOf(() => client.receive('handshake', message))).toBe(Alert.decrypt_error);
    expect(drain(client)).toEqual([]);
  });
});

describe('a request for a client certificate', () => {
  const upToRequest = () => {
    const { client, server } = meet();
    client.receive('initial', server.serverHello());
    client.receive('handshake', server.encryptedExtensions());
    return { client, server };
  };

  test('is answered with none', () => {
    const { client, server } = upToRequest();
    const flight = [
      server.certificateRequest(),
      server.certificate(),
      server.certificateVerify(),
      server.finished(),
    ];
    drain(client);
    client.receive('handshake', Buffer.concat(flight));
    const none = encodeCertificate({ context: Buffer.alloc(0), entries: [] });
    expect(dataOf(drain(client))).toEqual([
      { level: 'handshake', data: Buffer.concat([none, server.expectedFinished(none)]) },
    ]);
  });

  test('without signature algorithms is missing_extension', () => {
    const { client, server } = upToRequest();
    const message = server.certificateRequest((request) => {
      request.extensions = new Map([[47, Buffer.from([0, 0])]]);
    });
    expect(alertOf(() => client.receive('handshake', message))).toBe(Alert.missing_extension);
  });

  test('with a context is illegal_parameter', () => {
    const { client, server } = upToRequest();
    const message = server.certificateRequest((request) => {
      request.context = Buffer.from([1]);
    });
    expect(alertOf(() => client.receive('handshake', message))).toBe(Alert.illegal_parameter);
  });

  test('made twice is unexpected_message', () => {
    const { client, server } = upToRequest();
    client.receive('handshake', server.certificateRequest());
    expect(alertOf(() => client.receive('handshake', server.certificateRequest()))).toBe(
      Alert.unexpected_message,
    );
  });
});
