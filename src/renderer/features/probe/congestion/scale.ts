/** Round numbers along the axes. */

/** The least of 1, 2 and 5 times a power of ten that is not under `value`. */
function roundStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const mantissa = [1, 2, 5].find((m) => m * power >= value * (1 - 1e-9));
  return (mantissa ?? 10) * power;
}

export interface Axis {
  max: number;
  ticks: number[];
  /** Decimals the ticks need. */
  digits: number;
}

/** An axis from 0 that holds `value` with at most `most` steps, in the unit of `value`. */
export function axisTo(value: number, most: number): Axis {
  const wanted = value > 0 && Number.isFinite(value) ? value : 1;
  const step = roundStep(wanted / Math.max(1, most));
  const steps = Math.ceil((wanted / step) * (1 - 1e-9));
  return {
    max: steps * step,
    ticks: Array.from({ length: steps + 1 }, (_, n) => n * step),
    digits: digitsOf(step),
  };
}

/** Clipped are values beyond so many times what all but a fiftieth of the points stay under. */
const CLIPPED_BEYOND = 4;

/** The greatest value to make room for: that of all, or where few points lie far above the rest, twice the rest's. */
export function worthShowing(values: Float64Array): number {
  if (values.length === 0) return 0;
  const sorted = values.toSorted();
  const max = sorted.at(-1)!;
  const most = sorted[Math.floor((sorted.length - 1) * 0.98)]!;
  return most > 0 && max > CLIPPED_BEYOND * most ? 2 * most : max;
}

/** Round moments within `from` to `to`, at most `most` of them and one. */
export function ticksWithin(from: number, to: number, most: number): { ticks: number[]; digits: number } {
  const step = roundStep((to - from) / Math.max(1, most));
  const ticks: number[] = [];
  for (let n = Math.ceil((from / step) * (1 - 1e-12)); n * step <= to * (1 + 1e-12); n++)
    ticks.push(n * step);
  return { ticks, digits: digitsOf(step) };
}

const digitsOf = (step: number): number => Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
