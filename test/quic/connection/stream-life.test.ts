/** How streams end, and that their ends are told and their places given back (RFC 9000 §3, §4.6). */
import { describe, expect, it } from 'vitest';
import { readAll } from './pair.ts';
import { Wiretap } from './wiretap.ts';

function connected(): Wiretap {
  const tap = new Wiretap();
  tap.pair.connect();
  tap.pair.run(200_000);
  return tap;
}

describe('the end of a stream', () => {
  it('is still told when everything else about the stream was over before it was read', () => {
    const { pair } = connected();
    const id = pair.client.openStream(false)!;
    pair.client.write(id, Buffer.from('question'));
    pair.run(15_000);
    // The server's FIN comes alone, and nobody reads it before the client's own half is acknowledged.
    pair.server!.finish(id);
    pair.run(50_000);
    pair.client.finish(id);
    pair.run(500_000);
    expect(readAll(pair.client, id, [])).toBe(true);
  });

  it('is told once', () => {
    const { pair } = connected();
    const id = pair.client.openStream(false)!;
    pair.client.finish(id);
    pair.run(15_000);
    expect(readAll(pair.server!, id, [])).toBe(true);
    expect(readAll(pair.server!, id, [])).toBe(false);
  });
});

describe('a reader that stops', () => {
  it('needs to read no more for the peer to get the place back', () => {
    const { pair } = connected();
    let opened = 0;
    for (let round = 0; round < 400; round++) {
      const id = pair.client.openStream(true);
      if (id === null) break;
      opened++;
      pair.client.write(id, Buffer.from('unwanted'));
      pair.run(12_000);
      pair.server!.stopSending(id, 3);
      pair.run(60_000);
    }
    expect(opened).toBe(400);
  });

  it('gives the place back when the end had arrived already', () => {
    const { pair } = connected();
    let opened = 0;
    for (let round = 0; round < 400; round++) {
      const id = pair.client.openStream(true);
      if (id === null) break;
      opened++;
      pair.client.write(id, Buffer.from('unwanted'));
      pair.client.finish(id);
      pair.run(12_000);
      pair.server!.stopSending(id, 3);
      pair.run(60_000);
    }
    expect(opened).toBe(400);
  });

  it('has its request repeated when it was lost', () => {
    const tap = connected();
    const { pair } = tap;
    const id = pair.client.openStream(false)!;
    pair.client.write(id, Buffer.alloc(5_000));
    pair.run(12_000);
    let lost = 0;
    tap.lose = (direction, packets) =>
      direction === 'down' &&
      packets.some(({ frames }) => frames.some(({ type }) => type === 'stop_sending')) &&
      lost++ === 0;
    pair.server!.stopSending(id, 3);
    pair.run(2_000_000);
    expect(tap.frames('down', 'stop_sending').length).toBeGreaterThanOrEqual(2);
    expect(tap.frames('up', 'reset_stream')).toMatchObject([{ id, code: 3, finalSize: 5_000 }]);
  });
});

describe('a writer that is stopped by its reader', () => {
  it('is let go on when it had been told to wait', () => {
    const { pair } = connected();
    const id = pair.client.openStream(false)!;
    expect(pair.client.write(id, Buffer.alloc(8 << 20))).toBe(false);
    pair.run(12_000);
    pair.server!.stopSending(id, 3);
    pair.run(100_000);
    expect(pair.events.client).toContainEqual({ type: 'stream-writable', id });
    expect(pair.client.unsentBytes(id)).toBe(0);
    // What follows has nowhere to go and is dropped.
    expect(pair.client.write(id, Buffer.alloc(8 << 20))).toBe(true);
    expect(pair.client.unsentBytes(id)).toBe(0);
  });

  it('answers with a reset of the same code, and the stream is over at both ends', () => {
    const tap = connected();
    const { pair } = tap;
    const id = pair.client.openStream(true)!;
    pair.client.write(id, Buffer.from('half a'));
    pair.run(12_000);
    pair.server!.stopSending(id, 0x2a);
    pair.run(100_000);
    expect(tap.frames('up', 'reset_stream')).toMatchObject([{ id, code: 0x2a }]);
  });
});

describe('frames for streams that are over', () => {
  it('are ignored', () => {
    const tap = connected();
    const { pair } = tap;
    const id = pair.client.openStream(false)!;
    pair.client.finish(id);
    pair.run(15_000);
    readAll(pair.server!, id, []);
    pair.server!.finish(id);
    pair.run(15_000);
    readAll(pair.client, id, []);
    pair.run(500_000);
    // The client would be surprised by the acknowledgement of what it never sent.
    tap.lose = (direction) => direction === 'down';
    tap.inject('up', 'application', [
      { type: 'stream', id, offset: 0, fin: true, data: Buffer.alloc(0) },
      { type: 'reset_stream', id, code: 1, finalSize: 0 },
      { type: 'stop_sending', id, code: 1 },
      { type: 'max_stream_data', id, max: 1 << 30 },
      { type: 'stream_data_blocked', id, limit: 1 },
    ]);
    pair.run(100_000);
    expect(pair.closed('server')).toBeUndefined();
    expect(pair.server!.isOpen).toBe(true);
  });
});

describe('streams that only one side may send on', () => {
  it.each([
    ['data on our own', { type: 'stream', id: 3, offset: 0, fin: false, data: Buffer.from('x') }],
    ['a reset of our own', { type: 'reset_stream', id: 3, code: 0, finalSize: 0 }],
    ['STREAM_DATA_BLOCKED on our own', { type: 'stream_data_blocked', id: 3, limit: 0 }],
    ['STOP_SENDING for the peer’s', { type: 'stop_sending', id: 2, code: 0 }],
    ['MAX_STREAM_DATA for the peer’s', { type: 'max_stream_data', id: 2, max: 9 }],
    [
      'data on ours that we never opened',
      { type: 'stream', id: 1, offset: 0, fin: false, data: Buffer.from('x') },
    ],
  ] as const)('close the connection on %s', (_what, frame) => {
    const tap = connected();
    tap.inject('up', 'application', [frame]);
    expect(tap.pair.closed('server')).toMatchObject({ by: 'local', code: 0x5 });
  });
});
