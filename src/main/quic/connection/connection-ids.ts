/**
 * The peer's connection ids: which one we address packets to, and those it retired (RFC 9000 §5.1). Issuing more
 * ids of our own, and rotating them on migration, belong to path migration.
 */
import { QuicError, TransportError } from '../wire/errors.ts';

/** active_connection_id_limit we announce, and so the most we must keep. */
export const ACTIVE_CID_LIMIT = 4;

interface PeerId {
  sequence: number;
  id: Buffer;
}

export class PeerConnectionIds {
  #active: PeerId;
  #spare: PeerId[] = [];
  #retirePriorTo = 0;
  /** Sequence numbers to be told in RETIRE_CONNECTION_ID frames. */
  readonly #retired: number[] = [];

  constructor(initial: Buffer) {
    this.#active = { sequence: 0, id: initial };
  }

  get current(): Buffer {
    return this.#active.id;
  }

  /** The peer chose its id with its first packet (RFC 9000 §7.2). */
  replaceInitial(id: Buffer): void {
    this.#active = { sequence: 0, id };
  }

  onNewConnectionId(sequence: number, retirePriorTo: number, id: Buffer): void {
    const known = [this.#active, ...this.#spare].find((entry) => entry.sequence === sequence);
    if (known) {
      // RFC 9000 §19.15: the same sequence number must carry the same id.
      if (!known.id.equals(id))
        throw new QuicError(TransportError.PROTOCOL_VIOLATION, 'connection id changed', 0x18);
    } else if (sequence < this.#retirePriorTo) {
      this.#retired.push(sequence);
    } else {
      this.#spare.push({ sequence, id });
    }
    if (retirePriorTo > this.#retirePriorTo) {
      this.#retirePriorTo = retirePriorTo;
      const isOld = (entry: PeerId): boolean => entry.sequence < retirePriorTo;
      this.#retired.push(...this.#spare.filter(isOld).map((entry) => entry.sequence));
      this.#spare = this.#spare.filter((entry) => !isOld(entry));
      if (isOld(this.#active)) {
        this.#retired.push(this.#active.sequence);
        this.#active = this.#spare.shift()!;
      }
    }
    if (this.#spare.length + 1 > ACTIVE_CID_LIMIT || this.#retired.length > 4 * ACTIVE_CID_LIMIT) {
      throw new QuicError(TransportError.CONNECTION_ID_LIMIT_ERROR, 'too many connection ids', 0x18);
    }
  }

  takeRetired(): number | undefined {
    return this.#retired.shift();
  }

  /** A RETIRE_CONNECTION_ID was lost. */
  retireAgain(sequence: number): void {
    this.#retired.push(sequence);
  }

  get hasRetired(): boolean {
    return this.#retired.length > 0;
  }
}
