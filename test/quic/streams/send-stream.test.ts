import { describe, expect, it } from 'vitest';
import { SendStream } from '../../../src/main/quic/streams/send-stream.ts';
import { frameSize } from '../../../src/main/quic/wire/frames.ts';

const UNLIMITED = Number.POSITIVE_INFINITY;

function pattern(length: number, from = 0): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (from + i) % 251));
}

function written(length: number, max = 1_000_000): SendStream {
  const stream = new SendStream(4, max);
  stream.write(pattern(length));
  return stream;
}

describe('sending', () => {
  it('gives what was written in pieces that fit the room, as views', () => {
    const data = pattern(3000);
    const stream = new SendStream(4, 1_000_000);
    stream.write(data);
    stream.finish();
    const first = stream.next(1200, UNLIMITED)!;
    expect(first).toMatchObject({ offset: 0, fin: false, newBytes: first.data.length });
    expect(first.data.buffer).toBe(data.buffer);
    expect(stream.unsentBytes).toBe(3000 - first.data.length);
    const second = stream.next(1200, UNLIMITED)!;
    expect(second.offset).toBe(first.data.length);
    const third = stream.next(1200, UNLIMITED)!;
    expect(third.fin).toBe(true);
    expect(Buffer.concat([first.data, second.data, third.data])).toEqual(data);
    expect(stream.next(1200, UNLIMITED)).toBeNull();
  });

  it('fills any room to the last byte, the boundary of the length field apart', () => {
    for (const offset of [0, 50, 5000]) {
      for (let room = 4; room < 200; room++) {
        const stream = written(offset + 300);
        while (offset > 0 && stream.unsentBytes > 300) stream.next(offset + 20, stream.unsentBytes - 300);
        const piece = stream.next(room, UNLIMITED);
        const id = 4;
        if (piece === null) {
          expect(
            frameSize({ type: 'stream', id, offset, fin: false, data: Buffer.alloc(1) }),
          ).toBeGreaterThan(room);
          continue;
        }
        const used = frameSize({ type: 'stream', id, ...piece });
        expect(used).toBeLessThanOrEqual(room);
        expect(used).toBeGreaterThanOrEqual(room - 1);
      }
    }
  });

  it('ends a piece where one write ended', () => {
    const stream = new SendStream(0, 1000);
    stream.write(Buffer.from('one'));
    stream.write(Buffer.from('two'));
    expect(stream.next(100, UNLIMITED)!.data.toString()).toBe('one');
    expect(stream.next(100, UNLIMITED)).toMatchObject({ offset: 3, data: Buffer.from('two') });
  });

  it('sends a FIN by itself when it comes after the data', () => {
    const stream = written(10);
    expect(stream.next(100, UNLIMITED)!.fin).toBe(false);
    expect(stream.hasWork(0)).toBe(false);
    stream.finish();
    expect(stream.hasWork(0)).toBe(true);
    expect(stream.next(3, UNLIMITED)).toBeNull();
    expect(stream.next(4, 0)).toEqual({ offset: 10, data: Buffer.alloc(0), fin: true, newBytes: 0 });
    expect(stream.hasWork(UNLIMITED)).toBe(false);
    expect(stream.isDone).toBe(false);
    stream.onAcked(10, 0, true);
    expect(stream.isDone).toBe(false);
    stream.onAcked(0, 10, false);
    expect(stream.isDone).toBe(true);
  });

  it('can end without any data', () => {
    const stream = new SendStream(2, 0);
    stream.finish();
    expect(stream.next(100, 0)).toEqual({ offset: 0, data: Buffer.alloc(0), fin: true, newBytes: 0 });
    stream.onAcked(0, 0, true);
    expect(stream.isDone).toBe(true);
  });

  it('refuses data after its end', () => {
    const stream = new SendStream(0, 100);
    stream.finish();
    expect(() => stream.write(Buffer.from('x'))).toThrow('after its end');
  });
});

describe('flow control', () => {
  it('stops new data at the stream limit, says where, and goes on when it is raised', () => {
    const stream = written(100, 30);
    expect(stream.blockedAt).toBeNull();
    expect(stream.next(1000, UNLIMITED)!.data.length).toBe(30);
    expect(stream.blockedAt).toBe(30);
    expect(stream.hasWork(UNLIMITED)).toBe(false);
    expect(stream.next(1000, UNLIMITED)).toBeNull();
    stream.raiseMaxData(20);
    expect(stream.blockedAt).toBe(30);
    stream.raiseMaxData(50);
    expect(stream.blockedAt).toBeNull();
    expect(stream.next(1000, UNLIMITED)).toMatchObject({ offset: 30, newBytes: 20 });
  });

  it('stops new data at the connection’s credit, but not what is sent again', () => {
    const stream = written(100);
    expect(stream.hasWork(0)).toBe(false);
    expect(stream.next(1000, 40)).toMatchObject({ newBytes: 40 });
    expect(stream.next(1000, 0)).toBeNull();
    stream.onLost(0, 40, false);
    expect(stream.hasWork(0)).toBe(true);
    expect(stream.next(1000, 0)).toMatchObject({ offset: 0, newBytes: 0, data: pattern(40) });
  });

  it('is not in the way of a FIN', () => {
    const stream = written(30, 30);
    stream.next(1000, UNLIMITED);
    stream.finish();
    expect(stream.blockedAt).toBeNull();
    expect(stream.next(100, 0)!.fin).toBe(true);
  });
});

describe('loss', () => {
  it('sends lost bytes first, lowest first, and merges neighbours', () => {
    const stream = written(1000);
    for (let i = 0; i < 5; i++) stream.next(1000, 100);
    stream.onLost(300, 100, false);
    stream.onLost(0, 100, false);
    stream.onLost(200, 100, false);
    expect(stream.next(1000, UNLIMITED)).toMatchObject({ offset: 0, data: pattern(100) });
    expect(stream.next(1000, UNLIMITED)).toMatchObject({ offset: 200, data: pattern(200, 200) });
    expect(stream.next(1000, 100)).toMatchObject({ offset: 500, newBytes: 100 });
  });

  it('sends again only what no other frame brought across', () => {
    const stream = written(300);
    stream.next(1000, UNLIMITED);
    stream.onAcked(100, 50, false);
    stream.onLost(0, 300, false);
    expect(stream.next(1000, UNLIMITED)).toMatchObject({ offset: 0, data: pattern(100) });
    expect(stream.next(1000, UNLIMITED)).toMatchObject({ offset: 150, data: pattern(150, 150) });
    expect(stream.next(1000, UNLIMITED)).toBeNull();
  });

  it('forgets a loss when the acknowledgement comes late', () => {
    const stream = written(300);
    stream.finish();
    stream.next(1000, UNLIMITED);
    stream.onLost(0, 300, true);
    stream.onAcked(0, 300, true);
    expect(stream.hasWork(UNLIMITED)).toBe(false);
    expect(stream.next(1000, UNLIMITED)).toBeNull();
    expect(stream.isDone).toBe(true);
  });

  it('of the FIN sends it again, with the last bytes if they were lost too', () => {
    const stream = written(300);
    stream.finish();
    stream.next(1000, UNLIMITED);
    stream.onLost(0, 300, true);
    expect(stream.next(1000, UNLIMITED)).toMatchObject({ offset: 0, fin: true, newBytes: 0 });
    stream.onAcked(0, 300, false);
    expect(stream.isDone).toBe(false);
    stream.onLost(300, 0, true);
    expect(stream.next(1000, UNLIMITED)).toEqual({
      offset: 300,
      data: Buffer.alloc(0),
      fin: true,
      newBytes: 0,
    });
    stream.onAcked(300, 0, true);
    expect(stream.isDone).toBe(true);
  });
});

describe('reset', () => {
  it('ends the stream at what was sent, and drops the rest', () => {
    const stream = written(500);
    stream.next(1000, 200);
    stream.onLost(0, 100, false);
    stream.reset(7);
    expect(stream.unsentBytes).toBe(0);
    expect(stream.hasWork(0)).toBe(true);
    expect(stream.next(1000, UNLIMITED)).toBeNull();
    expect(stream.takeReset()).toEqual({ code: 7, finalSize: 200 });
    expect(stream.takeReset()).toBeNull();
    stream.onLost(100, 100, false);
    expect(stream.hasWork(UNLIMITED)).toBe(false);
    stream.write(Buffer.from('too late'));
    expect(stream.unsentBytes).toBe(0);
    stream.onResetLost();
    expect(stream.takeReset()).toEqual({ code: 7, finalSize: 200 });
    expect(stream.isDone).toBe(false);
    stream.onResetAcked();
    stream.onResetLost();
    expect(stream.takeReset()).toBeNull();
    expect(stream.isDone).toBe(true);
  });

  it('keeps the final size of a FIN that is out', () => {
    const stream = written(500);
    stream.finish();
    stream.next(1000, UNLIMITED);
    stream.onStopSending(9);
    expect(stream.takeReset()).toEqual({ code: 9, finalSize: 500 });
  });

  it('is not sent once everything has arrived', () => {
    const stream = written(5);
    stream.finish();
    stream.next(1000, UNLIMITED);
    stream.onAcked(0, 5, true);
    stream.onStopSending(9);
    expect(stream.takeReset()).toBeNull();
    expect(stream.isDone).toBe(true);
  });

  it('keeps its first code', () => {
    const stream = written(5);
    stream.reset(1);
    stream.onStopSending(2);
    expect(stream.takeReset()).toEqual({ code: 1, finalSize: 0 });
  });
});

it('serves many writes acknowledged in order (released as they go)', () => {
  const stream = new SendStream(0, UNLIMITED);
  for (let i = 0; i < 1000; i++) {
    stream.write(pattern(10, i * 10));
    const piece = stream.next(100, UNLIMITED)!;
    expect(piece).toMatchObject({ offset: i * 10, data: pattern(10, i * 10) });
    if (i >= 20) stream.onAcked((i - 20) * 10, 10, false);
  }
  stream.onLost(9950, 50, false);
  expect(stream.next(100, UNLIMITED)).toMatchObject({ offset: 9950, data: pattern(10, 9950) });
});
