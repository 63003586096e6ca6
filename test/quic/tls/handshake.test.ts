import { describe, expect, test } from 'vitest';
import { Alert } from '../../../src/main/quic/tls/alerts.ts';
import type { GroupName } from '../../../src/main/quic/tls/key-exchange.ts';
import { HandshakeType } from '../../../src/main/quic/tls/messages.ts';
import { supportedSuites } from '../../../src/main/quic/tls/suites.ts';
import type { TlsEvent } from '../../../src/main/quic/tls/types.ts';
import { type KeyKind, make } from './certificates.ts';
import {
  alertOf,
  CLIENT_PARAMETERS,
  dataOf,
  deliver,
  drain,
  type Identity,
  makeClient,
  makeServer,
  run,
  SERVER_PARAMETERS,
} from './pair.ts';

const identityOf = (key: KeyKind): Identity => {
  const made = make({ subject: key, key, names: ['lab.example'] });
  return { certificate: [made.der], privateKey: made.privateKey };
};
const KEYS: KeyKind[] = ['P-256', 'P-384', 'P-521', 'RSA', 'Ed25519'];
const IDENTITIES = new Map(KEYS.map((key) => [key, identityOf(key)]));
const ED25519 = IDENTITIES.get('Ed25519')!;
const GROUPS: GroupName[] = ['X25519', 'P-256'];

const secretsOf = (events: readonly TlsEvent[], direction: 'read' | 'write'): Map<string, string> =>
  new Map(
    events
      .filter((event) => event.type === 'secret')
      .filter((event) => event.direction === direction)
      .map((event) => [event.level, `${event.suite.name} ${event.secret.toString('hex')}`]),
  );

describe('a client and a server agree', () => {
  const cases = supportedSuites().flatMap((suite) =>
    GROUPS.flatMap((group) => KEYS.map((key) => [suite.name, group, key, suite] as const)),
  );
  test.each(cases)('with %s, %s and a certificate of an %s key', (_name, group, key, suite) => {
    const client = makeClient();
    const server = makeServer(IDENTITIES.get(key)!, { suites: [suite], groups: [group] });
    const events = run(client, server);
    for (const end of [client, server]) {
      expect(end).toMatchObject({ alpn: 'routelab/1', suite, group });
    }
    expect(server.serverName).toBe('lab.example');
    expect(events.client.at(-1)).toEqual({ type: 'complete' });
    expect(events.server.at(-1)).toEqual({ type: 'complete' });
    expect(secretsOf(events.client, 'read')).toEqual(secretsOf(events.server, 'write'));
    expect(secretsOf(events.client, 'write')).toEqual(secretsOf(events.server, 'read'));
    expect(secretsOf(events.client, 'read').size).toBe(2);
    expect(events.client).toContainEqual({ type: 'parameters', raw: SERVER_PARAMETERS });
    expect(events.server).toContainEqual({ type: 'parameters', raw: CLIENT_PARAMETERS });
  });
});

test('a server prefers X25519, its own order of suites and its own order of protocols', () => {
  const client = makeClient({ suites: supportedSuites().reverse(), alpn: ['h3', 'routelab/1'] });
  const server = makeServer(ED25519, { alpn: ['routelab/1', 'h3'] });
  run(client, server);
  expect(client).toMatchObject({ group: 'X25519', suite: supportedSuites()[0], alpn: 'routelab/1' });
});

test.each(GROUPS)('a client that offers only %s is served', (group) => {
  const client = makeClient({ groups: [group] });
  run(client, makeServer(ED25519));
  expect(client.group).toBe(group);
});

test('the dot at the end of a host name does not go into server_name (RFC 6066 §3)', () => {
  const server = makeServer(ED25519);
  run(makeClient({ serverName: 'lab.example.' }), server);
  expect(server.serverName).toBe('lab.example');
});

test('a client that names no server is served', () => {
  const server = makeServer(ED25519);
  run(makeClient({ serverName: null }), server);
  expect(server.serverName).toBeNull();
});

test('keys come before the data that needs them, and the server reads 1-RTT only after Finished', () => {
  const client = makeClient();
  const server = makeServer(ED25519);
  const events = run(client, server);
  const outline = (list: readonly TlsEvent[]): string[] =>
    list.map((event) => {
      if (event.type === 'data') return `data ${event.level}`;
      return event.type === 'secret' ? `${event.direction} ${event.level}` : event.type;
    });
  expect(outline(events.client)).toEqual([
    'data initial',
    'read handshake',
    'write handshake',
    'parameters',
    'data handshake',
    'read application',
    'write application',
    'complete',
  ]);
  expect(outline(events.server)).toEqual([
    'parameters',
    'data initial',
    'read handshake',
    'write handshake',
    'data handshake',
    'write application',
    'read application',
    'complete',
  ]);
});

test('both ends log the same secrets, in the format of SSLKEYLOGFILE', () => {
  const logs = { client: [] as string[], server: [] as string[] };
  const client = makeClient({ keyLog: (line) => logs.client.push(line) });
  const server = makeServer(ED25519, { keyLog: (line) => logs.server.push(line) });
  const events = run(client, server);
  expect(logs.client).toEqual(logs.server);
  const clientRandom = dataOf(events.client)[0]!.data.subarray(6, 38).toString('hex');
  const written = events.client.filter((event) => event.type === 'secret' && event.direction === 'write');
  expect(logs.client.map((line) => line.split(' ')[0])).toEqual([
    'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
    'SERVER_HANDSHAKE_TRAFFIC_SECRET',
    'CLIENT_TRAFFIC_SECRET_0',
    'SERVER_TRAFFIC_SECRET_0',
  ]);
  expect(logs.client[0]).toBe(
    `CLIENT_HANDSHAKE_TRAFFIC_SECRET ${clientRandom} ${(written[0] as { secret: Buffer }).secret.toString('hex')}`,
  );
});

describe('fragmentation does not matter', () => {
  test('byte by byte', () => {
    const client = makeClient();
    expect(run(client, makeServer(ED25519), 1).client.at(-1)).toEqual({ type: 'complete' });
  });

  test('a ClientHello cut at any byte', () => {
    const client = makeClient();
    client.start();
    const hello = dataOf(drain(client))[0]!.data;
    for (let cut = 0; cut <= hello.length; cut++) {
      const server = makeServer(ED25519);
      server.receive('initial', hello.subarray(0, cut));
      server.receive('initial', hello.subarray(cut));
      expect(dataOf(drain(server))).toHaveLength(2);
    }
  });

  test("the server's flight cut at any byte", () => {
    const first = makeClient({ groups: ['X25519'] });
    first.start();
    const server = makeServer(ED25519);
    deliver(server, dataOf(drain(first)));
    const [hello, flight] = dataOf(drain(server)).map(({ data }) => data) as [Buffer, Buffer];
    const fresh = () => {
      // The same random bytes, so the same key share that the recorded flight answers.
      const client = makeClient({ groups: ['X25519'] });
      client.start();
      return client;
    };
    for (let cut = 0; cut <= hello.length; cut++) {
      const client = fresh();
      client.receive('initial', hello.subarray(0, cut));
      client.receive('initial', hello.subarray(cut));
      expect(client.suite).not.toBeNull();
    }
    for (let cut = 0; cut <= flight.length; cut++) {
      const client = fresh();
      client.receive('initial', hello);
      client.receive('handshake', flight.subarray(0, cut));
      client.receive('handshake', flight.subarray(cut));
      expect(drain(client).at(-1)).toEqual({ type: 'complete' });
    }
  });
});

describe('messages belong to their encryption level', () => {
  const started = () => {
    const client = makeClient();
    const server = makeServer(ED25519);
    client.start();
    deliver(server, dataOf(drain(client)));
    const [hello, flight] = dataOf(drain(server)).map(({ data }) => data) as [Buffer, Buffer];
    return { client, server, hello, flight };
  };
  const extra = Buffer.from([HandshakeType.finished, 0, 0, 0]);

  test('handshake data before ServerHello is unexpected_message', () => {
    const { client, flight } = started();
    expect(alertOf(() => client.receive('handshake', flight))).toBe(Alert.unexpected_message);
  });

  test('ServerHello at the handshake level is unexpected_message', () => {
    const { client, hello } = started();
    expect(alertOf(() => client.receive('handshake', hello))).toBe(Alert.unexpected_message);
  });

  test('Initial data after ServerHello is unexpected_message, in the same delivery or later', () => {
    const together = started();
    expect(alertOf(() => together.client.receive('initial', Buffer.concat([together.hello, extra])))).toBe(
      Alert.unexpected_message,
    );
    const later = started();
    later.client.receive('initial', later.hello);
    expect(alertOf(() => later.client.receive('initial', extra))).toBe(Alert.unexpected_message);
  });

  test('a byte after the Finished of the server is unexpected_message', () => {
    const { client, hello, flight } = started();
    client.receive('initial', hello);
    expect(alertOf(() => client.receive('handshake', Buffer.concat([flight, Buffer.from([0])])))).toBe(
      Alert.unexpected_message,
    );
  });

  test('a second ClientHello is unexpected_message', () => {
    const client = makeClient();
    client.start();
    const hello = dataOf(drain(client))[0]!.data;
    const server = makeServer(ED25519);
    expect(alertOf(() => server.receive('initial', Buffer.concat([hello, hello])))).toBe(
      Alert.unexpected_message,
    );
  });

  test('after the handshake a server takes no message, and a client takes none but tickets', () => {
    const client = makeClient();
    const server = makeServer(ED25519);
    run(client, server);
    const keyUpdate = Buffer.from([24, 0, 0, 1, 0]);
    expect(alertOf(() => server.receive('application', keyUpdate))).toBe(Alert.unexpected_message);
    // lifetime, age_add, nonce <1>, ticket <2>, no extensions
    const ticket = Buffer.from('0400000f' + '00001c20' + '00000000' + '0100' + '0002abcd' + '0000', 'hex');
    ticket.writeUIntBE(ticket.length - 4, 1, 3);
    client.receive('application', Buffer.concat([ticket, ticket]));
    expect(drain(client).map(({ type }) => type)).toEqual(['ticket', 'ticket']);
    expect(alertOf(() => client.receive('application', keyUpdate))).toBe(Alert.unexpected_message);
  });
});

test('a message longer than any chain is refused by its header', () => {
  const server = makeServer(ED25519);
  expect(alertOf(() => server.receive('initial', Buffer.from([1, 1, 0, 0])))).toBe(Alert.decode_error);
});

test('a handshake that has failed stays failed', () => {
  const server = makeServer(ED25519);
  const failure = alertOf(() => server.receive('initial', Buffer.from([1, 0, 0, 0])));
  expect(failure).toBe(Alert.decode_error);
  const client = makeClient();
  client.start();
  expect(alertOf(() => deliver(server, dataOf(drain(client))))).toBe(Alert.decode_error);
});
