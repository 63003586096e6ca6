/** The connection ids that we give the peer to address us by (RFC 9000 §5.1.1, §5.1.2). */
import { QuicError, TransportError } from '../wire/errors.ts';
import type { Frame } from '../wire/frames.ts';
import { CID_LENGTH, type ConnectionEvent } from './config.ts';

/** Ids kept in the peer's hands, at most: the one in use, and spares for paths to come. */
const ISSUED_LIMIT = 4;
/** Ids a peer may have us replace; whoever retires more than that has other ends in mind than moving. */
const LIFETIME_LIMIT = 4096;

export interface LocalIdsOptions {
  /** Sequence number 0: the source of our first packets. */
  first: Buffer;
  /** n bytes that nobody can predict. */
  random: (n: number) => Buffer;
  /** The 16 bytes by which the peer of `id` knows a stateless reset (RFC 9000 §10.3). */
  resetToken: (id: Buffer) => Buffer;
  emit: (event: ConnectionEvent) => void;
}

export class LocalConnectionIds {
  readonly first: Buffer;
  readonly #options: LocalIdsOptions;
  readonly #bySequence = new Map<number, Buffer>();
  #next = 1;
  /** Ids of lower numbers have been sent to the peer. */
  #sentBelow = 1;
  #limit = 1;

  constructor(options: LocalIdsOptions) {
    this.#options = options;
    this.first = options.first;
    this.#bySequence.set(0, options.first);
  }

  has(id: Buffer): boolean {
    for (const own of this.#bySequence.values()) if (own.equals(id)) return true;
    return false;
  }

  /** The peer keeps up to `limit` ids (its active_connection_id_limit): what we issue now, as frames. */
  issue(limit: number): Frame[] {
    this.#limit = Math.min(limit, ISSUED_LIMIT);
    const frames: Frame[] = [];
    while (this.#bySequence.size < this.#limit) frames.push(this.#another());
    return frames;
  }

  /** A NEW_CONNECTION_ID with this number goes out. */
  onSent(sequence: number): void {
    this.#sentBelow = Math.max(this.#sentBelow, sequence + 1);
  }

  /**
   * RFC 9000 §19.16: the peer needs an id no more; returns what replaces it. `carrier` is the destination of the packet that
   * said so.
   */
  retire(sequence: number, carrier: Buffer): Frame[] {
    if (sequence >= this.#sentBelow) throw violation('retired a connection id that was never issued');
    const id = this.#bySequence.get(sequence);
    // Said before, in a packet that was thought lost.
    if (!id) return [];
    if (id.equals(carrier)) throw violation('retired a connection id that is in use');
    this.#bySequence.delete(sequence);
    this.#options.emit({ type: 'id-retired', id });
    if (this.#next >= LIFETIME_LIMIT) throw violation('retired too many connection ids');
    return this.issue(this.#limit);
  }

  #another(): Frame {
    const { random, resetToken, emit } = this.#options;
    const connectionId = random(CID_LENGTH);
    const sequence = this.#next++;
    this.#bySequence.set(sequence, connectionId);
    emit({ type: 'id-issued', id: connectionId });
    const statelessResetToken = resetToken(connectionId);
    return { type: 'new_connection_id', sequence, retirePriorTo: 0, connectionId, statelessResetToken };
  }
}

const violation = (message: string): QuicError =>
  new QuicError(TransportError.PROTOCOL_VIOLATION, message, 0x19);
