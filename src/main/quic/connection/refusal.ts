/** How a server says no to a first Initial without keeping anything of it (RFC 9000 §5.2.2, §8.1.2). */
import { Writer } from '../wire/cursor.ts';
import { writeFrame } from '../wire/frames.ts';
import { patchLength, QUIC_V1, writeLongHeader } from '../wire/header.ts';
import { PacketProtection } from '../wire/protection.ts';
import { TAG } from './open-packet.ts';

/** An Initial with CONNECTION_CLOSE for a client whose own Initial carried these ids; far smaller than what it answers. */
export function refusal(client: { dcid: Buffer; scid: Buffer }, code: number): Buffer {
  const buffer = Buffer.alloc(128);
  const writer = new Writer(buffer, 0, buffer.length - TAG);
  const { pnOffset, lengthOffset } = writeLongHeader(writer, {
    type: 'initial',
    version: QUIC_V1,
    dcid: client.scid,
    scid: client.dcid,
    packetNumber: 0,
    pnLength: 1,
  });
  writeFrame(writer, { type: 'connection_close', application: false, code, frameType: 0, reason: '' });
  patchLength(buffer, lengthOffset, writer.pos + TAG - pnOffset);
  const { server } = PacketProtection.initial(client.dcid);
  return buffer.subarray(0, server.seal(buffer, 0, pnOffset, 1, writer.pos, 0));
}
