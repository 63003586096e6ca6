/** The peer's connection ids: which one we address packets to, those kept for other paths, and those retired (RFC 9000 §5.1). */
import { timingSafeEqual } from 'node:crypto';
import { PacketRanges } from '../../recovery/packet-ranges.ts';
import { QuicError, TransportError } from '../wire/errors.ts';

/** active_connection_id_limit we announce, and so the most we must keep. */
export const ACTIVE_CID_LIMIT = 4;

export interface PeerId {
  sequence: number;
  id: Buffer;
  /** By which a stateless reset of it is known; null when the peer gave none (RFC 9000 §10.3). */
  resetToken: Buffer | null;
}

const RESET_TOKEN_LENGTH = 16;
const REMEMBERED_RANGES = 16;

export class PeerConnectionIds {
  #active: PeerId;
  #spare: PeerId[] = [];
  /** In use on paths that are tried. */
  readonly #lent = new Set<PeerId>();
  #retirePriorTo = 0;
  /** Numbers retired of our own accord: frames that were delayed may still name them. */
  readonly #over = new PacketRanges(REMEMBERED_RANGES);
  /** Retired, and the peer has not acknowledged yet that it was told. */
  readonly #unacknowledged = new Set<number>();
  /** Of those, what is to be told in RETIRE_CONNECTION_ID frames now. */
  readonly #toTell = new Set<number>();

  constructor(initial: Buffer) {
    this.#active = { sequence: 0, id: initial, resetToken: null };
  }

  get current(): Buffer {
    return this.#active.id;
  }

  /** The peer chose its id with its first packet (RFC 9000 §7.2). */
  replaceInitial(id: Buffer): void {
    this.#active = { sequence: 0, id, resetToken: null };
  }

  /** stateless_reset_token of the server's transport parameters: that of its first id. */
  setInitialResetToken(token: Buffer): void {
    this.#active.resetToken = token;
  }

  /** Whether a datagram ends like a stateless reset of an id in use (RFC 9000 §10.3.1). */
  isReset(datagram: Buffer): boolean {
    if (datagram.length < RESET_TOKEN_LENGTH) return false;
    const end = datagram.subarray(datagram.length - RESET_TOKEN_LENGTH);
    return [this.#active, ...this.#lent].some(
      ({ resetToken }) => resetToken !== null && timingSafeEqual(resetToken, end),
    );
  }

  /** An id for another path; null when the peer gave none to spare. */
  takeSpare(): PeerId | null {
    const spare = this.#spare.shift() ?? null;
    if (spare) this.#lent.add(spare);
    return spare;
  }

  isLent(id: PeerId): boolean {
    return this.#lent.has(id);
  }

  get hasSpare(): boolean {
    return this.#spare.length > 0;
  }

  /** The path of a lent id becomes the active one: the id of the one before is done with (RFC 9000 §9.5). */
  use(lent: PeerId): void {
    this.#lent.delete(lent);
    this.#retire(this.#active.sequence);
    this.#active = lent;
  }

  /** The path of a lent id was given up. */
  giveUp(lent: PeerId): void {
    if (this.#lent.delete(lent)) this.#retire(lent.sequence);
  }

  onNewConnectionId(sequence: number, retirePriorTo: number, id: Buffer, resetToken: Buffer): void {
    // RFC 9000 §19.15: whoever is addressed without an id cannot issue any.
    if (this.#active.id.length === 0) throw violation('NEW_CONNECTION_ID from a peer that uses none');
    const known = [this.#active, ...this.#spare, ...this.#lent].find(
      (entry) => entry.sequence === sequence || entry.id.equals(id),
    );
    if (known) {
      // RFC 9000 §19.15: a sequence number stands for one id, and an id has one sequence number and one reset token.
      if (known.sequence !== sequence || !known.id.equals(id)) throw violation('connection id changed');
      if (known.resetToken && !known.resetToken.equals(resetToken)) throw violation('reset token changed');
    } else if (sequence < this.#retirePriorTo) {
      this.#retire(sequence);
    } else if (!this.#over.has(sequence)) {
      this.#spare.push({ sequence, id, resetToken });
    }
    if (retirePriorTo > this.#retirePriorTo) {
      this.#retirePriorTo = retirePriorTo;
      const isOld = (entry: PeerId): boolean => entry.sequence < retirePriorTo;
      for (const entry of this.#spare) if (isOld(entry)) this.#retire(entry.sequence);
      this.#spare = this.#spare.filter((entry) => !isOld(entry));
      for (const entry of this.#lent) if (isOld(entry)) this.giveUp(entry);
      if (isOld(this.#active)) {
        this.#retire(this.#active.sequence);
        // The id that came with this number is not older than it; a path that is tried may have it.
        const [lent] = this.#lent;
        this.#active = this.#spare.shift() ?? lent!;
        this.#lent.delete(this.#active);
      }
    }
    if (
      this.#spare.length + this.#lent.size + 1 > ACTIVE_CID_LIMIT ||
      this.#unacknowledged.size > 4 * ACTIVE_CID_LIMIT
    ) {
      throw new QuicError(TransportError.CONNECTION_ID_LIMIT_ERROR, 'too many connection ids', 0x18);
    }
  }

  #retire(sequence: number): void {
    this.#over.add(sequence);
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
