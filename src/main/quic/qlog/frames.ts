/** Frames in the JSON of draft-ietf-quic-qlog-quic-events-13 §8.13. Contents of streams and of DATAGRAMs are not logged. */
import { Reader } from '../wire/cursor.ts';
import { QuicError, TransportError } from '../wire/errors.ts';
import { type Frame, readFrame } from '../wire/frames.ts';

export type Json = { [name: string]: unknown };

/** Milliseconds, to the nanosecond. */
export const ms = (us: number): number => Math.round(us * 1000) / 1e6;

/** The frames of a packet in the clear; what cannot be read ends the list as `unknown`. */
export function qlogFrames(payload: Buffer, ackDelayExponent: number): Json[] {
  const reader = new Reader(payload);
  const frames: Json[] = [];
  try {
    while (reader.remaining > 0) frames.push(qlogFrame(readFrame(reader), ackDelayExponent));
  } catch (error) {
    if (!(error instanceof QuicError)) throw error;
    frames.push({ frame_type: 'unknown', frame_type_bytes: error.frameType });
  }
  return frames;
}

function qlogFrame(frame: Frame, ackDelayExponent: number): Json {
  const { type: frame_type } = frame;
  switch (frame.type) {
    case 'padding':
      return { frame_type, raw: { payload_length: frame.length } };
    case 'ping':
    case 'handshake_done':
      return { frame_type };
    case 'ack':
      return {
        frame_type,
        ack_delay: ms(frame.delay * 2 ** ackDelayExponent),
        acked_ranges: frame.ranges.map(({ first, last }) => (first === last ? [first] : [first, last])),
        ...frame.ecn,
      };
    case 'reset_stream':
      return {
        frame_type,
        stream_id: frame.id,
        error: 'unknown',
        error_code: frame.code,
        final_size: frame.finalSize,
      };
    case 'stop_sending':
      return { frame_type, stream_id: frame.id, error: 'unknown', error_code: frame.code };
    case 'crypto':
      return { frame_type, offset: frame.offset, raw: { length: frame.data.length } };
    case 'new_token':
      // The token itself is a secret between this pair.
      return { frame_type, token: { type: 'resumption', raw: { length: frame.token.length } } };
    case 'stream':
      return {
        frame_type,
        stream_id: frame.id,
        offset: frame.offset,
        ...(frame.fin && { fin: true }),
        raw: { length: frame.data.length },
      };
    case 'max_data':
      return { frame_type, maximum: frame.max };
    case 'max_stream_data':
      return { frame_type, stream_id: frame.id, maximum: frame.max };
    case 'max_streams':
      return { frame_type, stream_type: streamType(frame.bidirectional), maximum: frame.max };
    case 'data_blocked':
      return { frame_type, limit: frame.limit };
    case 'stream_data_blocked':
      return { frame_type, stream_id: frame.id, limit: frame.limit };
    case 'streams_blocked':
      return { frame_type, stream_type: streamType(frame.bidirectional), limit: frame.limit };
    case 'new_connection_id':
      // Without its stateless reset token: whoever knows that can end the connection.
      return {
        frame_type,
        sequence_number: frame.sequence,
        retire_prior_to: frame.retirePriorTo,
        connection_id: frame.connectionId.toString('hex'),
      };
    case 'retire_connection_id':
      return { frame_type, sequence_number: frame.sequence };
    case 'path_challenge':
    case 'path_response':
      return { frame_type, data: frame.data.toString('hex') };
    case 'connection_close':
      return {
        frame_type,
        error_space: frame.application ? 'application' : 'transport',
        ...(frame.application ? { error: 'unknown', error_code: frame.code } : transportError(frame.code)),
        reason: frame.reason,
        ...(frame.frameType !== 0 && { trigger_frame_type: frame.frameType }),
      };
    case 'datagram':
      return { frame_type, raw: { length: frame.data.length } };
    // Of an extension that the schema does not know (draft-ietf-quic-ack-frequency).
    case 'ack_frequency':
      return { frame_type: 'unknown', frame_type_bytes: 0xaf };
    case 'immediate_ack':
      return { frame_type: 'unknown', frame_type_bytes: 0x1f };
  }
}

const streamType = (bidirectional: boolean): string => (bidirectional ? 'bidirectional' : 'unidirectional');

/** TransportError, CryptoError: §8.13.24, §8.13.26. */
export function transportError(code: number): { error: string; error_code?: number } {
  if (code >= TransportError.CRYPTO_ERROR && code <= TransportError.CRYPTO_ERROR + 0xff)
    return { error: `crypto_error_0x${code.toString(16)}` };
  const known = Object.entries(TransportError).find(([, value]) => value === code);
  return known ? { error: known[0].toLowerCase() } : { error: 'unknown', error_code: code };
}
