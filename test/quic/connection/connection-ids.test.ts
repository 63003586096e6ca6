/** The peer's connection ids (RFC 9000 §5.1, §19.15). */
import { describe, expect, it } from 'vitest';
import { ACTIVE_CID_LIMIT, PeerConnectionIds } from '../../../src/main/quic/connection/connection-ids.ts';
import { TransportError } from '../../../src/main/quic/wire/errors.ts';
import { Wiretap } from './wiretap.ts';

const token = Buffer.alloc(16);
const id = (n: number): Buffer => Buffer.alloc(8, n);

function retired(ids: PeerConnectionIds): number[] {
  const out: number[] = [];
  while (ids.hasRetired) out.push(ids.takeRetired()!);
  return out;
}

describe('the connection ids of the peer', () => {
  it('stay in use until the peer retires them', () => {
    const ids = new PeerConnectionIds(id(0));
    ids.onNewConnectionId(1, 0, id(1), token);
    expect(ids.current).toEqual(id(0));
    ids.onNewConnectionId(2, 2, id(2), token);
    expect(ids.current).toEqual(id(2));
    expect(retired(ids)).toEqual([1, 0]);
  });

  it('may be told again', () => {
    const ids = new PeerConnectionIds(id(0));
    ids.onNewConnectionId(1, 1, id(1), token);
    ids.onNewConnectionId(1, 1, id(1), token);
    expect(retired(ids)).toEqual([0]);
  });

  it('that are retired before they arrive are retired once', () => {
    const ids = new PeerConnectionIds(id(0));
    ids.onNewConnectionId(5, 5, id(5), token);
    expect(retired(ids)).toEqual([0]);
    ids.onNewConnectionId(3, 0, id(3), token);
    ids.onNewConnectionId(3, 0, id(3), token);
    expect(retired(ids)).toEqual([3]);
  });

  it('that were given up are not taken for new ones when a delayed frame names them', () => {
    const ids = new PeerConnectionIds(id(0));
    ids.onNewConnectionId(1, 0, id(1), token);
    ids.giveUp(ids.takeSpare()!);
    expect(retired(ids)).toEqual([1]);
    ids.onRetireAcked(1);
    ids.onNewConnectionId(1, 0, id(1), token);
    expect(ids.hasSpare).toBe(false);
    expect(retired(ids)).toEqual([]);
  });

  it.each([
    ['another id under a known number', 1, id(9)],
    ['a known id under another number', 2, id(1)],
  ])('break the protocol with %s', (_what, sequence, value) => {
    const ids = new PeerConnectionIds(id(0));
    ids.onNewConnectionId(1, 0, id(1), token);
    expect(() => ids.onNewConnectionId(sequence, 0, value, token)).toThrow(
      expect.objectContaining({ code: TransportError.PROTOCOL_VIOLATION }),
    );
  });

  it('are not taken from a peer that has none', () => {
    const ids = new PeerConnectionIds(Buffer.alloc(0));
    expect(() => ids.onNewConnectionId(1, 0, id(1), token)).toThrow(
      expect.objectContaining({ code: TransportError.PROTOCOL_VIOLATION }),
    );
  });

  it('are limited to what was announced', () => {
    const ids = new PeerConnectionIds(id(0));
    for (let n = 1; n < ACTIVE_CID_LIMIT; n++) ids.onNewConnectionId(n, 0, id(n), token);
    expect(() => ids.onNewConnectionId(ACTIVE_CID_LIMIT, 0, id(ACTIVE_CID_LIMIT), token)).toThrow(
      expect.objectContaining({ code: TransportError.CONNECTION_ID_LIMIT_ERROR }),
    );
  });

  it('take over the packets when the peer says so, and RETIRE_CONNECTION_ID is sent until acknowledged', () => {
    const tap = new Wiretap();
    tap.pair.connect();
    tap.pair.run(200_000);
    // The server knows nothing of the forged frame: what answers it must not arrive.
    tap.lose = (direction) => direction === 'up';
    tap.inject('down', 'application', [
      {
        type: 'new_connection_id',
        sequence: 10,
        retirePriorTo: 10,
        connectionId: id(10),
        statelessResetToken: Buffer.alloc(16),
      },
    ]);
    tap.pair.run(2_000_000);
    const carriers = tap.packets.filter(({ frames }) =>
      frames.some(({ type }) => type === 'retire_connection_id'),
    );
    expect(carriers.length).toBeGreaterThan(2);
    for (const { frames } of carriers) {
      // With the one in use, the spare ones that the server had given.
      expect(frames.filter(({ type }) => type === 'retire_connection_id')).toEqual(
        expect.arrayContaining([0, 1, 2, 3].map((sequence) => ({ type: 'retire_connection_id', sequence }))),
      );
    }
  });
});
