const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].flatMap((n) => [n * SECOND, n * MINUTE]),
  ...[1, 2, 3, 6, 12, 24, 48, 120, 240].map((n) => n * HOUR),
].sort((a, b) => a - b);

/** Moments between `fromMs` and `toMs`, as many as fit into `most`, that are round on the clock here: `offsetMs` is local time less UTC. */
export function timeTicks(fromMs: number, toMs: number, most: number, offsetMs = 0): number[] {
  const step = STEPS.find((candidate) => (toMs - fromMs) / candidate <= most) ?? STEPS.at(-1)!;
  const ticks: number[] = [];
  for (let t = Math.ceil((fromMs + offsetMs) / step) * step - offsetMs; t <= toMs; t += step) ticks.push(t);
  return ticks;
}

/** 1, 2 and 5 times the powers of ten from `from` to `to`, both above 0; only the powers where that is too many. */
export function logTicks(from: number, to: number): number[] {
  const first = Math.floor(Math.log10(from));
  const last = Math.ceil(Math.log10(to));
  const mantissas = last - first > 5 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = first; power <= last; power++) {
    for (const mantissa of mantissas) {
      const tick = Number(`${mantissa}e${power}`);
      if (tick >= from && tick <= to) ticks.push(tick);
    }
  }
  return ticks;
}
