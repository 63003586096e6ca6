/** A moment as the clock on the wall shows it, 24 hours: `14:03:41`, or `14:03` without seconds. */
export function clockTime(ms: number, seconds = true): string {
  const at = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  const minutes = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return seconds ? `${minutes}:${two(at.getSeconds())}` : minutes;
}

/** The day as it is written everywhere: `2026-11-21`. */
export function dayOf(ms: number): string {
  const at = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** Today’s moments by the clock, older ones by their day too. */
export const whenOf = (ms: number): string =>
  dayOf(ms) === dayOf(Date.now()) ? clockTime(ms) : `${dayOf(ms)} ${clockTime(ms, false)}`;

const DAY_MS = 86_400_000;

/** A moment of a span of time: with seconds in a short one, with its day in one of a day or more. */
export const momentOf = (ms: number, spanMs: number): string =>
  spanMs < DAY_MS ? clockTime(ms) : `${dayOf(ms).slice(5)} ${clockTime(ms, false)}`;

/** Local time less UTC at a moment, milliseconds. */
export const offsetOf = (ms: number): number => -new Date(ms).getTimezoneOffset() * 60_000;
