/** Sessions resumed with a ticket, and early data (RFC 8446 §2.2, §2.3, §4.2.11, §8). */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Alert } from '../../../src/main/quic/tls/alerts.ts';
import type { ClientHandshakeOptions } from '../../../src/main/quic/tls/client.ts';
import {
  decodeOfferedPsks,
  decodePskModes,
  ExtensionType,
  encodeOfferedPsk,
  encodePskModes,
} from '../../../src/main/quic/tls/extensions.ts';
import {
  decodeClientHello,
  decodeNewSessionTicket,
  encodeClientHello,
  encodeNewSessionTicket,
} from '../../../src/main/quic/tls/messages.ts';
import type { ServerHandshakeOptions } from '../../../src/main/quic/tls/server.ts';
import { SessionTickets } from '../../../src/main/quic/tls/session-tickets.ts';
import { AES_128_GCM_SHA256, AES_256_GCM_SHA384 } from '../../../src/main/quic/tls/suites.ts';
import { type ResumptionTicket, TlsAlert, type TlsEvent } from '../../../src/main/quic/tls/types.ts';
import { QuicError } from '../../../src/main/quic/wire/errors.ts';
import { make } from './certificates.ts';
import { alertOf, dataOf, drain, type Identity, makeClient, makeServer, run, seededRandom } from './pair.ts';

const made = make({ subject: 'resumed', key: 'Ed25519', names: ['lab.example'] });
const IDENTITY: Identity = { certificate: [made.der], privateKey: made.privateKey };
const CONTEXT = Buffer.from('limits');

/** A server whose tickets are under test, and a clock for it. */
function office() {
  const clock = { ms: 1_700_000_000_000 };
  const tickets = new SessionTickets(seededRandom('tickets'), () => clock.ms);
  let connections = 0;
  const connect = (
    client: Partial<ClientHandshakeOptions> = {},
    server: Partial<ServerHandshakeOptions> = {},
  ) => {
    const machines = {
      client: makeClient({ random: seededRandom(`client ${connections}`), ...client }),
      server: makeServer(IDENTITY, { random: seededRandom(`server ${connections++}`), tickets, ...server }),
    };
    return { ...machines, events: run(machines.client, machines.server) };
  };
  return { clock, tickets, connect };
}

const ticketOf = (events: readonly TlsEvent[]): ResumptionTicket =>
  events.find((event) => event.type === 'ticket')!.ticket;
const secrets = (events: readonly TlsEvent[]): string[] =>
  events
    .filter((event) => event.type === 'secret')
    .map(({ level, secret }) => `${level} ${secret.toString('hex')}`)
    .sort();
const earlyAnswer = (events: readonly TlsEvent[]): boolean | undefined =>
  events.find((event) => event.type === 'early-data')?.accepted;
const offersEarly = { earlyData: { context: CONTEXT } };

describe('a session', () => {
  test.each([AES_128_GCM_SHA256, AES_256_GCM_SHA384])('is resumed with its ticket: $name', (suite) => {
    const { connect, clock } = office();
    const first = connect({ suites: [suite] });
    const ticket = ticketOf(first.events.client);
    expect(ticket).toMatchObject({ suite, alpn: 'routelab/1', earlyData: false });
    clock.ms += 3_600_000;
    let judged = 0;
    const second = connect({
      suites: [suite],
      resume: { ticket, ageMs: 3_600_000 },
      verify: () => judged++,
    });
    expect([second.client.resumed, second.server.resumed]).toEqual([true, true]);
    expect(secrets(second.events.client)).toEqual(secrets(second.events.server));
    // The certificate is neither sent nor judged again: the PSK stands for it.
    expect(judged).toBe(0);
    const flight = (connection: typeof first) =>
      dataOf(connection.events.server).find(({ level }) => level === 'handshake')!.data.length;
    expect(flight(second)).toBeLessThan(flight(first) / 2);
    expect(ticketOf(second.events.client).identity).not.toEqual(ticket.identity);
  });

  test('is resumed after a HelloRetryRequest', () => {
    const { connect } = office();
    const ticket = ticketOf(connect().events.client);
    const { client, events } = connect(
      { resume: { ticket, ageMs: 0 }, earlyData: true },
      { groups: ['P-256'] },
    );
    expect(client.resumed).toBe(true);
    expect(client.group).toBe('P-256');
    expect(secrets(events.client)).toEqual(secrets(events.server));
  });

  const fresh: [string, (o: ReturnType<typeof office>, ticket: ResumptionTicket) => unknown][] = [
    ['of another server', (_o, ticket) => ticket.identity.fill(0)],
    ['that is worn out', ({ clock }, { lifetimeS }) => (clock.ms += 1000 * lifetimeS + 1)],
    ['from the future', ({ clock }) => (clock.ms -= 1)],
  ];
  test.each(fresh)('begins anew with a ticket %s', (_name, spoil) => {
    const o = office();
    const ticket = ticketOf(o.connect().events.client);
    spoil(o, ticket);
    const { client, server, events } = o.connect({ resume: { ticket, ageMs: 0 } });
    expect([client.resumed, server.resumed]).toEqual([false, false]);
    expect(secrets(events.client)).toEqual(secrets(events.server));
  });

  test('begins anew for another name, another suite, and with a server that knows no tickets', () => {
    const { connect } = office();
    const ticket = ticketOf(connect({ suites: [AES_128_GCM_SHA256] }).events.client);
    const resume = { ticket, ageMs: 0 };
    expect(connect({ resume, serverName: 'other.example' }).client.resumed).toBe(false);
    expect(connect({ resume, suites: [AES_256_GCM_SHA384] }).client.resumed).toBe(false);
    expect(connect({ resume }, { tickets: undefined }).client.resumed).toBe(false);
    expect(connect({ resume }).client.resumed).toBe(true);
  });

  test('is not resumed without its PSK: decrypt_error', () => {
    const { connect } = office();
    const ticket = { ...ticketOf(connect().events.client), psk: Buffer.alloc(32, 7) };
    expect(alertOf(() => connect({ resume: { ticket, ageMs: 0 } }))).toBe(Alert.decrypt_error);
  });

  test('without psk_key_exchange_modes has no tickets; with pre_shared_key that is missing_extension', () => {
    const { tickets, connect } = office();
    const ticket = ticketOf(connect().events.client);
    const hello = (options: Partial<ClientHandshakeOptions>): Buffer => {
      const client = makeClient(options);
      client.start();
      const message = decodeClientHello(dataOf(drain(client))[0]!.data.subarray(4));
      message.extensions.delete(ExtensionType.psk_key_exchange_modes);
      return encodeClientHello(message);
    };
    const server = makeServer(IDENTITY, { tickets });
    expect(alertOf(() => server.receive('initial', hello({ resume: { ticket, ageMs: 0 } })))).toBe(
      Alert.missing_extension,
    );
  });
});

describe('early data', () => {
  const early = (ticket: ResumptionTicket, ageMs = 0) => ({ resume: { ticket, ageMs }, earlyData: true });

  test('has the same key at both ends, and is taken', () => {
    const { connect } = office();
    const ticket = ticketOf(connect({}, offersEarly).events.client);
    expect(ticket.earlyData).toBe(true);
    const { events } = connect(early(ticket), offersEarly);
    expect(earlyAnswer(events.client)).toBe(true);
    expect(secrets(events.client).filter((line) => line.startsWith('early'))).toHaveLength(1);
    expect(secrets(events.client)).toEqual(secrets(events.server));
  });

  test('is taken once with each ticket (RFC 8446 §8.1)', () => {
    const { connect } = office();
    const ticket = ticketOf(connect({}, offersEarly).events.client);
    expect(earlyAnswer(connect(early(ticket), offersEarly).events.client)).toBe(true);
    const second = connect(early(ticket), offersEarly);
    expect(earlyAnswer(second.events.client)).toBe(false);
    expect(second.client.resumed).toBe(true);
  });

  test('is not taken from whoever comes later with a copy (RFC 8446 §8.3)', () => {
    const { clock, connect } = office();
    const ticket = ticketOf(connect({}, offersEarly).events.client);
    clock.ms += 60_000;
    expect(earlyAnswer(connect(early(ticket), offersEarly).events.client)).toBe(false);
    const again = ticketOf(connect({}, offersEarly).events.client);
    clock.ms += 60_000;
    expect(earlyAnswer(connect(early(again, 60_000), offersEarly).events.client)).toBe(true);
  });

  test('is not taken where its limits, its protocol or its server changed', () => {
    const { connect } = office();
    const get = () => ticketOf(connect({}, offersEarly).events.client);
    const other = { earlyData: { context: Buffer.from('other limits') } };
    expect(earlyAnswer(connect(early(get()), other).events.client)).toBe(false);
    expect(earlyAnswer(connect(early(get()), {}).events.client)).toBe(false);
    // What was said in the one protocol is not said again in another.
    const alpn = { alpn: ['routelab/2', 'routelab/1'] };
    expect(alertOf(() => connect({ ...alpn, ...early(get()) }, { ...offersEarly, ...alpn }))).toBe(
      Alert.no_application_protocol,
    );
  });

  test('is not offered with a ticket that does not allow it, nor after a HelloRetryRequest', () => {
    const { connect } = office();
    const plain = ticketOf(connect().events.client);
    expect(earlyAnswer(connect(early(plain), offersEarly).events.client)).toBeUndefined();
    const ticket = ticketOf(connect({}, offersEarly).events.client);
    const retried = connect(early(ticket), { ...offersEarly, groups: ['P-256'] });
    expect(earlyAnswer(retried.events.client)).toBe(false);
    expect(retried.client.resumed).toBe(true);
  });

  test('of a limited size is a protocol violation in QUIC (RFC 9001 §4.6.1)', () => {
    const { connect } = office();
    const { client } = connect();
    const data = encodeNewSessionTicket({
      lifetimeS: 10,
      ageAdd: 0,
      nonce: Buffer.alloc(0),
      ticket: Buffer.from('ticket'),
      extensions: new Map([[ExtensionType.early_data, Buffer.from([0, 0, 4, 0])]]),
    });
    expect(() => client.receive('application', data)).toThrow(QuicError);
  });
});

describe('what travels', () => {
  const bytes = (min: number, max: number) =>
    fc.uint8Array({ minLength: min, maxLength: max }).map((array) => Buffer.from(array));

  test('pre_shared_key, modes and tickets survive encoding', () => {
    fc.assert(
      fc.property(bytes(1, 300), fc.nat(2 ** 32 - 1), bytes(32, 48), (identity, obfuscatedAge, binder) => {
        expect(decodeOfferedPsks(encodeOfferedPsk({ identity, obfuscatedAge, binder }))).toEqual([
          { identity, obfuscatedAge, binder },
        ]);
      }),
    );
    expect(decodePskModes(encodePskModes([1, 0]))).toEqual([1, 0]);
    fc.assert(
      fc.property(fc.nat(2 ** 32 - 1), bytes(0, 255), bytes(1, 500), (number, nonce, ticket) => {
        const message = { lifetimeS: number, ageAdd: number, nonce, ticket, extensions: new Map() };
        expect(decodeNewSessionTicket(encodeNewSessionTicket(message).subarray(4))).toEqual(message);
      }),
    );
  });

  test('pre_shared_key of any bytes is read or refused by an alert', () => {
    fc.assert(
      fc.property(bytes(0, 200), (body) => {
        try {
          decodeOfferedPsks(body);
        } catch (error) {
          expect(error).toBeInstanceOf(TlsAlert);
        }
      }),
    );
  });

  test('a ticket of any bytes, or with any byte changed, is nobody’s', () => {
    const { tickets } = office();
    const session = {
      psk: Buffer.alloc(32, 1),
      suite: 0x1301,
      alpn: 'h3',
      serverName: null,
      earlyContext: CONTEXT,
    };
    const { ticket, ageAdd } = tickets.issue(session);
    expect(tickets.redeem(ticket, ageAdd)).toEqual({ session, isFresh: true });
    fc.assert(
      fc.property(bytes(0, 300), fc.nat(2 ** 32 - 1), (any, age) => {
        expect(tickets.redeem(any, age)).toBeNull();
      }),
    );
    fc.assert(
      fc.property(fc.nat(ticket.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = Buffer.from(ticket);
        changed[at]! ^= mask;
        expect(tickets.redeem(changed, ageAdd)).toBeNull();
      }),
    );
  });
});
