/** HelloRetryRequest (RFC 8446 §4.1.4): the server asks for a key share that the client did not send. */
import { describe, expect, test } from 'vitest';
import { Alert } from '../../../src/main/quic/tls/alerts.ts';
import { uint, vector } from '../../../src/main/quic/tls/codec.ts';
import {
  decodeKeyShares,
  ExtensionType,
  encodeSelectedGroup,
} from '../../../src/main/quic/tls/extensions.ts';
import {
  decodeClientHello,
  type Extensions,
  encodeClientHello,
  encodeServerHello,
  HELLO_RETRY_REQUEST,
  type ServerHello,
  TLS_1_2,
  TLS_1_3,
} from '../../../src/main/quic/tls/messages.ts';
import { AES_256_GCM_SHA384 } from '../../../src/main/quic/tls/suites.ts';
import type { TlsEvent } from '../../../src/main/quic/tls/types.ts';
import { make } from './certificates.ts';
import { alertOf, dataOf, drain, type Identity, makeClient, makeServer, run } from './pair.ts';

const made = make({ subject: 'retry', key: 'Ed25519' });
const IDENTITY: Identity = { certificate: [made.der], privateKey: made.privateKey };
const P256 = 0x0017;

const secrets = (events: readonly TlsEvent[]): string[] =>
  events.filter((event) => event.type === 'secret').map(({ secret }) => secret.toString('hex'));

test('a server without the client’s first group gets a share of its own, and both agree', () => {
  const client = makeClient();
  const server = makeServer(IDENTITY, { groups: ['P-256'] });
  const events = run(client, server);
  expect(client.group).toBe('P-256');
  expect(server.group).toBe('P-256');
  expect(secrets(events.client).sort()).toEqual(secrets(events.server).sort());
  const hellos = dataOf(events.client).filter(({ level }) => level === 'initial');
  expect(hellos).toHaveLength(2);
  const [first, second] = hellos.map(({ data }) => decodeClientHello(data.subarray(4)));
  expect(second!.random).toEqual(first!.random);
  expect(second!.cipherSuites).toEqual(first!.cipherSuites);
  const shares = (extensions: Extensions) => decodeKeyShares(extensions.get(ExtensionType.key_share)!);
  expect(shares(first!.extensions).map(({ group }) => group)).toEqual([0x001d]);
  expect(shares(second!.extensions).map(({ group }) => group)).toEqual([P256]);
});

test('with the longer hash, too', () => {
  const client = makeClient({ suites: [AES_256_GCM_SHA384] });
  const server = makeServer(IDENTITY, { groups: ['P-256'] });
  const events = run(client, server);
  expect(secrets(events.client).sort()).toEqual(secrets(events.server).sort());
});

function request(edit: (hello: ServerHello) => void): Buffer {
  const hello: ServerHello = {
    legacyVersion: TLS_1_2,
    random: HELLO_RETRY_REQUEST,
    sessionId: Buffer.alloc(0),
    cipherSuite: 0x1301,
    compressionMethod: 0,
    extensions: new Map([
      [ExtensionType.supported_versions, uint(TLS_1_3, 2)],
      [ExtensionType.key_share, encodeSelectedGroup(P256)],
    ]),
  };
  edit(hello);
  return encodeServerHello(hello);
}

test('a cookie comes back as it is', () => {
  const client = makeClient();
  client.start();
  drain(client);
  const cookie = vector(2, Buffer.from('where you are'));
  client.receive(
    'initial',
    request(({ extensions }) => {
      extensions.delete(ExtensionType.key_share);
      extensions.set(ExtensionType.cookie, cookie);
    }),
  );
  const hello = decodeClientHello(dataOf(drain(client))[0]!.data.subarray(4));
  expect(hello.extensions.get(ExtensionType.cookie)).toEqual(cookie);
});

describe('a HelloRetryRequest is refused', () => {
  const cases: [string, number, (hello: ServerHello) => void][] = [
    [
      'for the group whose share it has',
      Alert.illegal_parameter,
      ({ extensions }) => extensions.set(ExtensionType.key_share, encodeSelectedGroup(0x001d)),
    ],
    [
      'for a group that was not offered',
      Alert.illegal_parameter,
      ({ extensions }) => extensions.set(ExtensionType.key_share, encodeSelectedGroup(0x0018)),
    ],
    [
      'that changes nothing',
      Alert.illegal_parameter,
      ({ extensions }) => extensions.delete(ExtensionType.key_share),
    ],
    [
      'with an extension that nobody asked for',
      Alert.unsupported_extension,
      ({ extensions }) => extensions.set(0x1234, Buffer.alloc(0)),
    ],
    [
      'with an empty cookie',
      Alert.decode_error,
      ({ extensions }) => extensions.set(ExtensionType.cookie, vector(2)),
    ],
    [
      'with a suite that was not offered',
      Alert.illegal_parameter,
      (hello) => {
        hello.cipherSuite = 0x1304;
      },
    ],
  ];
  test.each(cases)('%s', (_name, alert, edit) => {
    const client = makeClient();
    client.start();
    expect(
      alertOf(() =>
        client.receive(
          'initial',
          request((hello) => void edit(hello)),
        ),
      ),
    ).toBe(alert);
  });

  test('when it is the second', () => {
    const client = makeClient();
    client.start();
    client.receive(
      'initial',
      request(() => undefined),
    );
    expect(
      alertOf(() =>
        client.receive(
          'initial',
          request(() => undefined),
        ),
      ),
    ).toBe(Alert.unexpected_message);
  });
});

describe('a second ClientHello is refused', () => {
  const cases: [string, (hello: ReturnType<typeof decodeClientHello>) => void][] = [
    [
      'with another random',
      (hello) => {
        hello.random = Buffer.alloc(32, 1);
      },
    ],
    [
      'without the suite that was chosen',
      (hello) => {
        hello.cipherSuites = [0x1302];
      },
    ],
    ['with early data', ({ extensions }) => extensions.set(ExtensionType.early_data, Buffer.alloc(0))],
  ];
  test.each(cases)('%s', (_name, edit) => {
    const { server, second } = asked();
    const hello = decodeClientHello(second.subarray(4));
    edit(hello);
    expect(alertOf(() => server.receive('initial', encodeClientHello(hello)))).toBe(Alert.illegal_parameter);
  });

  test('that is the first again', () => {
    const { server, first } = asked();
    expect(alertOf(() => server.receive('initial', first))).toBe(Alert.illegal_parameter);
  });

  function asked() {
    const client = makeClient();
    const server = makeServer(IDENTITY, { groups: ['P-256'] });
    client.start();
    const first = dataOf(drain(client))[0]!.data;
    server.receive('initial', first);
    client.receive('initial', dataOf(drain(server))[0]!.data);
    return { server, first, second: dataOf(drain(client))[0]!.data };
  }
});
