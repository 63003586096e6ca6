/**
 * Recovery against a transcription of RFC 9002 Appendix A and §7.6.2, and the longest PTO of RFC 8961 §4, on plain maps and lists, under random sequences of
 * everything that can happen to it. The reference scans everything every time; Recovery must never differ from it.
 */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_BACKED_OFF_PTO_US } from '../../src/main/recovery/recovery.ts';
import { RttEstimator } from '../../src/main/recovery/rtt.ts';
import { SPACES, type Space } from '../../src/main/recovery/types.ts';
import { newRecovery, numbers, packet } from './support.ts';

interface Sent {
  space: Space;
  number: number;
  atUs: number;
  bytes: number;
  ackEliciting: boolean;
  inFlight: boolean;
  fate: 'open' | 'acked' | 'lost' | 'discarded';
  /** Lost, ack-eliciting, sent after the first RTT sample, and not yet part of an established period. */
  delimits: boolean;
}

class Reference {
  readonly log: Sent[] = [];
  readonly rtt = new RttEstimator();
  readonly maxAckDelayUs = 25_000;
  handshakeConfirmed = false;
  peerCompleted = false;
  hasHandshakeKeys = false;
  blocked = false;
  persistentCongestions = 0;
  #largestAcked: Record<Space, number> = { initial: -1, handshake: -1, application: -1 };
  #lossTime: Record<Space, number | null> = { initial: null, handshake: null, application: null };
  #lastAckEliciting: Record<Space, number> = { initial: 0, handshake: 0, application: 0 };
  #firstSampleAtUs: number | null = null;
  #ptoCount = 0;
  #timerSetAtUs: number | null = null;

  open(space?: Space): Sent[] {
    return this.log.filter((sent) => sent.fate === 'open' && (!space || sent.space === space));
  }

  get bytesInFlight(): number {
    return this.open().reduce((sum, sent) => sum + (sent.inFlight ? sent.bytes : 0), 0);
  }

  send(sent: Omit<Sent, 'fate' | 'delimits'>): void {
    this.log.push({ ...sent, fate: 'open', delimits: false });
    if (!sent.inFlight) return;
    if (sent.ackEliciting) this.#lastAckEliciting[sent.space] = sent.atUs;
    this.#timerSetAtUs = sent.atUs;
  }

  ack(
    space: Space,
    acknowledged: Set<number>,
    delayUs: number,
    nowUs: number,
  ): { acked: number[]; lost: number[] } {
    const largest = Math.max(...acknowledged);
    this.#largestAcked[space] = Math.max(this.#largestAcked[space], largest);
    const newly = this.open(space).filter((sent) => acknowledged.has(sent.number));
    if (newly.length === 0) return { acked: [], lost: [] };
    for (const sent of newly) sent.fate = 'acked';
    const newest = newly.at(-1)!;
    if (newest.number === largest && newly.some((sent) => sent.ackEliciting)) {
      const latestUs = Math.max(1, nowUs - newest.atUs);
      this.rtt.update(
        latestUs,
        space === 'initial' ? 0 : delayUs,
        this.handshakeConfirmed,
        this.maxAckDelayUs,
      );
      this.#firstSampleAtUs ??= nowUs;
    }
    const lost = this.#detectLost(space, nowUs);
    if (space === 'handshake') this.peerCompleted = true;
    if (this.peerCompleted || this.handshakeConfirmed) this.#ptoCount = 0;
    this.#timerSetAtUs = nowUs;
    return { acked: newly.map((sent) => sent.number), lost };
  }

  #detectLost(space: Space, nowUs: number): number[] {
    const delayUs = Math.max((9 / 8) * Math.max(this.rtt.latestUs, this.rtt.smoothedUs), 1000);
    this.#lossTime[space] = null;
    const lost: Sent[] = [];
    for (const sent of this.open(space)) {
      if (sent.number > this.#largestAcked[space]) continue;
      if (sent.atUs + delayUs <= nowUs || this.#largestAcked[space] >= sent.number + 3) {
        sent.fate = 'lost';
        sent.delimits =
          sent.ackEliciting && this.#firstSampleAtUs !== null && sent.atUs > this.#firstSampleAtUs;
        lost.push(sent);
      } else {
        this.#lossTime[space] = Math.min(
          this.#lossTime[space] ?? Number.POSITIVE_INFINITY,
          sent.atUs + delayUs,
        );
      }
    }
    if (lost.some((sent) => sent.inFlight)) this.#persistentCongestion(lost);
    return lost.map((sent) => sent.number);
  }

  /** §7.6.2, word by word: between two lost packets none was acknowledged, in the order of sending. */
  #persistentCongestion(newlyLost: readonly Sent[]): void {
    const durationUs = 3 * this.rtt.ptoBaseUs(this.maxAckDelayUs);
    let run: Sent[] = [];
    let established = false;
    for (const sent of [...this.log, null]) {
      if (sent && sent.fate !== 'acked') {
        run.push(sent);
        continue;
      }
      const ends = run.filter((each) => each.delimits);
      if (ends.some((each) => newlyLost.includes(each)) && ends.at(-1)!.atUs - ends[0]!.atUs > durationUs) {
        established = true;
        for (const each of ends) each.delimits = false;
      }
      run = [];
    }
    if (established) this.persistentCongestions++;
  }

  #earliestLoss(): Space | null {
    let earliest: Space | null = null;
    for (const space of SPACES) {
      const time = this.#lossTime[space];
      if (time !== null && (earliest === null || time < this.#lossTime[earliest]!)) earliest = space;
    }
    return earliest;
  }

  #pto(): { atUs: number; space: Space; inFlight: boolean } | null {
    if (this.blocked || this.#timerSetAtUs === null) return null;
    const backedOff = (periodUs: number): number =>
      Math.max(periodUs, Math.min(periodUs * 2 ** this.#ptoCount, MAX_BACKED_OFF_PTO_US));
    const candidates = SPACES.filter((space) =>
      this.open(space).some((sent) => sent.ackEliciting && sent.inFlight),
    )
      .filter((space) => space !== 'application' || this.handshakeConfirmed)
      .map((space) => ({
        atUs:
          this.#lastAckEliciting[space] +
          backedOff(this.rtt.ptoBaseUs(space === 'application' ? this.maxAckDelayUs : 0)),
        space,
        inFlight: true,
      }));
    if (candidates.length > 0) return candidates.reduce((a, b) => (b.atUs < a.atUs ? b : a));
    if (this.peerCompleted || this.handshakeConfirmed) return null;
    const space = this.hasHandshakeKeys ? 'handshake' : 'initial';
    return { atUs: this.#timerSetAtUs + backedOff(this.rtt.ptoBaseUs(0)), space, inFlight: false };
  }

  deadline(): number | null {
    const loss = this.#earliestLoss();
    return loss ? this.#lossTime[loss] : (this.#pto()?.atUs ?? null);
  }

  timeout(nowUs: number): { lost: number[]; probe: { space: Space; count: number } | null } {
    const loss = this.#earliestLoss();
    if (loss) {
      if (this.#lossTime[loss]! > nowUs) return { lost: [], probe: null };
      const lost = this.#detectLost(loss, nowUs);
      this.#timerSetAtUs = nowUs;
      return { lost, probe: null };
    }
    const pto = this.#pto();
    if (!pto || pto.atUs > nowUs) return { lost: [], probe: null };
    this.#ptoCount++;
    this.#timerSetAtUs = nowUs;
    return { lost: [], probe: { space: pto.space, count: pto.inFlight ? 2 : 1 } };
  }

  discard(space: Space): void {
    for (const sent of this.open(space)) sent.fate = 'discarded';
    this.#lossTime[space] = null;
    this.#ptoCount = 0;
  }
}

/** A small generator of its own, so that a failing run is named by one number. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function rangesOf(acknowledged: Set<number>): { first: number; last: number }[] {
  const ranges: { first: number; last: number }[] = [];
  for (const number of [...acknowledged].sort((a, b) => b - a)) {
    const bottom = ranges.at(-1);
    if (bottom && bottom.first === number + 1) bottom.first = number;
    else ranges.push({ first: number, last: number });
  }
  return ranges;
}

it('does what RFC 9002 Appendix A does, whatever is sent, acknowledged, lost and timed out', () => {
  let periods = 0;
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = randomFrom(seed);
      const recovery = newRecovery();
      const reference = new Reference();
      const next: Record<Space, number> = { initial: 0, handshake: 0, application: 0 };
      // Some runs are quick and lossy, some slow and silent for long.
      const pace = [50, 2_000, 60_000, 400_000][random(4)]!;
      const silent = random(2) === 0;
      const spaceOf = (): Space => (random(4) === 0 ? SPACES[random(3)]! : 'application');
      let now = 0;
      for (let step = 0; step < 300; step++) {
        now += random(pace);
        const choice = random(100);
        if (choice < 55) {
          const space = spaceOf();
          const number = next[space];
          next[space] = number + (random(40) === 0 ? 2 : 1);
          const kind = random(10);
          const flags = { ackEliciting: kind > 1, inFlight: kind > 0 };
          const bytes = 40 + random(1160);
          recovery.onPacketSent(space, packet(number, { ...flags, bytes }), now);
          reference.send({ space, number, atUs: now, bytes, ...flags });
        } else if (choice < 80) {
          if (silent && random(8) > 0) continue;
          const space = spaceOf();
          // Mostly the newest, sometimes holes; also packets long acknowledged or declared lost.
          const candidates = reference.log.filter((sent) => sent.space === space).slice(-(2 + random(30)));
          const said = new Set(candidates.filter(() => random(3) > 0).map((sent) => sent.number));
          if (said.size === 0) continue;
          const delayUs = random(2) * random(40_000);
          const result = recovery.onAck(space, rangesOf(said), delayUs, now)!;
          const expected = reference.ack(space, said, delayUs, now);
          expect(numbers(result.acked)).toEqual(expected.acked);
          expect(numbers(result.lost)).toEqual(expected.lost);
        } else if (choice < 95) {
          const deadline = recovery.deadlineUs();
          if (deadline !== null && random(3) > 0) now = Math.max(now, deadline);
          const result = recovery.onTimeout(now);
          const expected = reference.timeout(now);
          expect(numbers(result.lost.map((each) => each.packet))).toEqual(expected.lost);
          expect(result.probe).toEqual(expected.probe);
        } else if (choice === 95) {
          const space = SPACES[random(2)]!;
          recovery.discardSpace(space);
          reference.discard(space);
        } else if (choice === 96) {
          recovery.handshakeConfirmed = reference.handshakeConfirmed = true;
        } else if (choice === 97) {
          recovery.hasHandshakeKeys = reference.hasHandshakeKeys = true;
        } else {
          recovery.antiAmplificationBlocked = reference.blocked = random(4) === 0;
        }
        expect(recovery.bytesInFlight).toBe(reference.bytesInFlight);
        expect(recovery.deadlineUs()).toBe(reference.deadline());
        expect(recovery.stats.persistentCongestions).toBe(reference.persistentCongestions);
      }
      periods += reference.persistentCongestions;
      expect(recovery.rtt.smoothedUs).toBe(reference.rtt.smoothedUs);
    }),
    { numRuns: 100 },
  );
  // The sequences do reach persistent congestion.
  expect(periods).toBeGreaterThan(20);
});
