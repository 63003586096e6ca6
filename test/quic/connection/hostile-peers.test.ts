/** Peers that obey the letter and wear an endpoint out (RFC 9000 §21): each is bounded, and let go of in the end. */
import { describe, expect, it } from 'vitest';
import { WINDOWS } from '../../../src/main/quic/connection/config.ts';
import { TransportError } from '../../../src/main/quic/wire/errors.ts';
import type { Frame } from '../../../src/main/quic/wire/frames.ts';
import type { Space } from '../../../src/main/recovery/types.ts';
import { connected, taking } from './violations.ts';
import type { Wiretap } from './wiretap.ts';

const MIB = 1024 * 1024;

/** A server with much to send on one stream of the client; from here on the test plays the client. */
function serving(bytes: number, options: Parameters<typeof connected>[0] = {}): { tap: Wiretap; id: number } {
  const tap = connected(options);
  const { pair } = tap;
  const id = pair.client.openStream(false)!;
  pair.client.write(id, Buffer.from('please'));
  pair.run(20_000);
  pair.server!.write(id, Buffer.alloc(bytes));
  return { tap, id };
}

describe('a peer that acknowledges nothing', () => {
  it('is let go of as late as a silent one, however lively it is', () => {
    const { tap } = serving(MIB, { server: { idleTimeoutMs: 8_000 } });
    const { pair } = tap;
    tap.lose = () => true;
    for (let second = 0; second < 7; second++) {
      tap.inject('up', 'application', [{ type: 'ping' }]);
      pair.run(1_000_000);
    }
    expect(pair.closed('server')).toBeUndefined();
    for (let second = 0; second < 3; second++) {
      tap.inject('up', 'application', [{ type: 'ping' }]);
      pair.run(1_000_000);
    }
    expect(pair.closed('server')).toMatchObject({ by: 'timeout', code: TransportError.NO_VIABLE_PATH });
    expect(tap.frames('down', 'connection_close')[0]).toMatchObject({ code: TransportError.NO_VIABLE_PATH });
  });

  it('is not missed by an endpoint that has nothing in flight', () => {
    const tap = connected({ server: { idleTimeoutMs: 8_000 } });
    // What is lost for good, as DATAGRAMs are, is not waited for.
    let lost = 0;
    tap.lose = (direction) => direction === 'down' && lost++ < 2;
    tap.pair.server!.sendDatagram(Buffer.from('lost'));
    for (let second = 0; second < 20; second++) {
      tap.pair.client.sendDatagram(Buffer.from('alive'));
      tap.pair.run(1_000_000);
    }
    expect(tap.pair.closed('server')).toBeUndefined();
  });
});

describe('a slow reader', () => {
  const slow = { server: { stallTimeoutMs: 10_000 } };

  it('that takes nothing is let go of after the stall timeout', () => {
    const { tap } = serving(10 * MIB, slow);
    tap.pair.run(9_000_000);
    expect(tap.pair.closed('server')).toBeUndefined();
    tap.pair.run(4_000_000);
    expect(tap.pair.closed('server')).toMatchObject({ by: 'timeout', code: TransportError.NO_ERROR });
    expect(tap.pair.closed('client')).toMatchObject({ by: 'peer', code: TransportError.NO_ERROR });
  });

  it('that opens its window by a trickle is let go of all the same', () => {
    const { tap, id } = serving(10 * MIB, slow);
    const { pair } = tap;
    pair.run(2_000_000);
    tap.lose = () => true;
    for (let second = 1; second <= 20; second++) {
      const max = WINDOWS.stream + 1000 * second;
      tap.inject('up', 'application', [{ type: 'max_stream_data', id, max }]);
      pair.run(1_000_000);
    }
    expect(pair.closed('server')).toMatchObject({ by: 'timeout', code: TransportError.NO_ERROR });
  });

  it('is served for as long as it goes on reading', () => {
    const { tap, id } = serving(20 * MIB, slow);
    const { pair } = tap;
    let read = 0;
    for (let second = 0; second < 60; second++) {
      pair.client.setPaused(id, false);
      pair.client.read(id, (data) => {
        read += data.length;
        if (read >= (second + 1) * 350_000) pair.client.setPaused(id, true);
      });
      pair.run(1_000_000);
    }
    expect(pair.closed('server')).toBeUndefined();
    expect(read).toBe(20 * MIB);
  });

  it('keeps what a server holds for it within what the writer was told to wait at', () => {
    const tap = connected();
    const { pair } = tap;
    const ids = Array.from({ length: 128 }, () => pair.client.openStream(false)!);
    for (const id of ids) pair.client.write(id, Buffer.from('please'));
    pair.run(100_000);
    const chunk = Buffer.alloc(64 * 1024);
    for (const id of ids) {
      let writes = 0;
      while (pair.server!.write(id, chunk)) writes++;
      expect(writes).toBeLessThan(16);
    }
  });
});

describe('a handshake', () => {
  it('that is dragged out is given up, however lively the client is', () => {
    const tap = taking('server', 'handshake');
    const { pair } = tap;
    const prod = (): void => {
      tap.inject('up', 'handshake', [{ type: 'ping' }, lastAcked(tap, 'handshake')]);
      pair.run(1_000_000);
    };
    for (let second = 0; second < 19; second++) prod();
    expect(pair.server!.isTerminated).toBe(false);
    prod();
    expect(pair.server!.isTerminated).toBe(true);
    expect(pair.closed('server')).toMatchObject({ by: 'timeout', reason: 'the handshake took too long' });
  });

  it('leaves nothing of its limits to the connection', () => {
    const tap = connected({ server: { idleTimeoutMs: 60_000 }, client: { idleTimeoutMs: 60_000 } });
    tap.pair.run(50_000_000);
    expect(tap.pair.closed('server')).toBeUndefined();
  });
});

describe('a flood', () => {
  const token = Buffer.alloc(16);
  const repeated = (frame: (n: number) => Frame, count: number): Frame[] =>
    Array.from({ length: count }, (_, n) => frame(n));
  const floods: Record<string, (round: number) => Frame[]> = {
    'of PINGs': () => repeated(() => ({ type: 'ping' }), 1000),
    'of PATH_CHALLENGEs': (round) =>
      repeated((n) => ({ type: 'path_challenge', data: Buffer.alloc(8, n + round) }), 120),
    'of one and the same NEW_CONNECTION_ID': () =>
      repeated(
        () => ({
          type: 'new_connection_id',
          sequence: 9,
          retirePriorTo: 9,
          connectionId: Buffer.alloc(8, 1),
          statelessResetToken: token,
        }),
        40,
      ),
    'of MAX_DATA': (round) => repeated((n) => ({ type: 'max_data', max: 2 ** 30 + 1000 * round + n }), 200),
    'of MAX_STREAM_DATA': (round) =>
      repeated((n) => ({ type: 'max_stream_data', id: 4 * (n % 100), max: 2 ** 30 + round }), 150),
    'of STOP_SENDING': () => repeated((n) => ({ type: 'stop_sending', id: 4 * (n % 100), code: n }), 200),
    'of streams opened and reset at once': (round) =>
      repeated((n) => ({ type: 'reset_stream', id: 2 + 4 * (60 * round + n), code: 0, finalSize: 0 }), 60),
    'of streams that hold nothing': () =>
      repeated((n) => ({ type: 'stream', id: 4 * (n % 128), offset: 0, fin: false, data: token }), 50),
    'of blocked senders': (round) => [
      ...repeated((n) => ({ type: 'data_blocked', limit: round + n }), 100),
      ...repeated((n) => ({ type: 'streams_blocked', bidirectional: true, limit: round + n }), 100),
      ...repeated((n) => ({ type: 'stream_data_blocked', id: 4 * (n % 100), limit: round }), 100),
    ],
  };

  it.each(Object.entries(floods))('%s is answered with less than it took', (_what, frames) => {
    const tap = connected();
    const { pair } = tap;
    // Nothing of what is forged may reach the client that knows nothing of it.
    tap.lose = () => true;
    let received = 0;
    const before = pair.sent.down.reduce((sum, bytes) => sum + bytes, 0);
    for (let round = 0; round < 200; round++) {
      const datagram = tap.forge('up', 'application', frames(round), 1200, { ahead: 1 });
      received += datagram.length;
      pair.inject('up', datagram);
      pair.run(100);
    }
    expect(pair.server!.isOpen).toBe(true);
    const sent = pair.sent.down.reduce((sum, bytes) => sum + bytes, 0) - before;
    expect(sent).toBeLessThan(1.1 * received + 20_000);
    // The connection still works: what it is asked, it answers.
    tap.packets.length = 0;
    tap.inject('up', 'application', [{ type: 'path_challenge', data: Buffer.alloc(8, 0xab) }]);
    expect(tap.frames('down', 'path_response')).toMatchObject([{ data: Buffer.alloc(8, 0xab) }]);
  });

  it('of ids retired as soon as they come ends the connection', () => {
    const tap = connected();
    const { pair } = tap;
    tap.lose = () => true;
    let sequence = 1;
    for (let round = 0; round < 3000 && pair.server!.isOpen; round++) {
      const known = tap.frames('down', 'new_connection_id').at(-1)!.sequence;
      const retired: Frame[] = [];
      while (sequence <= known) retired.push({ type: 'retire_connection_id', sequence: sequence++ });
      tap.packets.splice(0, tap.packets.length - 50);
      const packet = tap.forge('up', 'application', [lastAcked(tap, 'application'), ...retired], 0, {
        ahead: 1,
      });
      pair.inject('up', packet);
      pair.run(1_000);
    }
    expect(pair.closed('server')).toMatchObject({ by: 'local', code: TransportError.PROTOCOL_VIOLATION });
  });
});

/** An ACK of the last packet that the server sent in a space. */
function lastAcked(tap: Wiretap, space: Space): Frame {
  const ofSpace = tap.packets.filter((packet) => packet.direction === 'down' && packet.space === space);
  const { packetNumber } = ofSpace.at(-1)!;
  return { type: 'ack', delay: 0, ranges: [{ first: packetNumber, last: packetNumber }] };
}
