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
  /** Retired, and the peer has not acknowledged yet that it was told. */
  readonly #unacknowledged = new Set<number>();
  /** Of those, what is to be told in RETIRE_CONNECTION_ID frames now. */
  readonly #toTell = new Set<number>();

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
    // RFC 9000 §19.15: whoever is addressed without an id cannot issue any.
    if (this.#active.id.length === 0) throw violation('NEW_CONNECTION_ID from a peer that uses none');
    const known = [this.#active, ...this.#spare].find(
      (entry) => entry.sequence === sequence || entry.id.equals(id),
    );
    if (known) {
      // RFC 9000 §19.15: a sequence number stands for one id, and an id has one sequence number.
      if (known.sequence !== sequence || !known.id.equals(id)) throw violation('connection id changed');
    } else if (sequence < this.#retirePriorTo) {
      this.#retire(sequence);
    } else {
      this.#spare.push({ sequence, id });
    }
    if (retirePriorTo > this.#retirePriorTo) {
      this.#retirePriorTo = retirePriorTo;
      const isOld = (entry: PeerId): boolean => entry.sequence < retirePriorTo;
      for (const entry of this.#spare) if (isOld(entry)) this.#retire(entry.sequence);
      this.#spare = this.#spare.filter((entry) => !isOld(entry));
      if (isOld(this.#active)) {
        this.#retire(this.#active.sequence);
        // The id that came with this number is not older than it.
        this.#active = this.#spare.shift()!;
      }
    }
    if (this.#spare.length + 1 > ACTIVE_CID_LIMIT || this.#unacknowledged.size > 4 * ACTIVE_CID_LIMIT) {
      throw new QuicError(TransportError.CONNECTION_ID_LIMIT_ERROR, 'too many connection ids', 0x18);
    }
  }

  #retire(sequence: number): void {
    if (this.#unacknowledged.has(sequence)) return;
    this.#unacknowledged.add(sequence);
    this.#toTell.add(sequence);
  }

  takeRetired(): number | undefined {
    for (const sequence of this.#toTell) {
      this.#toTell.delete(sequence);
      return sequence;
    }
    return undefined;
  }

  onRetireLost(sequence: number): void {
    if (this.#unacknowledged.has(sequence)) this.#toTell.add(sequence);
  }

  onRetireAcked(sequence: number): void {
    this.#unacknowledged.delete(sequence);
    this.#toTell.delete(sequence);
  }

  get hasRetired(): boolean {
    return this.#toTell.size > 0;
  }
}

const violation = (message: string): QuicError =>
  new QuicError(TransportError.PROTOCOL_VIOLATION, message, 0x18);
