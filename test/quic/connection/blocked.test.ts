/** A sender that flow control holds back says so (RFC 9000 §4.1, §4.6). */
import { describe, expect, it } from 'vitest';
import { WINDOWS } from '../../../src/main/quic/connection/config.ts';
import { Wiretap } from './wiretap.ts';

const MIB = 1024 * 1024;

function connected(options: ConstructorParameters<typeof Wiretap>[0] = {}): Wiretap {
  const tap = new Wiretap(options);
  tap.pair.connect();
  tap.pair.run(200_000);
  return tap;
}

describe('a sender that is held back', () => {
  it('by the window of its stream sends STREAM_DATA_BLOCKED once for each limit', () => {
    const tap = connected();
    const { pair } = tap;
    const id = pair.client.openStream(true)!;
    pair.client.write(id, Buffer.alloc(7 * MIB));
    pair.run(5_000_000);
    expect(tap.frames('up', 'stream_data_blocked')).toEqual([
      { type: 'stream_data_blocked', id, limit: WINDOWS.stream },
    ]);
    expect(tap.frames('up', 'data_blocked')).toEqual([]);
  });

  it('by the window of the connection sends DATA_BLOCKED', () => {
    const tap = connected();
    const { pair } = tap;
    for (let i = 0; i < 4; i++) pair.client.write(pair.client.openStream(true)!, Buffer.alloc(5 * MIB));
    pair.run(10_000_000);
    expect(tap.frames('up', 'data_blocked')).toEqual([{ type: 'data_blocked', limit: WINDOWS.connection }]);
  });

  it('by the number of streams sends STREAMS_BLOCKED', () => {
    const tap = connected();
    const { pair } = tap;
    for (let i = 0; i < 130; i++) pair.client.openStream(true);
    pair.run(100_000);
    expect(tap.frames('up', 'streams_blocked')).toEqual([
      { type: 'streams_blocked', bidirectional: false, limit: 128 },
    ]);
  });

  it('says so again when that was lost and is still true', () => {
    const tap = connected();
    const { pair } = tap;
    let lost = 0;
    tap.lose = (direction, packets) =>
      direction === 'up' &&
      packets.some(({ frames }) => frames.some(({ type }) => type === 'streams_blocked')) &&
      lost++ === 0;
    for (let i = 0; i < 129; i++) pair.client.openStream(false);
    pair.run(2_000_000);
    expect(tap.frames('up', 'streams_blocked').length).toBeGreaterThanOrEqual(2);
  });

  it('keeps the connection from idling out for as long as it is held back', () => {
    const tap = connected({ client: { idleTimeoutMs: 5_000 } });
    const { pair } = tap;
    const id = pair.client.openStream(true)!;
    pair.client.write(id, Buffer.alloc(7 * MIB));
    pair.run(60_000_000);
    expect(pair.closed('client')).toBeUndefined();
    expect(pair.closed('server')).toBeUndefined();
    // And when the reader comes back, all of it arrives.
    let received = 0;
    pair.run(10_000_000, () => {
      pair.server!.read(id, (data) => {
        received += data.length;
      });
      return received === 7 * MIB;
    });
    expect(received).toBe(7 * MIB);
  });
});
