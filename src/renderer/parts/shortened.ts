const DIGITS = 4;

/** A number in at most four significant digits, but with all those before its point. */
export const shortened = (value: number): number =>
  Number(value.toPrecision(Math.max(DIGITS, Math.trunc(Math.abs(value)).toString().length)));
