import { describe, expect, it } from 'vitest';
import { ReceiveStream } from '../../../src/main/quic/streams/receive-stream.ts';
import { TransportError } from '../../../src/main/quic/wire/errors.ts';

/** Bytes in a buffer of their own, as a decrypted packet has them. */
function bytes(text: string): Buffer {
  const own = Buffer.allocUnsafeSlow(text.length);
  own.write(text);
  return own;
}

function readAll(stream: ReceiveStream): string {
  let text = '';
  for (let data = stream.read(); data !== null; data = stream.read()) text += data.toString();
  return text;
}

const code = (value: number) => expect.objectContaining({ name: 'QuicError', code: value });

describe('reassembly', () => {
  it('hands on data in order as the very buffer that came', () => {
    const stream = new ReceiveStream(0, 1000);
    const data = bytes('hello');
    expect(stream.receive(0, data, false)).toBe(5);
    expect(stream.read()).toBe(data);
    expect(stream.read()).toBeNull();
  });

  it('waits for a hole to be filled', () => {
    const stream = new ReceiveStream(0, 1000);
    expect(stream.receive(5, bytes('world'), true)).toBe(10);
    expect(stream.read()).toBeNull();
    expect(stream.receive(0, bytes('hello'), false)).toBe(0);
    expect(readAll(stream)).toBe('helloworld');
    expect(stream.isFinished).toBe(true);
  });

  it('drops duplicates and takes the new part of overlaps', () => {
    const stream = new ReceiveStream(0, 1000);
    expect(stream.receive(0, bytes('abc'), false)).toBe(3);
    expect(stream.receive(0, bytes('abc'), false)).toBe(0);
    expect(stream.receive(1, bytes('bcdef'), false)).toBe(3);
    expect(stream.receive(8, bytes('ij'), false)).toBe(4);
    expect(stream.receive(4, bytes('efghijkl'), false)).toBe(2);
    expect(readAll(stream)).toBe('abcdefghijkl');
  });

  it('goes across the edges of its blocks', () => {
    const stream = new ReceiveStream(0, 200_000);
    const whole = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 253));
    for (let at = 90_000; at >= 10_000; at -= 10_000)
      stream.receive(at, whole.subarray(at, at + 10_000), false);
    expect(stream.read()).toBeNull();
    stream.receive(0, whole.subarray(0, 10_000), false);
    const parts: Buffer[] = [];
    for (let data = stream.read(); data !== null; data = stream.read()) parts.push(data);
    expect(Buffer.concat(parts).equals(whole)).toBe(true);
  });

  it('does not let later frames change bytes already handed on', () => {
    const stream = new ReceiveStream(0, 1000);
    stream.receive(1, bytes('bcd'), false);
    stream.receive(0, bytes('a'), false);
    const first = stream.read()!;
    const second = stream.read()!;
    stream.receive(0, bytes('XXXXXX'), false);
    expect(`${first}${second}`).toBe('abcd');
    expect(readAll(stream)).toBe('XX');
  });

  it('gathers scraps that pile up unread into few pieces', () => {
    const stream = new ReceiveStream(0, 10_000);
    for (let at = 0; at < 5000; at++) {
      // One byte of stream in a packet of 1000.
      const packet = Buffer.allocUnsafeSlow(1000).fill(at % 251);
      stream.receive(at, packet.subarray(10, 11), false);
    }
    const pieces: Buffer[] = [];
    for (let data = stream.read(); data !== null; data = stream.read()) pieces.push(data);
    expect(pieces.length).toBe(2);
    expect(Buffer.concat(pieces)).toEqual(Buffer.from(Array.from({ length: 5000 }, (_, i) => i % 251)));
  });

  it('closes the connection on a peer that leaves holes without end', () => {
    const stream = new ReceiveStream(0, 1_000_000);
    expect(() => {
      for (let at = 1; at < 100_000; at += 2) stream.receive(at, bytes('x'), false);
    }).toThrow(code(TransportError.INTERNAL_ERROR));
  });
});

describe('the end', () => {
  it('may come by itself, and is reached when everything was read', () => {
    const stream = new ReceiveStream(0, 1000);
    stream.receive(0, bytes('abc'), false);
    stream.receive(3, bytes(''), true);
    expect(stream.isFinished).toBe(false);
    expect(readAll(stream)).toBe('abc');
    expect(stream.isFinished).toBe(true);
    expect(stream.resetCode).toBeNull();
  });

  it('may come first of all', () => {
    const stream = new ReceiveStream(0, 1000);
    stream.receive(0, bytes(''), true);
    expect(stream.isFinished).toBe(true);
  });

  it('cannot move or be passed (RFC 9000 §4.5)', () => {
    const ended = () => {
      const stream = new ReceiveStream(0, 1000);
      stream.receive(5, bytes('fghij'), true);
      return stream;
    };
    expect(ended().receive(0, bytes('abcde'), false)).toBe(0);
    expect(ended().receive(10, bytes(''), true)).toBe(0);
    for (const violate of [
      () => ended().receive(10, bytes('k'), false),
      () => ended().receive(8, bytes('i'), true),
      () => ended().receive(10, bytes('k'), true),
      () => ended().receiveReset(0, 9),
      () => ended().receiveReset(0, 11),
    ]) {
      expect(violate).toThrow(code(TransportError.FINAL_SIZE_ERROR));
    }
  });

  it('cannot lie before data already received', () => {
    const stream = new ReceiveStream(0, 1000);
    stream.receive(0, bytes('abcdef'), false);
    expect(() => stream.receive(3, bytes(''), true)).toThrow(code(TransportError.FINAL_SIZE_ERROR));
    expect(() => stream.receiveReset(1, 5)).toThrow(code(TransportError.FINAL_SIZE_ERROR));
  });
});

describe('reset', () => {
  it('discards what is unread and tells the code', () => {
    const stream = new ReceiveStream(0, 1000);
    stream.receive(0, bytes('abc'), false);
    stream.receive(5, bytes('f'), false);
    expect(stream.receiveReset(42, 20)).toBe(14);
    expect(stream.isFinished).toBe(true);
    expect(stream.resetCode).toBe(42);
    expect(stream.read()).toBeNull();
    expect(stream.takeDiscarded()).toBe(20);
    expect(stream.takeDiscarded()).toBe(0);
    expect(stream.receiveReset(43, 20)).toBe(0);
    expect(stream.resetCode).toBe(42);
    expect(stream.receive(3, bytes('de'), false)).toBe(0);
    expect(stream.read()).toBeNull();
  });

  it('counts only what was not read as discarded', () => {
    const stream = new ReceiveStream(0, 1000);
    stream.receive(0, bytes('abc'), false);
    stream.read();
    stream.receiveReset(1, 10);
    expect(stream.takeDiscarded()).toBe(7);
  });

  it('is told even when its final size is what has arrived, for no FIN has', () => {
    const empty = new ReceiveStream(0, 1000);
    empty.receiveReset(5, 0);
    expect(empty.resetCode).toBe(5);
    const full = new ReceiveStream(0, 1000);
    full.receive(0, bytes('abc'), false);
    full.receiveReset(5, 3);
    expect(full.resetCode).toBe(5);
  });

  it('is ignored once the whole stream has arrived (RFC 9000 §3.2)', () => {
    const stream = new ReceiveStream(0, 1000);
    stream.receive(0, bytes('abc'), true);
    stream.receiveReset(5, 3);
    expect(stream.resetCode).toBeNull();
    expect(readAll(stream)).toBe('abc');
    expect(stream.isFinished).toBe(true);
  });
});

describe('flow control', () => {
  it('allows the window and not a byte more', () => {
    const stream = new ReceiveStream(0, 10);
    expect(() => stream.receive(8, bytes('abc'), false)).toThrow(code(TransportError.FLOW_CONTROL_ERROR));
    expect(() => stream.receiveReset(0, 11)).toThrow(code(TransportError.FLOW_CONTROL_ERROR));
    expect(stream.receive(8, bytes('ab'), false)).toBe(10);
  });

  it('grants more when half the window has been read', () => {
    const stream = new ReceiveStream(0, 10);
    stream.receive(0, bytes('abcd'), false);
    stream.read();
    expect(stream.takeMaxData()).toBeNull();
    stream.receive(4, bytes('e'), false);
    expect(stream.takeMaxData()).toBeNull();
    stream.read();
    expect(stream.takeMaxData()).toBe(15);
    expect(stream.takeMaxData()).toBeNull();
    stream.receive(5, bytes('fghijklmno'), false);
    expect(() => stream.receive(15, bytes('p'), false)).toThrow(code(TransportError.FLOW_CONTROL_ERROR));
    stream.onMaxDataLost();
    expect(stream.takeMaxData()).toBe(15);
  });

  it('grants no more once the size is known', () => {
    const stream = new ReceiveStream(0, 10);
    stream.receive(0, bytes('abcdefgh'), true);
    stream.read();
    stream.onMaxDataLost();
    expect(stream.takeMaxData()).toBeNull();
  });
});

describe('stopSending', () => {
  it('asks once, again after a loss, and discards what comes', () => {
    const stream = new ReceiveStream(0, 100);
    stream.receive(0, bytes('abc'), false);
    stream.stopSending(8);
    expect(stream.takeDiscarded()).toBe(3);
    expect(stream.takeStopSending()).toBe(8);
    expect(stream.takeStopSending()).toBeNull();
    stream.onStopSendingLost();
    expect(stream.takeStopSending()).toBe(8);
    expect(stream.receive(10, bytes('k'), false)).toBe(8);
    expect(stream.takeDiscarded()).toBe(8);
    expect(stream.read()).toBeNull();
    expect(stream.isFinished).toBe(false);
    stream.receiveReset(8, 12);
    expect(stream.takeDiscarded()).toBe(1);
    expect(stream.isFinished).toBe(true);
    expect(stream.resetCode).toBe(8);
  });

  it('is over with a FIN, without waiting for the bytes before it', () => {
    const stream = new ReceiveStream(0, 100);
    stream.stopSending(8);
    stream.receive(10, bytes('k'), true);
    expect(stream.takeDiscarded()).toBe(11);
    expect(stream.isFinished).toBe(true);
    expect(stream.takeStopSending()).toBeNull();
  });

  it('needs no frame when the peer has ended the stream already', () => {
    const stream = new ReceiveStream(0, 100);
    stream.receive(3, bytes('d'), true);
    stream.stopSending(8);
    expect(stream.takeStopSending()).toBeNull();
    expect(stream.isFinished).toBe(true);
    expect(stream.takeDiscarded()).toBe(4);
  });
});
