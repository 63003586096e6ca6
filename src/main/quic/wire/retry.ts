/** Retry packets and their integrity tag (RFC 9000 §17.2.5, RFC 9001 §5.8). */
import { createCipheriv, createSecretKey, timingSafeEqual } from 'node:crypto';
import { type LongHeader, QUIC_V1 } from './header.ts';

/** RFC 9001 §5.8: known to all; the tag only shows that the sender saw the client's Initial. */
const KEY = createSecretKey(Buffer.from('be0c690b9f66575a1d766b54e368c84e', 'hex'));
const NONCE = Buffer.from('461599d35d632bf2239825bb', 'hex');
const TAG_LENGTH = 16;
/** Long form, fixed bit, type Retry; the four unused bits are arbitrary. */
const FIRST_BYTE = 0xf0;

/** A Retry that answers the Initial whose Destination Connection ID was `originalDcid`; `dcid` is that client's own. */
export function writeRetry(retry: {
  dcid: Buffer;
  scid: Buffer;
  token: Buffer;
  originalDcid: Buffer;
}): Buffer {
  const { dcid, scid, token, originalDcid } = retry;
  const version = Buffer.alloc(5, FIRST_BYTE);
  version.writeUInt32BE(QUIC_V1, 1);
  const packet = Buffer.concat([
    version,
    Buffer.from([dcid.length]),
    dcid,
    Buffer.from([scid.length]),
    scid,
    token,
  ]);
  return Buffer.concat([packet, integrityTag(originalDcid, packet)]);
}

/** Whether a Retry answers the Initial that was sent to `originalDcid`. */
export function isRetryAuthentic(datagram: Buffer, header: LongHeader, originalDcid: Buffer): boolean {
  const packet = datagram.subarray(header.start, header.pnOffset);
  const tag = datagram.subarray(header.pnOffset, header.end);
  return tag.length === TAG_LENGTH && timingSafeEqual(tag, integrityTag(originalDcid, packet));
}

function integrityTag(originalDcid: Buffer, packet: Buffer): Buffer {
  const cipher = createCipheriv('aes-128-gcm', KEY, NONCE, { authTagLength: TAG_LENGTH });
  cipher.setAAD(Buffer.concat([Buffer.from([originalDcid.length]), originalDcid, packet]));
  cipher.final();
  return cipher.getAuthTag();
}
