/** Transport parameters (RFC 9000 §18; RFC 9221 §3; draft-ietf-quic-ack-frequency §3), as they travel in the TLS extension quic_transport_parameters. */

import { copyOf, Reader, varintSize, Writer } from './cursor.ts';
import { QuicError, TransportError } from './errors.ts';
import { MAX_CONNECTION_ID_LENGTH } from './header.ts';

export interface TransportParameters {
  /** Server only: the Destination Connection ID of the client's first Initial. */
  originalDestinationConnectionId?: Buffer;
  /** 0: no idle timeout. */
  maxIdleTimeoutMs: number;
  /** Server only, 16 bytes. */
  statelessResetToken?: Buffer;
  /** Largest UDP payload the endpoint takes, bytes. */
  maxUdpPayloadSize: number;
  initialMaxData: number;
  /** For streams opened by the endpoint that sends the parameter. */
  initialMaxStreamDataBidiLocal: number;
  /** For streams opened by the endpoint that receives the parameter. */
  initialMaxStreamDataBidiRemote: number;
  initialMaxStreamDataUni: number;
  initialMaxStreamsBidi: number;
  initialMaxStreamsUni: number;
  /** Delays in this endpoint's ACK frames are in units of 2^n µs. */
  ackDelayExponent: number;
  maxAckDelayMs: number;
  disableActiveMigration: boolean;
  activeConnectionIdLimit: number;
  initialSourceConnectionId?: Buffer;
  /** Server only, after a Retry. */
  retrySourceConnectionId?: Buffer;
  /** Largest DATAGRAM frame, type and length included, that the endpoint takes; 0: none (RFC 9221 §3). */
  maxDatagramFrameSize: number;
  /** Shortest delay of ACKs that the endpoint can be asked for; infinite: it takes no ACK_FREQUENCY frames. */
  minAckDelayUs: number;
}

/** What an endpoint that leaves a parameter out is taken to have said (RFC 9000 §18.2, RFC 9221 §3). */
export const DEFAULT_PARAMETERS: Readonly<TransportParameters> = {
  maxIdleTimeoutMs: 0,
  maxUdpPayloadSize: 65527,
  initialMaxData: 0,
  initialMaxStreamDataBidiLocal: 0,
  initialMaxStreamDataBidiRemote: 0,
  initialMaxStreamDataUni: 0,
  initialMaxStreamsBidi: 0,
  initialMaxStreamsUni: 0,
  ackDelayExponent: 3,
  maxAckDelayMs: 25,
  disableActiveMigration: false,
  activeConnectionIdLimit: 2,
  maxDatagramFrameSize: 0,
  minAckDelayUs: Number.POSITIVE_INFINITY,
};

/** Encodes every parameter that differs from its default. */
export function encodeTransportParameters(tp: TransportParameters): Buffer {
  const w = new Writer(Buffer.alloc(512));
  for (const { id, name } of INTEGERS) {
    const value = tp[name];
    if (value === DEFAULT_PARAMETERS[name]) continue;
    w.varint(id);
    w.varint(varintSize(value));
    w.varint(value);
  }
  for (const { id, name } of BYTES) {
    const value = tp[name];
    if (value === undefined) continue;
    w.varint(id);
    w.varint(value.length);
    w.bytes(value);
  }
  if (tp.disableActiveMigration) {
    w.varint(DISABLE_ACTIVE_MIGRATION);
    w.varint(0);
  }
  return w.buf.subarray(0, w.pos);
}

/**
 * Decodes the parameters that `from` sent; buffers are copies. Throws QuicError TRANSPORT_PARAMETER_ERROR for what is
 * cut off, given twice, out of range, or not a client's to send. That connection IDs are there and are the ones in the
 * packet headers (RFC 9000 §7.3) is for the connection to check.
 */
export function decodeTransportParameters(buf: Buffer, from: 'client' | 'server'): TransportParameters {
  const tp: TransportParameters = { ...DEFAULT_PARAMETERS };
  const seen = new Set<number>();
  const r = new Reader(buf);
  while (r.remaining > 0) {
    const id = r.tryVarint();
    const length = r.tryVarint();
    if (id < 0 || length < 0 || length > r.remaining) throw invalid('cut off');
    // Identifiers that saturate are all unknown to us, and need not be the same one.
    if (seen.has(id) && id !== Number.MAX_SAFE_INTEGER)
      throw invalid(`parameter 0x${id.toString(16)} given twice`);
    seen.add(id);
    const value = new Reader(buf, r.pos, r.pos + length);
    r.pos += length;
    if (from === 'client' && SERVER_ONLY.has(id))
      throw invalid(`parameter 0x${id.toString(16)} from a client`);
    decodeOne(tp, id, value);
  }
  if (seen.has(MIN_ACK_DELAY) && tp.minAckDelayUs > 1000 * tp.maxAckDelayMs)
    throw invalid('min_ack_delay above max_ack_delay');
  // RFC 9000 §18.2: a server that uses no connection ids cannot be reached at another address.
  if (seen.has(PREFERRED_ADDRESS) && tp.initialSourceConnectionId?.length === 0)
    throw invalid('preferred_address of a server without connection IDs');
  return tp;
}

function decodeOne(tp: TransportParameters, id: number, value: Reader): void {
  const integer = INTEGERS.find((parameter) => parameter.id === id);
  if (integer) {
    const { name, min = 0, max = Number.POSITIVE_INFINITY } = integer;
    const number = readInteger(value, integer.streams === true);
    if (value.remaining > 0 || number < min || number > max) throw invalid(`${name} out of range`);
    tp[name] = number;
    return;
  }
  const bytes = BYTES.find((parameter) => parameter.id === id);
  if (bytes) {
    const { name, min, max } = bytes;
    if (value.remaining < min || value.remaining > max) throw invalid(`${name} of ${value.remaining} bytes`);
    tp[name] = copyOf(value.bytes(value.remaining));
    return;
  }
  if (id === DISABLE_ACTIVE_MIGRATION) {
    if (value.remaining > 0) throw invalid('disable_active_migration with a value');
    tp.disableActiveMigration = true;
  } else if (id === PREFERRED_ADDRESS) {
    checkPreferredAddress(value);
  }
  // RFC 9000 §7.4.2: parameters we do not know are ignored.
}

/** -1 when cut off, Infinity for more than 2^60 streams (RFC 9000 §4.6). */
function readInteger(value: Reader, streams: boolean): number {
  const at = value.pos;
  const number = value.tryVarint();
  if (!streams || number < 0) return number;
  value.pos = at;
  return value.streamCount();
}

/** RFC 9000 §18.2: IPv4 address and port, IPv6 address and port, connection ID, reset token. We do not migrate to it. */
function checkPreferredAddress(value: Reader): void {
  const fixed = 4 + 2 + 16 + 2;
  if (value.remaining < fixed + 1) throw invalid('preferred_address cut off');
  value.pos += fixed;
  const length = value.u8();
  // A zero-length connection ID here is a TRANSPORT_PARAMETER_ERROR.
  if (length < 1 || length > MAX_CONNECTION_ID_LENGTH || value.remaining !== length + 16) {
    throw invalid('preferred_address malformed');
  }
}

const invalid = (message: string): QuicError =>
  new QuicError(TransportError.TRANSPORT_PARAMETER_ERROR, `transport parameters: ${message}`);

type NameOf<T> = {
  [K in keyof TransportParameters]-?: TransportParameters[K] extends T ? K : never;
}[keyof TransportParameters];

const MIN_ACK_DELAY = 0xff04de1b;

/** RFC 9000 §18.2 with the ranges it allows. */
const INTEGERS: readonly { id: number; name: NameOf<number>; min?: number; max?: number; streams?: true }[] =
  [
    { id: 0x01, name: 'maxIdleTimeoutMs' },
    { id: 0x03, name: 'maxUdpPayloadSize', min: 1200 },
    { id: 0x04, name: 'initialMaxData' },
    { id: 0x05, name: 'initialMaxStreamDataBidiLocal' },
    { id: 0x06, name: 'initialMaxStreamDataBidiRemote' },
    { id: 0x07, name: 'initialMaxStreamDataUni' },
    { id: 0x08, name: 'initialMaxStreamsBidi', max: Number.MAX_SAFE_INTEGER, streams: true },
    { id: 0x09, name: 'initialMaxStreamsUni', max: Number.MAX_SAFE_INTEGER, streams: true },
    { id: 0x0a, name: 'ackDelayExponent', max: 20 },
    { id: 0x0b, name: 'maxAckDelayMs', max: 2 ** 14 - 1 },
    { id: 0x0e, name: 'activeConnectionIdLimit', min: 2 },
    { id: 0x20, name: 'maxDatagramFrameSize' },
    { id: MIN_ACK_DELAY, name: 'minAckDelayUs' },
  ];

const BYTES: readonly { id: number; name: NameOf<Buffer | undefined>; min: number; max: number }[] = [
  { id: 0x00, name: 'originalDestinationConnectionId', min: 0, max: MAX_CONNECTION_ID_LENGTH },
  { id: 0x02, name: 'statelessResetToken', min: 16, max: 16 },
  { id: 0x0f, name: 'initialSourceConnectionId', min: 0, max: MAX_CONNECTION_ID_LENGTH },
  { id: 0x10, name: 'retrySourceConnectionId', min: 0, max: MAX_CONNECTION_ID_LENGTH },
];

const DISABLE_ACTIVE_MIGRATION = 0x0c;
const PREFERRED_ADDRESS = 0x0d;

/** RFC 9000 §18.2: original_destination_connection_id, preferred_address, retry_source_connection_id, stateless_reset_token. */
const SERVER_ONLY: ReadonlySet<number> = new Set([0x00, 0x02, PREFERRED_ADDRESS, 0x10]);
