import { describe, expect, it } from 'vitest';
import { Outbox } from '../../../src/main/quic/connection/outbox.ts';

const TO = { address: '192.0.2.1', port: 4433 };

/** Adds a datagram of `bytes` that hold `value`. */
function add(outbox: Outbox, bytes: number, value: number): void {
  outbox.reserve(bytes);
  const end = outbox.start + bytes;
  outbox.buffer.fill(value, outbox.start, end);
  outbox.add(end, TO);
}

describe('Outbox', () => {
  it('keeps the datagrams apart, also of those that its memory has no room for', () => {
    const outbox = new Outbox(100);
    for (const [value, bytes] of [60, 60, 150, 10].entries()) add(outbox, bytes, value);
    expect(outbox.datagrams).toEqual([
      Buffer.alloc(60, 0),
      Buffer.alloc(60, 1),
      Buffer.alloc(150, 2),
      Buffer.alloc(10, 3),
    ]);
    expect(outbox.to).toEqual([TO, TO, TO, TO]);
  });

  it('writes over datagrams that have left, never over those that have not', () => {
    const outbox = new Outbox(100);
    add(outbox, 50, 1);
    const [left] = outbox.datagrams;
    outbox.clear(true);
    add(outbox, 50, 2);
    expect(left).toEqual(Buffer.alloc(50, 2));

    const [waiting] = outbox.datagrams;
    outbox.clear(false);
    add(outbox, 50, 3);
    expect(waiting).toEqual(Buffer.alloc(50, 2));
    expect(outbox.datagrams).toEqual([Buffer.alloc(50, 3)]);
  });
});
