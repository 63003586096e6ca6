/** One packet-number space: its keys, its numbers, what to acknowledge, and its CRYPTO stream (RFC 9000 §12.3). */
import { ReceivedPackets } from '../../recovery/received-packets.ts';
import type { Space } from '../../recovery/types.ts';
import { ReceiveStream } from '../streams/receive-stream.ts';
import { SendStream } from '../streams/send-stream.ts';
import { QuicError, TransportError } from '../wire/errors.ts';
import type { PacketProtection } from '../wire/protection.ts';

/** RFC 9000 §7.5 asks for at least 4096 bytes; a chain of certificates may need more, which only clients receive. */
const CRYPTO_BUFFER = { client: 128 * 1024, server: 16 * 1024 } as const;

export class PacketSpace {
  readonly name: Space;
  readonly received = new ReceivedPackets();
  readKeys: PacketProtection | null = null;
  writeKeys: PacketProtection | null = null;
  /** Of 0-RTT packets (RFC 9001 §4.6): a client seals with them, a server opens. */
  earlyKeys: PacketProtection | null = null;
  /** Key Phase bit of what is sealed now: changed by key updates, in 1-RTT packets only (RFC 9001 §6). */
  keyPhase: 0 | 1 = 0;
  nextPacketNumber = 0;
  /** The number to be left out next: an ACK of it gives away a peer that acknowledges what it has not seen (RFC 9000 §21.4). */
  skipAt = Number.POSITIVE_INFINITY;
  largestAcked = -1;
  /** Probe packets still owed after a PTO (RFC 9002 §6.2.4). */
  probes = 0;
  /** Packets whose frames such probes may carry again: from one number to before another. */
  probeFrom = 0;
  probeBefore = 0;
  discarded = false;
  readonly cryptoOut = new SendStream(0, Number.MAX_SAFE_INTEGER);
  readonly #cryptoIn: ReceiveStream;

  constructor(name: Space, role: 'client' | 'server') {
    this.name = name;
    this.#cryptoIn = new ReceiveStream(0, CRYPTO_BUFFER[role]);
  }

  /** Takes a CRYPTO frame; returns the handshake bytes that became contiguous, in order. */
  receiveCrypto(offset: number, data: Buffer): Buffer[] {
    try {
      this.#cryptoIn.receive(offset, data, false);
    } catch (error) {
      if (error instanceof QuicError && error.code === TransportError.FLOW_CONTROL_ERROR) {
        throw new QuicError(
          TransportError.CRYPTO_BUFFER_EXCEEDED,
          'more CRYPTO data than can be buffered',
          0x06,
        );
      }
      throw error;
    }
    const out: Buffer[] = [];
    for (let chunk = this.#cryptoIn.read(); chunk; chunk = this.#cryptoIn.read()) out.push(chunk);
    // CRYPTO has no flow control on the wire: the window slides as data is consumed.
    this.#cryptoIn.takeMaxData();
    return out;
  }

  discard(): void {
    this.discarded = true;
    this.readKeys = null;
    this.writeKeys = null;
    this.earlyKeys = null;
    this.probes = 0;
  }
}
