import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Inbox } from '../../../src/main/quic/connection/inbox.ts';
import { Pair, readAll, SERVER } from './pair.ts';

/** What anybody may send: nothing, too little for a sample, bytes that look like either kind of header. */
const junk = fc.oneof(
  fc.constant(Buffer.alloc(0)),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  fc
    .tuple(fc.constantFrom(0x40, 0xc0, 0xff), fc.uint8Array({ minLength: 30, maxLength: 100 }))
    .map(([first, bytes]) => Buffer.from([first, ...bytes])),
);

describe('Connection.receiveAll', () => {
  it('takes datagrams as if they came one by one, over a key update, whatever else is among them', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(40), junk), { maxLength: 12 }), (extras) => {
        const pair = new Pair();
        pair.connect();
        pair.run(1_000_000);
        const server = pair.server!;
        const data = Buffer.from(Array.from({ length: 10_000 }, (_, i) => i % 251));
        const id = server.openStream(true)!;
        const sent: Buffer[] = [];
        const send = (part: Buffer): void => {
          server.write(id, part);
          // As the pacer lets them go.
          for (; server.unsentBytes(id) > 0; pair.nowUs += 1000) {
            for (let next = server.poll(pair.nowUs); next; next = server.poll(pair.nowUs))
              sent.push(Buffer.from(next));
          }
        };
        send(data.subarray(0, 5000));
        expect(server.updateKeys(pair.nowUs)).toBe(true);
        send(data.subarray(5000));

        for (const [at, extra] of extras) sent.splice(at % (sent.length + 1), 0, Buffer.from(extra));
        const inbox = new Inbox();
        for (const datagram of sent) inbox.add(datagram, SERVER, pair.nowUs);
        pair.client.receiveAll(inbox);
        const read: Buffer[] = [];
        readAll(pair.client, id, read);
        expect(Buffer.concat(read)).toEqual(data);
        expect(pair.client.stats().keyUpdates).toBe(1);
        expect(pair.client.isOpen).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
});
