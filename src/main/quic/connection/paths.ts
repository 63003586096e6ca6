/**
 * The paths of a connection: the one that packets take, and those that either end tries (RFC 9000 §8.2, §9). A path is a
 * pair of addresses, which this code does not look into: its owner hands in one object for each.
 */
import type { PeerConnectionIds, PeerId } from './connection-ids.ts';

export interface PathAddress {
  readonly address: string;
  readonly port: number;
}

/** Paths known beside the active one; of more, the one longest unheard of is forgotten. */
const OTHERS_LIMIT = 3;
/** PATH_CHALLENGEs that wait for their answer on one path; of a flood the newest count. */
const RESPONSE_QUEUE = 4;
/** PATH_CHALLENGEs sent on a path before it is given up: at the PTO, doubling (RFC 9000 §8.2.4 asks for three PTOs). */
const ATTEMPTS = 4;
const CHALLENGE_LENGTH = 8;

export class Path {
  readonly address: PathAddress;
  /** What packets on this path are addressed to; null as long as it is the id of the active path. */
  peerId: PeerId | null = null;
  /** RFC 9000 §8.1, §9.3: before it is validated, at most three times what was received is sent on it. */
  validated: boolean;
  bytesReceived = 0;
  bytesSent = 0;
  /** Data of PATH_RESPONSEs to send on this path. */
  readonly responses: Buffer[] = [];
  /** Data of the PATH_CHALLENGEs that may still be answered. */
  readonly challenges: Buffer[] = [];
  challengeDue = false;
  /** Times that no answer came. */
  timeouts = 0;
  /** When the next challenge is due, or the path is given up; null when none is awaited. */
  challengeDeadlineUs: number | null = null;
  /** The client wants to send on this path once it is validated. */
  isGoal = false;

  constructor(address: PathAddress, validated: boolean) {
    this.address = address;
    this.validated = validated;
  }

  /** Bytes that may still be sent on it. */
  get credit(): number {
    return this.validated ? Number.MAX_SAFE_INTEGER : 3 * this.bytesReceived - this.bytesSent;
  }

  get hasWork(): boolean {
    return this.responses.length > 0 || this.challengeDue;
  }
}

export class Paths {
  active: Path;
  /** The last path that was validated, to go back to when the active one turns out not to lead to the peer. */
  #fallback: Path | null = null;
  #others: Path[] = [];
  readonly #peerIds: PeerConnectionIds;
  readonly #random: (n: number) => Buffer;
  #hasWork = false;
  /** A challenge was sent: only then is a response to be expected. */
  #hasChallenged = false;
  migrations = 0;

  constructor(first: Path, peerIds: PeerConnectionIds, random: (n: number) => Buffer) {
    this.active = first;
    this.#peerIds = peerIds;
    this.#random = random;
  }

  get hasChallenged(): boolean {
    return this.#hasChallenged;
  }

  /** The path of this address, if it is known. */
  find(address: PathAddress): Path | undefined {
    if (this.active.address === address) return this.active;
    return this.#others.find((path) => path.address === address);
  }

  /** The path of this address; a new one is not validated. */
  open(address: PathAddress): Path {
    const known = this.find(address);
    if (known) return known;
    const path = new Path(address, false);
    this.#others.push(path);
    if (this.#others.length > OTHERS_LIMIT) {
      const victim = this.#others.find((other) => other !== this.#fallback && other !== path)!;
      this.#forget(victim);
    }
    return path;
  }

  /** A PATH_CHALLENGE came on this path (RFC 9000 §8.2.2). */
  respond(path: Path, data: Buffer): void {
    if (path.responses.length >= RESPONSE_QUEUE) path.responses.shift();
    path.responses.push(data);
    this.#hasWork = true;
  }

  /** Finds out whether the peer is at the other end (RFC 9000 §8.2.1). */
  challenge(path: Path): void {
    path.challenges.length = 0;
    path.challengeDue = true;
    path.timeouts = 0;
    path.challengeDeadlineUs = null;
    this.#hasWork = true;
  }

  /** Moves all packets to this path (RFC 9000 §9.3). */
  activate(path: Path): void {
    if (path === this.active) return;
    const before = this.active;
    if (before.validated) this.#fallback = before;
    this.#others = this.#others.filter((other) => other !== path);
    this.#others.push(before);
    this.active = path;
    if (path.peerId && this.#peerIds.isLent(path.peerId)) this.#peerIds.use(path.peerId);
    path.peerId = null;
    this.migrations++;
    if (this.#others.length > OTHERS_LIMIT)
      this.#forget(this.#others.find((other) => other !== this.#fallback)!);
  }

  /** A path that has a probe to be sent, and credit for `leastBytes`; null when there is none. */
  next(leastBytes: number): Path | null {
    if (!this.#hasWork) return null;
    this.#hasWork = false;
    for (const path of [this.active, ...this.#others]) {
      if (!path.hasWork) continue;
      this.#hasWork = true;
      // One whose credit is spent waits for more of it, and nobody for that one.
      if (path.credit >= leastBytes) return path;
    }
    return null;
  }

  get hasWork(): boolean {
    return this.#hasWork;
  }

  /** The id that packets on this path go to (RFC 9000 §9.5: another for each, as far as the peer gave any). */
  destination(path: Path): Buffer {
    if (path === this.active) return this.#peerIds.current;
    // The peer may have retired it meanwhile.
    if (!path.peerId || !this.#peerIds.isLent(path.peerId)) path.peerId = this.#peerIds.takeSpare();
    return path.peerId?.id ?? this.#peerIds.current;
  }

  /** Data for the challenge that is due on a path. */
  takeChallenge(path: Path, nowUs: number, ptoUs: number): Buffer {
    const data = this.#random(CHALLENGE_LENGTH);
    path.challenges.push(data);
    path.challengeDue = false;
    this.#hasChallenged = true;
    path.challengeDeadlineUs = nowUs + ptoUs * 2 ** path.timeouts;
    return data;
  }

  /** A PATH_RESPONSE, on whatever path: the one that was asked is validated (RFC 9000 §8.2.3). Null for a stale one. */
  onResponse(data: Buffer): Path | null {
    const path = [this.active, ...this.#others].find((candidate) =>
      candidate.challenges.some((challenge) => challenge.equals(data)),
    );
    if (!path) return null;
    path.validated = true;
    path.challenges.length = 0;
    path.challengeDue = false;
    path.challengeDeadlineUs = null;
    return path;
  }

  get deadlineUs(): number | null {
    let earliest: number | null = this.active.challengeDeadlineUs;
    for (const { challengeDeadlineUs } of this.#others) {
      if (challengeDeadlineUs !== null && (earliest === null || challengeDeadlineUs < earliest))
        earliest = challengeDeadlineUs;
    }
    return earliest;
  }

  /** Challenges unanswered for too long are sent again; returns the paths given up, no longer known. */
  onTimeout(nowUs: number, ptoUs: number): Path[] {
    const failed: Path[] = [];
    for (const path of [this.active, ...this.#others]) {
      if (path.challengeDeadlineUs === null || nowUs < path.challengeDeadlineUs) continue;
      path.timeouts++;
      if (path.timeouts < ATTEMPTS) {
        // Whether it can be sent or not: a path without credit is given up as one without an answer.
        path.challengeDeadlineUs = nowUs + ptoUs * 2 ** path.timeouts;
        path.challengeDue = true;
        this.#hasWork = true;
      } else {
        failed.push(path);
        path.challenges.length = 0;
        path.challengeDue = false;
        path.challengeDeadlineUs = null;
        if (path !== this.active) this.#forget(path);
      }
    }
    return failed;
  }

  /** The way back from a path that did not lead to the peer; null when there is none (RFC 9000 §9.3.2). */
  takeFallback(): Path | null {
    const fallback = this.#fallback;
    this.#fallback = null;
    return fallback;
  }

  #forget(path: Path): void {
    this.#others = this.#others.filter((other) => other !== path);
    if (path === this.#fallback) this.#fallback = null;
    if (path.peerId) this.#peerIds.giveUp(path.peerId);
    path.peerId = null;
  }
}
