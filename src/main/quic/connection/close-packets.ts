/** CONNECTION_CLOSE at every level that the peer may be able to read (RFC 9000 §10.2.3). */
import { SPACES } from '../../recovery/types.ts';
import { TransportError } from '../wire/errors.ts';
import { type Frame, frameSize, writeFrame } from '../wire/frames.ts';
import { beginPacket, type OpenPacket, padForSample, TAG } from './open-packet.ts';
import type { ConnectionState } from './state.ts';

/** Longest reason told, bytes of UTF-8: it must not crowd the frame out of its packet. */
const MAX_REASON = 256;

type CloseFrame = Extract<Frame, { type: 'connection_close' }>;

/** The packets of one datagram, from `start` to `limit` at most, written but not yet sealed. */
export function closePackets(
  state: ConnectionState,
  buffer: Buffer,
  start: number,
  limit: number,
): OpenPacket[] {
  const close = state.closeFrame!;
  const packets: OpenPacket[] = [];
  let position = start;
  for (const name of SPACES) {
    const space = state.spaces[name];
    if (!space.writeKeys) continue;
    if (name === 'application' && !state.handshakeComplete) continue;
    // An application's own code and words stay out of packets that are not for its eyes alone.
    const hidden = close.application && name !== 'application';
    const frame: CloseFrame = hidden
      ? {
          type: 'connection_close',
          code: TransportError.APPLICATION_ERROR,
          application: false,
          frameType: 0,
          reason: '',
        }
      : { type: 'connection_close', ...close, reason: truncate(close.reason) };
    // A header, the frame and the tag; what does not fit any more is told at the other levels.
    if (limit - position < MIN_CLOSE + frameSize(frame)) continue;
    const packet = beginPacket(state, buffer, space, position, limit);
    writeFrame(packet.writer, frame);
    padForSample(packet);
    packets.push(packet);
    position = packet.writer.pos + TAG;
  }
  return packets;
}

/** The longest beginning that MAX_REASON bytes hold, cut between characters. */
function truncate(reason: string): string {
  const bytes = Buffer.from(reason, 'utf8');
  if (bytes.length <= MAX_REASON) return reason;
  let end = MAX_REASON;
  // Bytes 10xxxxxx continue a character.
  while ((bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end);
}

/** A long header with ids of 20 bytes and a packet number of 4, and the tag. */
const MIN_CLOSE = 1 + 4 + 21 + 21 + 1 + 2 + 4 + TAG;
