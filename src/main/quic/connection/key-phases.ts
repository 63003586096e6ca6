/**
 * The 1-RTT keys through key updates (RFC 9001 §6): which keys open a packet, when ours may be updated, when they must.
 * Both directions change together; header protection stays.
 */
import type { PacketProtection } from '../wire/protection.ts';
import type { PacketSpace } from './packet-space.ts';

/** Part of what a key may seal after which it is replaced: well before the limit, as RFC 9001 §6.6 asks. */
const UPDATE_AT = 0.5;

export class KeyPhases {
  readonly #space: PacketSpace;
  readonly #packetsPerKey: number;
  #previousRead: PacketProtection | null = null;
  /** When packets of the phase before can no longer be under way (RFC 9001 §6.5). */
  #previousUntilUs = 0;
  /** Made before the first update is possible, so that a packet of the next phase takes no longer to open (RFC 9001 §6.3). */
  #nextRead: PacketProtection | null = null;
  /** The lowest packet number that the current keys opened; infinite before the first. */
  #readFrom = 0;
  /** The first packet number that the current keys seal. */
  #writeFrom = 0;
  /**
   * A packet of this phase was acknowledged: only then may an update after the first begin (RFC 9001 §6.1). The first waits for
   * it too: a client that has not heard HANDSHAKE_DONE need not read beyond phase 0, and quiche does not.
   */
  #isAcknowledged = false;
  #updates = 0;

  /** The keys of phase 0 are in the space. `packetsPerKey`: sealed with one key before it is replaced, if not the default. */
  constructor(application: PacketSpace, packetsPerKey: number | undefined) {
    this.#space = application;
    this.#packetsPerKey = packetsPerKey ?? UPDATE_AT * application.writeKeys!.confidentialityLimit;
  }

  /** Key updates so far, of either side. */
  get updates(): number {
    return this.#updates;
  }

  /** The keys to open a packet with; its number decides between those of the phase before and of the next. */
  reader(phase: 0 | 1, packetNumber: number, nowUs: number): PacketProtection {
    if (phase === this.#space.keyPhase) return this.#space.readKeys!;
    if (this.#previousRead && nowUs >= this.#previousUntilUs) this.#previousRead = null;
    // RFC 9001 §6.4: what was sent after a packet of the current phase cannot be of the one before.
    if (this.#previousRead && packetNumber < this.#readFrom) return this.#previousRead;
    return this.#next();
  }

  #next(): PacketProtection {
    this.#nextRead ??= this.#space.readKeys!.next();
    return this.#nextRead;
  }

  /** A packet was opened with `keys` of `reader`. Keys of the next phase mean that the peer has updated: so do we. */
  onOpened(keys: PacketProtection, packetNumber: number, nowUs: number, ptoUs: number): void {
    if (keys === this.#nextRead) this.update();
    if (keys === this.#previousRead) return;
    if (packetNumber >= this.#readFrom) return;
    // RFC 9001 §6.5: packets that the network reordered may still come, for three PTOs from now.
    if (this.#readFrom === Number.POSITIVE_INFINITY) this.#previousUntilUs = nowUs + 3 * ptoUs;
    this.#readFrom = packetNumber;
  }

  /** The peer acknowledged a packet of this number. */
  onAcked(packetNumber: number): void {
    if (packetNumber >= this.#writeFrom) this.#isAcknowledged = true;
    // No sooner: a handshake is not to wait for keys that most connections never need.
    this.#next();
  }

  /** Whether this end may begin an update now; the handshake must be confirmed as well (RFC 9001 §6.1). */
  mayUpdate(nowUs: number): boolean {
    // While the keys of the phase before are kept, the peer may not be done with the last update (RFC 9001 §6.5).
    return this.#isAcknowledged && nowUs >= this.#previousUntilUs;
  }

  /** Whether the current key has sealed so much that it is time for another. */
  get isWorn(): boolean {
    return this.#space.writeKeys!.packetsSealed >= this.#packetsPerKey;
  }

  /** Both directions enter the next phase. To begin it, check `mayUpdate` first. */
  update(): void {
    const space = this.#space;
    this.#previousRead = space.readKeys;
    this.#previousUntilUs = Number.POSITIVE_INFINITY;
    this.#readFrom = Number.POSITIVE_INFINITY;
    space.readKeys = this.#next();
    this.#nextRead = space.readKeys.next();
    space.writeKeys = space.writeKeys!.next();
    space.keyPhase = space.keyPhase === 0 ? 1 : 0;
    this.#writeFrom = space.nextPacketNumber;
    this.#isAcknowledged = false;
    this.#updates++;
  }
}
