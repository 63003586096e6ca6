import { decodeDatagram, encodeDatagram } from '../../src/main/probe/fec/datagram.ts';
import { FecDecoder } from '../../src/main/probe/fec/decoder.ts';
import { FecEncoder } from '../../src/main/probe/fec/encoder.ts';
import { encodeRecord, RecordReader } from '../../src/main/probe/fec/request.ts';
import type { FuzzTarget } from './target.ts';

const LENGTH_BYTES = 2;
const MOST_GROUPS = 50;

/** Reads datagrams, each behind its length, into a decoder, and the same bytes as records; what is read must write back as it was. */
function run(data: Buffer): void {
  for (const scheme of ['xor', 'rs'] as const) {
    const decoder = new FecDecoder({ scheme, k: 4, mostGroups: MOST_GROUPS, holdUs: 1000 });
    for (let at = 0; at + LENGTH_BYTES <= data.length; ) {
      const end = at + LENGTH_BYTES + data.readUInt16BE(at);
      const datagram = data.subarray(at + LENGTH_BYTES, end);
      const decoded = decodeDatagram(datagram);
      if (decoded !== null && !encodeDatagram(decoded).equals(datagram)) throw new Error('datagram changed');
      decoder.push(datagram, at);
      at = end;
    }
    decoder.close();
    const { receivedSource, erasures, recovered, unrecoverable } = decoder.counts;
    if (erasures !== recovered + unrecoverable) throw new Error('erasures do not add up');
    if (receivedSource + erasures > MOST_GROUPS * 4) throw new Error('more packets than there may be');
  }
  const records = new RecordReader().push(data);
  if (records === null) return;
  const again = new RecordReader().push(Buffer.concat(records.map(encodeRecord)));
  if (JSON.stringify(again) !== JSON.stringify(records)) throw new Error('records changed');
}

function datagramsOf(scheme: 'xor' | 'rs'): Buffer {
  const parts: Buffer[] = [];
  const encoder = new FecEncoder({
    scheme,
    k: 4,
    repairOf: () => 2,
    send: (datagram) => {
      const length = Buffer.alloc(LENGTH_BYTES);
      const bytes = encodeDatagram(datagram);
      length.writeUInt16BE(bytes.length);
      parts.push(length, bytes);
    },
  });
  for (let i = 0; i < 10; i++) encoder.push(Buffer.alloc(4 + i, i), 20);
  encoder.flush();
  return Buffer.concat(parts);
}

export const fec: FuzzTarget = {
  name: 'fec',
  seeds: [
    datagramsOf('xor'),
    datagramsOf('rs'),
    Buffer.concat([
      encodeRecord({ type: 'ready' }),
      encodeRecord({
        type: 'end',
        source: 10,
        repair: 2,
        skipped: 0,
        groups: 1,
        lastK: 10,
        groupsByRepair: [0, 0, 1],
      }),
    ]),
  ],
  run,
};
