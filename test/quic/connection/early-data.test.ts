/** Early data in virtual time: what it spares, and what losses and refusals make of it (RFC 9001 §4.6, RFC 9000 §7.4.1). */
import { describe, expect, it } from 'vitest';
import type { SessionTicket } from '../../../src/main/quic/connection/config.ts';
import { SessionTickets } from '../../../src/main/quic/tls/session-tickets.ts';
import { AES_128_GCM_SHA256 } from '../../../src/main/quic/tls/suites.ts';
import { Writer } from '../../../src/main/quic/wire/cursor.ts';
import { TransportError } from '../../../src/main/quic/wire/errors.ts';
import { type Frame, writeFrame } from '../../../src/main/quic/wire/frames.ts';
import {
  type LongHeader,
  parseHeader,
  patchLength,
  QUIC_V1,
  writeLongHeader,
} from '../../../src/main/quic/wire/header.ts';
import { PacketProtection } from '../../../src/main/quic/wire/protection.ts';
import { Pair, type PairOptions, readAll } from './pair.ts';

const DELAY_US = 40_000;
const REQUEST = Buffer.alloc(3000, 'request ');
const ANSWER = Buffer.from('answer');

/** Server settings that outlive a connection. */
function office() {
  let counter = 0;
  const random = (n: number): Buffer => Buffer.alloc(n, ++counter);
  return { tickets: new SessionTickets(random, () => 0), earlyData: true };
}

/** A ticket of a connection that is over. */
function ticketFrom(server: ReturnType<typeof office>): SessionTicket {
  const pair = new Pair({ server });
  pair.connect();
  pair.run(200_000);
  const ticket = pair.events.client.find((event) => event.type === 'ticket')!.ticket;
  // The clocks of pairs do not run on.
  return { ...ticket, receivedAtUs: 1_000_000 };
}

/** Sends the request as early as it may, and answers it. */
function exchange(options: PairOptions) {
  const pair = new Pair({ delayUs: DELAY_US, ...options });
  const heard = { request: [] as Buffer[], answer: [] as Buffer[] };
  const atUs = { request: 0, answer: 0 };
  const startedAtUs = pair.nowUs;
  let id: number | null = null;
  pair.run(5_000_000, () => {
    const { client, server, nowUs } = pair;
    if (id === null && client.mayCarryData) {
      id = client.openStream(false)!;
      client.write(id, REQUEST);
      client.finish(id);
    }
    if (server && id !== null && !atUs.request && readAll(server, id, heard.request)) {
      atUs.request = nowUs - startedAtUs;
      server.write(id, ANSWER);
      server.finish(id);
    }
    if (id !== null && !atUs.answer && readAll(client, id, heard.answer)) atUs.answer = nowUs - startedAtUs;
    return false;
  });
  return { pair, heard, atUs };
}

const expectExchanged = ({ heard }: ReturnType<typeof exchange>): void => {
  expect(Buffer.concat(heard.request)).toEqual(REQUEST);
  expect(Buffer.concat(heard.answer)).toEqual(ANSWER);
};

/** Whether a datagram holds a packet of a type. */
function holds(datagram: Buffer, type: 'initial' | '0rtt' | 'handshake'): boolean {
  for (let at = 0; at < datagram.length; ) {
    const header = parseHeader(datagram, at, 8);
    if (header?.form !== 'long') return false;
    if (header.type === type) return true;
    at = header.end;
  }
  return false;
}

describe('early data', () => {
  it('reaches the server with the first flight, and is answered within a round trip', () => {
    const server = office();
    const early = exchange({ server, client: { ticket: ticketFrom(server), earlyData: true } });
    expectExchanged(early);
    expect(early.atUs).toEqual({ request: DELAY_US, answer: 2 * DELAY_US });
    expect(early.pair.client.handshake()).toMatchObject({ resumed: true, earlyData: 'accepted' });
    expect(early.pair.server!.handshake()).toMatchObject({ resumed: true, earlyData: 'accepted' });
    const late = exchange({ server, client: { ticket: ticketFrom(server) } });
    expectExchanged(late);
    expect(late.atUs.request).toBeGreaterThanOrEqual(3 * DELAY_US);
  });

  it('that the server does not take is sent again once the handshake is complete', () => {
    const server = office();
    const ticket = ticketFrom(server);
    const refused = exchange({
      server: { ...server, earlyData: false },
      client: { ticket, earlyData: true },
    });
    expectExchanged(refused);
    expect(refused.atUs.request).toBeGreaterThanOrEqual(3 * DELAY_US);
    expect(refused.pair.client.handshake()).toMatchObject({ resumed: true, earlyData: 'rejected' });
    // Nothing of it counts as lost: it was never on a path whose congestion it could tell of.
    expect(refused.pair.client.stats().packetsLost).toBe(0);
  });

  it.each([0, 1, 2, 3])('survives the loss of datagram %i of the client', (lost) => {
    const server = office();
    const result = exchange({
      server,
      client: { ticket: ticketFrom(server), earlyData: true },
      drop: (direction, n) => direction === 'up' && n === lost,
    });
    expectExchanged(result);
  });

  it.each([0, 1, 2])('survives the loss of datagram %i of the server', (lost) => {
    const server = office();
    const result = exchange({
      server,
      client: { ticket: ticketFrom(server), earlyData: true },
      drop: (direction, n) => direction === 'down' && n === lost,
    });
    expectExchanged(result);
  });

  it('that overtakes the ClientHello waits for it', () => {
    const server = office();
    const result = exchange({
      server,
      client: { ticket: ticketFrom(server), earlyData: true },
      // The first datagram makes the connection; its continuation is late.
      extraUs: (direction, n) => (direction === 'up' && n === 1 ? 5_000 : 0),
    });
    expectExchanged(result);
    expect(result.pair.server!.handshake().earlyData).toBe('accepted');
  });

  it('is never more than the limits that the ticket remembers', () => {
    const server = office();
    const ticket = ticketFrom(server);
    const limits = { ...ticket.limits, initialMaxStreamDataBidiRemote: 1000 };
    const seen: number[] = [];
    const result = exchange({
      server,
      client: { ticket: { ...ticket, limits }, earlyData: true },
      drop: (direction, _n, datagram) => {
        if (direction === 'up' && holds(datagram, '0rtt')) seen.push(datagram.length);
        return false;
      },
    });
    expectExchanged(result);
    // With the handshake the server's real limits hold.
    expect(result.atUs.request).toBeGreaterThanOrEqual(3 * DELAY_US);
    // The stream's bytes, and STREAM_DATA_BLOCKED.
    expect(seen).toEqual([1046, 46]);
  });

  it('that is taken is an error when the server then allows less than it did (RFC 9000 §7.4.1)', () => {
    const server = office();
    const ticket = ticketFrom(server);
    const limits = { ...ticket.limits, initialMaxData: 2 * ticket.limits.initialMaxData };
    const { pair } = exchange({ server, client: { ticket: { ...ticket, limits }, earlyData: true } });
    expect(pair.closed('client')).toMatchObject({ by: 'local', code: TransportError.PROTOCOL_VIOLATION });
  });

  it('that is rejected goes by the limits of now, even where they are smaller', () => {
    const server = office();
    const ticket = ticketFrom(server);
    const limits = {
      ...ticket.limits,
      initialMaxData: 2 * ticket.limits.initialMaxData,
      initialMaxStreamDataBidiRemote: 2 * ticket.limits.initialMaxStreamDataBidiRemote,
      initialMaxStreamsBidi: 2 * ticket.limits.initialMaxStreamsBidi,
    };
    const refusing = { ...server, earlyData: false };
    const fits = exchange({ server: refusing, client: { ticket: { ...ticket, limits }, earlyData: true } });
    expectExchanged(fits);
    expect(fits.pair.client.handshake().earlyData).toBe('rejected');
    // More streams than the server allows now cannot be made undone.
    const pair = new Pair({
      server: refusing,
      client: { ticket: { ...ticketFrom(server), limits }, earlyData: true },
    });
    for (let i = 0; i <= ticket.limits.initialMaxStreamsBidi; i++)
      expect(pair.client.openStream(false)).toBe(4 * i);
    pair.run(1_000_000);
    expect(pair.closed('client')).toMatchObject({ by: 'local', code: TransportError.INTERNAL_ERROR });
  });

  it('is not opened any more once its keys had to be forgotten (RFC 9001 §4.9.3)', () => {
    const server = office();
    const late: Buffer[] = [];
    const result = exchange({
      server,
      client: { ticket: ticketFrom(server), earlyData: true },
      drop: (direction, _n, datagram) => {
        if (direction !== 'up' || !holds(datagram, '0rtt')) return false;
        late.push(Buffer.from(datagram));
        return true;
      },
    });
    expectExchanged(result);
    const before = result.pair.server!.stats().packetsReceived;
    result.pair.inject('up', late.at(-1)!);
    expect(result.pair.server!.stats().packetsReceived).toBe(before);
  });

  it('is not sent by a client that did not ask for it', () => {
    const server = office();
    const result = exchange({
      server,
      client: { ticket: ticketFrom(server) },
      drop: (direction, _n, datagram) => {
        if (direction === 'up') expect(holds(datagram, '0rtt')).toBe(false);
        return false;
      },
    });
    expectExchanged(result);
  });

  it('of a connection that ends before its handshake leaves nothing behind', () => {
    const server = office();
    const pair = new Pair({ server, client: { ticket: ticketFrom(server), earlyData: true } });
    const id = pair.client.openStream(false)!;
    pair.client.write(id, REQUEST);
    pair.client.close(7, 'never mind', pair.nowUs);
    pair.run(60_000_000);
    expect(pair.client.isTerminated).toBe(true);
    expect(pair.server?.isTerminated ?? true).toBe(true);
  });
});

describe('a 0-RTT packet', () => {
  const REFUSED: readonly Frame[] = [
    { type: 'ack', ranges: [{ first: 0, last: 0 }], delay: 0 },
    { type: 'crypto', offset: 0, data: Buffer.from('hello') },
    { type: 'new_token', token: Buffer.from('token') },
    { type: 'path_response', data: Buffer.alloc(8) },
    { type: 'handshake_done' },
  ];

  it.each(REFUSED)('with $type is a protocol violation (RFC 9000 §12.5)', (frame) => {
    const server = office();
    let secret: Buffer = Buffer.alloc(0);
    const keyLog = (line: string): void => {
      if (line.startsWith('CLIENT_EARLY_TRAFFIC_SECRET')) secret = Buffer.from(line.split(' ')[2]!, 'hex');
    };
    let ids: { dcid: Buffer; scid: Buffer } = { dcid: Buffer.alloc(0), scid: Buffer.alloc(0) };
    const pair = new Pair({
      server,
      client: { ticket: ticketFrom(server), earlyData: true, keyLog },
      drop: (direction, n, datagram) => {
        const header = direction === 'up' && n === 0 ? parseHeader(Buffer.from(datagram), 0, 8) : null;
        if (header) ids = { dcid: header.dcid, scid: (header as LongHeader).scid };
        // The server is not to hear of the end of the handshake before.
        return direction === 'up' && n > 0;
      },
    });
    pair.run(15_000, () => pair.server !== null);
    const buffer = Buffer.alloc(1200);
    const writer = new Writer(buffer);
    const { pnOffset, lengthOffset } = writeLongHeader(writer, {
      type: '0rtt',
      version: QUIC_V1,
      ...ids,
      packetNumber: 50,
      pnLength: 4,
    });
    writeFrame(writer, frame);
    patchLength(buffer, lengthOffset, 1200 - pnOffset);
    PacketProtection.fromSecret(AES_128_GCM_SHA256, secret).seal(buffer, 0, pnOffset, 4, 1184, 50);
    pair.inject('up', buffer);
    expect(pair.closed('server')).toMatchObject({ by: 'local', code: TransportError.PROTOCOL_VIOLATION });
  });
});
