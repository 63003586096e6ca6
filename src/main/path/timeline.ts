/** Bottlenecks whose rate changes with time: schedules and traces. Asked with times that never go back. */
import type { LinkSettings } from '../../shared/domain.ts';
import { OPPORTUNITY_BYTES, seriesBits } from '../../shared/link-rates.ts';
import { Steps } from './steps.ts';

export interface Timeline {
  /** When the transmission of a packet starts that came at `cameUs`, behind others that are sent until `idleAtUs`. */
  startOf(cameUs: number, idleAtUs: number): number;
  /** When the last of `bytes` is sent, from the start told last. */
  endOf(startUs: number, bytes: number): number;
}

/** The rate of `settings` over time; null when it is always the same. */
export function timelineOf(
  { rateBps, rateSchedule, trace }: LinkSettings,
  originUs: number,
): Timeline | null {
  if (trace?.kind === 'opportunities') return new Opportunities(trace.atMs, originUs);
  if (trace?.kind === 'series') {
    const rates = trace.steps.map(([, bps]) => bps);
    return new SteppedRate(Steps.ofTrace(trace, originUs), rates, seriesBits(trace) / 8, trace.periodS * 1e6);
  }
  if (rateSchedule === undefined || rateBps === null) return null;
  const schedule: [number, number][] =
    rateSchedule[0]![0] > 0 ? [[0, rateBps], ...rateSchedule] : rateSchedule;
  const never = Number.POSITIVE_INFINITY;
  const fromUs = schedule.map(([second]) => second * 1e6);
  return new SteppedRate(
    new Steps(fromUs, never, originUs),
    schedule.map(([, bps]) => bps),
    never,
    never,
  );
}

/** A packet in transmission when the rate changes is sent on at the new one: what is left of it takes the other time. */
class SteppedRate implements Timeline {
  readonly #steps: Steps;
  readonly #bytesPerUs: readonly number[];
  readonly #bytesPerTurn: number;
  readonly #turnUs: number;

  constructor(steps: Steps, ratesBps: readonly number[], bytesPerTurn: number, turnUs: number) {
    this.#steps = steps;
    this.#bytesPerUs = ratesBps.map((bps) => bps / 8e6);
    this.#bytesPerTurn = bytesPerTurn;
    this.#turnUs = turnUs;
  }

  startOf(cameUs: number, idleAtUs: number): number {
    return Math.max(cameUs, idleAtUs);
  }

  endOf(startUs: number, bytes: number): number {
    let left = bytes;
    let atUs = startUs;
    // Whole turns at once: no packet, however slow, takes longer to work out than one.
    if (left > this.#bytesPerTurn) {
      const turns = Math.ceil(left / this.#bytesPerTurn) - 1;
      left -= turns * this.#bytesPerTurn;
      atUs += turns * this.#turnUs;
    }
    for (;;) {
      const bytesPerUs = this.#bytesPerUs[this.#steps.seek(atUs)]!;
      const stepEndUs = this.#steps.endUs;
      const room = bytesPerUs === 0 ? 0 : (stepEndUs - atUs) * bytesPerUs;
      if (left <= room) return atUs + left / bytesPerUs;
      left -= room;
      atUs = stepEndUs;
    }
  }
}

/**
 * A Mahimahi trace: each moment lets 1500 bytes through, of one packet or of several, and is gone when nothing waits.
 * A packet that comes at the very moment is too late for it.
 */
class Opportunities implements Timeline {
  readonly #atUs: Float64Array;
  readonly #periodUs: number;
  #turnUs: number;
  #index = 0;
  /** Bytes that the present opportunity still lets through. */
  #left = OPPORTUNITY_BYTES;

  constructor(atMs: readonly number[], originUs: number) {
    this.#atUs = Float64Array.from(atMs, (ms) => ms * 1e3);
    this.#periodUs = this.#atUs.at(-1)!;
    this.#turnUs = originUs;
  }

  startOf(cameUs: number, idleAtUs: number): number {
    if (cameUs >= idleAtUs) this.#skipTo(cameUs, false);
    else this.#skipTo(idleAtUs, true);
    if (this.#left === 0) this.#next();
    return this.#nowUs;
  }

  endOf(_startUs: number, bytes: number): number {
    let left = bytes;
    const bytesPerTurn = OPPORTUNITY_BYTES * this.#atUs.length;
    if (left > bytesPerTurn) {
      const turns = Math.ceil(left / bytesPerTurn) - 1;
      left -= turns * bytesPerTurn;
      this.#turnUs += turns * this.#periodUs;
    }
    while (left > this.#left) {
      left -= this.#left;
      this.#next();
    }
    this.#left -= left;
    return this.#nowUs;
  }

  get #nowUs(): number {
    return this.#turnUs + this.#atUs[this.#index]!;
  }

  #next(): void {
    this.#left = OPPORTUNITY_BYTES;
    if (++this.#index < this.#atUs.length) return;
    this.#index = 0;
    this.#turnUs += this.#periodUs;
  }

  /** Lets go by what is before `atUs`, or at it unless that one is `included`. */
  #skipTo(atUs: number, included: boolean): void {
    if (atUs - this.#turnUs > this.#periodUs) {
      this.#turnUs += (Math.floor((atUs - this.#turnUs) / this.#periodUs) - 1) * this.#periodUs;
      this.#index = 0;
      this.#left = OPPORTUNITY_BYTES;
    }
    while (this.#nowUs < atUs || (this.#nowUs === atUs && !included)) this.#next();
  }
}
