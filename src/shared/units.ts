/**
 * Quantities as people write and read them. The command line, configuration files and the screen share these,
 * so what RouteLab prints it also accepts.
 *
 * Parsers throw LabError RL_INPUT_INVALID naming `field`. Letter case and a space before the unit do not matter.
 */
import { LabError } from './errors.ts';

const DURATION_UNITS = { us: 1, µs: 1, ms: 1e3, s: 1e6, min: 60e6, m: 60e6, h: 3600e6 } as const;

const RATE_PREFIXES = { '': 1, k: 1e3, m: 1e6, g: 1e9 } as const;
/** `bps` is read as bits, as everybody but tc(8) writes it. */
const RATE_UNITS: Record<string, number> = Object.fromEntries(
  Object.entries(RATE_PREFIXES).flatMap(([prefix, factor]) =>
    ['bit', 'bit/s', 'bps'].map((unit) => [prefix + unit, factor]),
  ),
);

/** Decimal, as datasheets count (kB = 1000 B); the binary ones have names of their own. */
const SIZE_UNITS = { b: 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 2 ** 10, mib: 2 ** 20, gib: 2 ** 30 } as const;

const invalid = (field: string, message: string): LabError =>
  new LabError('RL_INPUT_INVALID', `${field}: ${message}`, { field });

/** The number and the lower-case unit ('' if none) of a quantity. */
function split(text: string, field: string, examples: string): { value: number; unit: string } {
  const match = /^\s*(\d+(?:\.\d*)?|\.\d+)\s*([a-zµμ/%]*)\s*$/i.exec(text);
  if (match === null && /^\s*-\s*[\d.]/.test(text)) throw invalid(field, `"${text}" is negative`);
  if (match === null) throw invalid(field, `"${text}" is not a quantity; write for example ${examples}`);
  // U+03BC, the Greek letter, and U+00B5, the micro sign, look the same.
  return { value: Number(match[1]), unit: match[2]!.toLowerCase().replace('μ', 'µ') };
}

function quantity(
  text: string,
  field: string,
  units: Readonly<Record<string, number>>,
  examples: string,
  bareUnit?: string,
): number {
  const { value, unit } = split(text, field, examples);
  const name = unit === '' ? bareUnit : unit;
  if (name === undefined) {
    if (value === 0) return 0;
    throw invalid(field, `"${text}" has no unit; write for example ${examples}`);
  }
  if (!Object.hasOwn(units, name)) {
    throw invalid(field, `"${text}" has an unknown unit; write for example ${examples}`);
  }
  const result = value * units[name]!;
  if (!Number.isFinite(result)) throw invalid(field, `"${text}" is too large`);
  return result;
}

/**
 * A duration in microseconds from `250us`, `40ms`, `1.5s`, `2m` or `1h`. A bare number other than 0 is refused
 * unless `bareUnit` says what it counts.
 */
export function parseDuration(text: string, field: string, bareUnit?: 's' | 'ms'): number {
  return quantity(text, field, DURATION_UNITS, '250us, 40ms or 1.5s', bareUnit);
}

/** A rate in bits per second from `400kbit`, `20mbit`, `8 Mbit/s` or `1gbps`. */
export function parseRate(text: string, field: string): number {
  return quantity(text, field, RATE_UNITS, '400kbit, 20mbit or 1gbit');
}

/** A size in whole bytes from `1500b`, `64kb` (64 000) or `64kib` (65 536). */
export function parseBytes(text: string, field: string): number {
  const bytes = quantity(text, field, SIZE_UNITS, '1500b, 64kb or 1mb');
  // Decimal fractions of a unit are seldom exact in binary: 1.1 kB is 1100 bytes, not 1100.0000000000002.
  const whole = Math.round(bytes);
  if (Math.abs(bytes - whole) > 1e-6 * Math.max(1, bytes)) {
    throw invalid(field, `"${text}" is not a whole number of bytes`);
  }
  return whole;
}

/** A ratio from 0 to 1, from `1%` or `0.01`. */
export function parseRatio(text: string, field: string): number {
  const { value, unit } = split(text, field, '1% or 0.01');
  if (unit !== '' && unit !== '%') throw invalid(field, `"${text}" is neither a percentage nor a ratio`);
  if (unit === '' && value === 1)
    throw invalid(field, '"1" could be one in a hundred or all; write 1% or 100%');
  const ratio = unit === '%' ? value / 100 : value;
  if (ratio > 1) {
    throw invalid(
      field,
      `"${text}" is more than everything; write a percentage up to 100% or a ratio up to 1`,
    );
  }
  return ratio;
}

/** What stands where nothing was measured. */
const UNKNOWN = '–';

/** Microseconds as milliseconds with a fixed number of decimals, so that a column lines up: `12.4 ms`. */
export const formatDuration = (us: number | null, digits = 1): string =>
  us === null ? UNKNOWN : `${(us / 1e3).toFixed(digits)} ms`;

/** Seconds to come, roughly: `40 s`, `3 min`, `2 h 5 min`. */
export function formatSpan(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Bits per second in Mbit/s with a fixed number of decimals: `3.21 Mbit/s`. */
export const formatRate = (bps: number | null, digits = 2): string =>
  bps === null ? UNKNOWN : `${(bps / 1e6).toFixed(digits)} Mbit/s`;

/** A ratio from 0 to 1 as a percentage with a fixed number of decimals: `0.8 %`. */
export const formatPercent = (ratio: number | null, digits = 1): string =>
  ratio === null ? UNKNOWN : `${(ratio * 100).toFixed(digits)} %`;

/** A count of bytes in the largest decimal unit it fills: `512 B`, `64.0 kB`, `1.2 MB`. */
export function formatBytes(bytes: number | null): string {
  if (bytes === null) return UNKNOWN;
  if (bytes < 999.5) return `${Math.round(bytes)} B`;
  // From 999 950 on, one decimal would round to "1000.0 kB".
  if (bytes < 999_950) return `${(bytes / 1e3).toFixed(1)} kB`;
  if (bytes < 999_950_000) return `${(bytes / 1e6).toFixed(1)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
