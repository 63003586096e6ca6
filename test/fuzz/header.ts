import { parseHeader, writeVersionNegotiation } from '../../src/main/quic/wire/header.ts';
import { PacketProtection } from '../../src/main/quic/wire/protection.ts';
import { CLIENT_DCID, CLIENT_INITIAL, SERVER_INITIAL } from '../quic/wire/rfc9001.ts';
import type { FuzzTarget } from './target.ts';

const SHORT_DCID_LENGTH = 8;
const keys = PacketProtection.initial(CLIENT_DCID).client;

/** What an endpoint does with a datagram before anything in it is authentic. */
function run(data: Buffer): void {
  const datagram = Buffer.from(data);
  for (let at = 0; ; ) {
    const header = parseHeader(datagram, at, SHORT_DCID_LENGTH);
    if (header === null) return;
    if (header.start !== at || header.end <= at || header.end > datagram.length)
      throw new Error('packet out of bounds');
    if (header.form === 'long' || header.form === 'short') {
      const { pnOffset, end } = header;
      if (pnOffset <= at || pnOffset > end) throw new Error('packet number out of bounds');
      const unprotected = keys.unprotectHeader(datagram, at, pnOffset, end);
      if (unprotected !== null)
        keys.open(datagram, at, pnOffset + unprotected.pnLength, end, unprotected.truncated);
    }
    at = header.end;
  }
}

const short = Buffer.alloc(60, 0x5a);

export const header: FuzzTarget = {
  name: 'header',
  seeds: [
    CLIENT_INITIAL.packet,
    SERVER_INITIAL.packet,
    Buffer.concat([SERVER_INITIAL.packet, SERVER_INITIAL.packet, short]),
    // RFC 9001 §A.4.
    Buffer.from('ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba', 'hex'),
    writeVersionNegotiation(Buffer.alloc(8, 1), Buffer.alloc(5, 2), [1, 0x6b3343cf, 0x1a2a3a4a]),
    short,
  ],
  run,
};
