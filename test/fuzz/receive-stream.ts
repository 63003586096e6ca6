import { ReceiveStream } from '../../src/main/quic/streams/receive-stream.ts';
import { Reader } from '../../src/main/quic/wire/cursor.ts';
import { QuicError } from '../../src/main/quic/wire/errors.ts';
import type { FuzzTarget } from './target.ts';

const WINDOW = 60_000;

/** The byte of the stream at an offset. */
const byteAt = (offset: number): number => (offset * 31 + (offset >> 8)) & 0xff;

/** Feeds STREAM frames cut as `data` says; whatever is read must be the stream, in order, accounted for. */
function run(data: Buffer): void {
  const stream = new ReceiveStream(0, WINDOW);
  const r = new Reader(data);
  let read = 0;
  let highest = 0;
  const check = (chunk: Buffer): void => {
    for (const byte of chunk) if (byte !== byteAt(read++)) throw new Error(`wrong byte at ${read - 1}`);
  };
  try {
    while (r.remaining > 0) {
      const action = r.u8();
      if (action % 8 === 7) {
        const chunk = stream.read();
        if (chunk !== null) check(chunk);
        stream.takeMaxData();
        continue;
      }
      const offset = r.u16();
      const length = action % 8 < 4 ? r.u8() : r.u16() % 3000;
      // Scraps in large packets now and then: they are kept differently.
      const packet = Buffer.allocUnsafeSlow(length + (action % 16 < 8 ? 0 : 5000));
      for (let i = 0; i < length; i++) packet[i] = byteAt(offset + i);
      highest += stream.receive(offset, packet.subarray(0, length), action === 255);
    }
  } catch (error) {
    if (!(error instanceof QuicError)) throw error;
  }
  for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) check(chunk);
  if (read > highest) throw new Error(`read ${read} bytes of ${highest} received`);
  if (stream.isFinished && read !== highest) throw new Error('finished before everything was read');
}

/** A receive of up to 255 bytes, as `run` reads it. */
const receive = (offset: number, length: number): Buffer =>
  Buffer.from([0, offset >> 8, offset & 0xff, length]);
const READ = Buffer.from([7]);

export const receiveStream: FuzzTarget = {
  name: 'receive-stream',
  seeds: [
    Buffer.concat([receive(0, 200), READ, receive(200, 200), READ]),
    Buffer.concat([receive(400, 200), receive(200, 200), receive(0, 200), READ, READ]),
    Buffer.concat([receive(16_300, 255), receive(16_200, 150), receive(0, 1)]),
    Buffer.from([4, 0, 0, 0x0b, 0x00, 12, 0x0a, 0x00, 0x0b, 0x00, 8, 0x15, 0, 9, 255, 0x20, 0, 5]),
  ],
  run,
};
