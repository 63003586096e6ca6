/** Paths: rebinding survived, migration, validation, ids given and taken back, stateless reset (RFC 9000 §5.1, §8.2, §9, §10.3). */
import { describe, expect, it } from 'vitest';
import type { PathAddress } from '../../../src/main/quic/connection/paths.ts';
import { TransportError } from '../../../src/main/quic/wire/errors.ts';
import { readAll, SERVER } from './pair.ts';
import { Wiretap } from './wiretap.ts';

const here = (port: number, address = '192.0.2.1'): PathAddress => ({ address, port });

function connected(options: ConstructorParameters<typeof Wiretap>[0] = {}): Wiretap {
  const tap = new Wiretap(options);
  tap.pair.connect();
  tap.pair.run(500_000);
  return tap;
}

/** The client sends a datagram and the server answers; whether both arrived. */
function exchange({ pair }: Wiretap): { up: boolean; down: boolean } {
  const count = (side: 'client' | 'server'): number =>
    pair.events[side].filter(({ type }) => type === 'datagram').length;
  const before = { up: count('server'), down: count('client') };
  pair.client.sendDatagram(Buffer.from('ping'));
  pair.run(100_000);
  pair.server!.sendDatagram(Buffer.from('pong'));
  pair.run(100_000);
  return { up: count('server') > before.up, down: count('client') > before.down };
}

describe('a client behind a NAT that rebinds', () => {
  it('keeps its connection: the server follows and validates the new address', () => {
    const tap = connected();
    tap.pair.paths.set(SERVER, here(40_001));
    expect(exchange(tap)).toEqual({ up: true, down: true });
    expect(tap.pair.server!.path.port).toBe(40_001);
    expect(tap.frames('down', 'path_challenge')).toHaveLength(1);
    expect(tap.frames('up', 'path_response')).toEqual([
      { type: 'path_response', data: tap.frames('down', 'path_challenge')[0]!.data },
    ]);
    // RFC 9000 §8.2.2: full, whatever the challenge was; that may not have been (§8.2.1).
    const answer = tap.packets.find(({ frames }) => frames.some(({ type }) => type === 'path_response'))!;
    expect(answer.datagramBytes).toBeGreaterThanOrEqual(1200);
  });

  it('keeps window and RTT when only the port changed, and loses both with another host', () => {
    const samePath = connected();
    const before = samePath.pair.server!.stats().smoothedRttUs;
    samePath.pair.paths.set(SERVER, here(40_001));
    samePath.pair.client.sendDatagram(Buffer.from('x'));
    samePath.pair.run(11_000);
    expect(samePath.pair.server!.stats().smoothedRttUs).toBe(before);

    const other = connected();
    other.pair.paths.set(SERVER, here(40_000, '198.51.100.7'));
    other.pair.client.sendDatagram(Buffer.from('x'));
    other.pair.run(11_000);
    expect(other.pair.server!.path.address).toBe('198.51.100.7');
    expect(other.pair.server!.stats().smoothedRttUs).toBeNull();
  });

  it('gets no more than three times what it sent until its address is validated', () => {
    const tap = connected();
    const { pair } = tap;
    const id = pair.server!.openStream(true)!;
    // Whoever is at the new address never answers.
    const victim = here(9, '203.0.113.5');
    pair.paths.set(SERVER, victim);
    pair.client.sendDatagram(Buffer.from('spoofed'));
    pair.run(10_500);
    tap.lose = (direction) => direction === 'up';
    const sentBefore = pair.sent.up.at(-1)!;
    const from = pair.sent.down.length - 1;
    pair.server!.write(id, Buffer.alloc(200_000));
    pair.run(40_000);
    const toVictim = pair.sent.down.slice(from).reduce((sum, bytes) => sum + bytes, 0);
    expect(pair.server!.path).toBe(victim);
    expect(toVictim).toBeLessThanOrEqual(3 * sentBefore);
  });

  it('is found again when the address that it seemed to move to leads nowhere', () => {
    const tap = connected();
    const { pair } = tap;
    const original = pair.paths.get(SERVER)!;
    pair.paths.set(SERVER, here(9, '203.0.113.5'));
    pair.client.sendDatagram(Buffer.from('spoofed'));
    pair.run(10_500);
    pair.paths.set(SERVER, original);
    pair.run(5_000_000);
    expect(pair.server!.path).toBe(original);
    expect(exchange(tap)).toEqual({ up: true, down: true });
  });

  it('is served while a path that leads nowhere has no credit left, and that one is given up', () => {
    let isCut = false;
    const tap = connected({ drop: (direction) => isCut && direction === 'down' });
    const { pair } = tap;
    const original = pair.paths.get(SERVER)!;
    const nowhere = here(9, '203.0.113.5');
    // One packet, from elsewhere: its answer spends all the credit of that address.
    pair.paths.set(SERVER, nowhere);
    isCut = true;
    pair.client.sendDatagram(Buffer.from('spoofed'));
    pair.run(10_500);
    expect(pair.server!.path).toBe(nowhere);
    isCut = false;
    pair.paths.set(SERVER, original);
    for (let i = 0; i < 10; i++) expect(exchange(tap)).toEqual({ up: true, down: true });
    expect(pair.server!.path).toBe(original);
    pair.run(20_000_000);
    expect(pair.events.server).toContainEqual({ type: 'path-failed', path: nowhere });
    expect(exchange(tap)).toEqual({ up: true, down: true });
  });

  it('is followed through two rebindings in a row, in the middle of a download', () => {
    const tap = connected();
    const { pair } = tap;
    const id = pair.server!.openStream(false)!;
    pair.server!.write(id, Buffer.alloc(1_000_000, 'routelab'));
    pair.server!.finish(id);
    const received: Buffer[] = [];
    let end = false;
    pair.run(40_000);
    for (const port of [40_001, 40_002]) {
      pair.paths.set(SERVER, here(port));
      pair.run(15_000, () => {
        end ||= readAll(pair.client, id, received);
        return end;
      });
    }
    pair.run(60_000_000, () => {
      end ||= readAll(pair.client, id, received);
      return end;
    });
    expect(Buffer.concat(received)).toHaveLength(1_000_000);
    expect(pair.server!.path.port).toBe(40_002);
  });

  it('does not move the server with an old packet that comes late', () => {
    let late = -1;
    const tap = connected({ extraUs: (direction, n) => (direction === 'up' && n === late ? 40_000 : 0) });
    const { pair } = tap;
    const original = pair.paths.get(SERVER)!;
    late = pair.sent.up.length;
    pair.paths.set(SERVER, here(40_009));
    pair.client.sendDatagram(Buffer.from('late'));
    pair.run(1_000);
    pair.paths.set(SERVER, original);
    pair.client.sendDatagram(Buffer.from('in time'));
    pair.run(100_000);
    expect(pair.events.server.filter(({ type }) => type === 'datagram')).toHaveLength(2);
    expect(pair.server!.path).toBe(original);
  });

  it('is not followed before the handshake is confirmed', () => {
    const tap = new Wiretap();
    tap.pair.run(15_000);
    const original = tap.pair.server!.path;
    tap.pair.paths.set(SERVER, here(40_001));
    tap.pair.run(300_000);
    expect(tap.pair.server!.path).toBe(original);
    expect(tap.pair.has('server', 'connected')).toBe(false);
  });
});

describe('a client that migrates', () => {
  const elsewhere: PathAddress = { address: SERVER.address, port: SERVER.port };

  it('tries the path first, moves with an id not used before, and the server follows', () => {
    const tap = connected();
    const { pair } = tap;
    pair.paths.set(elsewhere, here(50_000));
    expect(pair.client.migrate(elsewhere)).toBe(true);
    pair.run(15_000);
    expect(pair.client.path).toBe(SERVER);
    pair.run(200_000);
    expect(pair.client.path).toBe(elsewhere);
    expect(exchange(tap)).toEqual({ up: true, down: true });
    expect(pair.server!.path.port).toBe(50_000);
    expect(pair.events.client).toContainEqual({ type: 'migrated', to: elsewhere });
    // RFC 9000 §9.5: both ends changed the id they address, and said so.
    expect(tap.frames('up', 'retire_connection_id')).toHaveLength(1);
    expect(tap.frames('down', 'retire_connection_id')).toHaveLength(1);
    expect(pair.client.stats().migrations).toBe(1);
  });

  it('stays where it is when the path leads nowhere, and hears of it', () => {
    const tap = connected();
    const { pair } = tap;
    expect(pair.client.migrate(elsewhere)).toBe(true);
    pair.run(10_000_000);
    expect(pair.events.client).toContainEqual({ type: 'path-failed', path: elsewhere });
    expect(pair.client.path).toBe(SERVER);
    expect(exchange(tap)).toEqual({ up: true, down: true });
  });

  it('loses nothing of a transfer under way', () => {
    const tap = connected();
    const { pair } = tap;
    const id = pair.client.openStream(false)!;
    const sent = Buffer.alloc(2_000_000, 'routelab');
    pair.client.write(id, sent);
    pair.client.finish(id);
    pair.run(30_000);
    pair.paths.set(elsewhere, here(50_000, '198.51.100.9'));
    expect(pair.client.migrate(elsewhere)).toBe(true);
    const received: Buffer[] = [];
    let end = false;
    pair.run(60_000_000, () => {
      end ||= readAll(pair.server!, id, received);
      return end;
    });
    expect(Buffer.concat(received).equals(sent)).toBe(true);
    expect(pair.client.path).toBe(elsewhere);
  });

  it('runs out of ids when it moves more often than the server gives it any', () => {
    const tap = connected();
    const { pair } = tap;
    let moves = 0;
    // No answer of the server arrives any more.
    tap.lose = (direction) => direction === 'down';
    while (moves < 20 && pair.client.migrate(here(60_000 + moves))) {
      moves++;
      pair.run(20_000);
    }
    expect(moves).toBeLessThanOrEqual(3);
  });

  it('may not move before the handshake is confirmed', () => {
    const tap = new Wiretap();
    tap.pair.run(30_000_000, () => tap.pair.has('client', 'connected'));
    expect(tap.pair.client.migrate(elsewhere)).toBe(false);
  });
});

describe('connection ids', () => {
  it('are issued up to the limit of the peer, and replaced when they are retired', () => {
    const tap = connected();
    expect(tap.frames('down', 'new_connection_id').map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(tap.frames('up', 'new_connection_id').map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    tap.inject('up', 'application', [{ type: 'retire_connection_id', sequence: 2 }]);
    tap.pair.run(100_000);
    expect(tap.frames('down', 'new_connection_id').at(-1)!.sequence).toBe(4);
    expect(tap.pair.events.server.filter(({ type }) => type === 'id-retired')).toHaveLength(1);
  });

  it.each([
    ['that was never issued', 9],
    ['that the packet itself is addressed to', 0],
  ])('cannot be retired: one %s', (_what, sequence) => {
    const tap = connected();
    tap.inject('up', 'application', [{ type: 'retire_connection_id', sequence }]);
    expect(tap.pair.closed('server')).toMatchObject({ by: 'local', code: TransportError.PROTOCOL_VIOLATION });
  });
});

describe('a stateless reset', () => {
  const resetToken = (id: Buffer): Buffer => Buffer.concat([id, Buffer.alloc(8, 0x77)]);

  it('ends the connection at once', () => {
    const tap = connected({ server: { resetToken } });
    const reset = Buffer.concat([Buffer.alloc(24, 0x41), resetToken(tap.pair.server!.localId)]);
    tap.pair.inject('down', reset);
    expect(tap.pair.closed('client')).toMatchObject({ by: 'peer', code: 0 });
    // It is no packet, and nothing answers it.
    const sent = tap.pair.sent.up.length;
    tap.pair.run(5_000_000);
    expect(tap.pair.sent.up.length).toBe(sent);
  });

  it('of an id that is not in use is noise', () => {
    const tap = connected({ server: { resetToken } });
    const spare = tap.frames('down', 'new_connection_id')[0]!;
    tap.pair.inject('down', Buffer.concat([Buffer.alloc(24, 0x41), spare.statelessResetToken]));
    tap.pair.inject('down', Buffer.concat([Buffer.alloc(24, 0x41), Buffer.alloc(16, 9)]));
    expect(tap.pair.closed('client')).toBeUndefined();
    expect(exchange(tap)).toEqual({ up: true, down: true });
  });
});
