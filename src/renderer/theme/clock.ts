/** A moment as the clock on the wall shows it, 24 hours: `14:03:41`, or `14:03` without seconds. */
export function clockTime(ms: number, seconds = true): string {
  const at = new Date(ms);
  const two = (n: number): string => String(n).padStart(2, '0');
  const minutes = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return seconds ? `${minutes}:${two(at.getSeconds())}` : minutes;
}
