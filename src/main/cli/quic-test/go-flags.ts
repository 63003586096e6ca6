/**
 * Flags as Go's package flag reads them: `-flag`, `--flag`, `-flag=value`, `-flag value`; of booleans the value only behind `=`; the
 * last of several holds; `--` ends them.
 */
import { LabError } from '../../../shared/errors.ts';
import { suggestion } from '../../../shared/suggestion.ts';

export interface GoFlag {
  readonly name: string;
  readonly kind: 'bool' | 'text';
}

/** A refusal that names the flag. */
export const invalid = (flag: string, message: string, hint?: string): LabError =>
  new LabError('RL_INPUT_INVALID', `--${flag}: ${message}`, { field: `--${flag}`, ...(hint && { hint }) });

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, false] as const),
]);

/** What was given, by name; booleans as `true` and `false`. Throws RL_INPUT_INVALID naming the flag, RL_USAGE of what is no flag. */
export function parseGoFlags(args: readonly string[], flags: readonly GoFlag[]): Map<string, string> {
  const given = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === '--' && i === args.length - 1) break;
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(arg);
    if (match === null) throw new LabError('RL_USAGE', `"${arg}" is no flag; quic-test takes nothing else`);
    const name = match[1]!;
    const flag = flags.find((each) => each.name === name);
    if (flag === undefined) {
      const meant = suggestion(
        name,
        flags.map((each) => each.name),
      );
      throw invalid(
        name,
        'there is no such flag',
        meant === null ? 'quic-test --help lists them.' : `Did you mean --${meant}?`,
      );
    }
    if (flag.kind === 'bool') {
      const value = match[2] === undefined ? true : BOOLEANS.get(match[2]);
      if (value === undefined) throw invalid(name, `"${match[2]}" is neither true nor false`);
      given.set(name, String(value));
      continue;
    }
    const value = match[2] ?? args[++i];
    if (value === undefined) throw invalid(name, 'needs a value');
    given.set(name, value);
  }
  return given;
}

const UNITS: Readonly<Record<string, number>> = {
  ns: 1e-3,
  us: 1,
  µs: 1,
  μs: 1,
  ms: 1e3,
  s: 1e6,
  m: 60e6,
  h: 3600e6,
};

/** Microseconds of a duration as Go's `time.ParseDuration` takes it: `1m30s`, `300ms`, `1.5h`, `0`. Throws RL_INPUT_INVALID. */
export function parseGoDuration(text: string, flag: string): number {
  if (/^[+-]?0$/.test(text)) return 0;
  if (text.startsWith('-')) throw invalid(flag, `"${text}" is negative`);
  const parts = [...text.matchAll(/(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy)];
  const length = parts.reduce((sum, [part]) => sum + part.length, 0);
  if (parts.length === 0 || length !== text.length)
    throw invalid(flag, `"${text}" is no duration`, 'Write it with units, such as 300ms, 30s or 1m30s.');
  const us = parts.reduce((sum, [, value, unit]) => sum + Number(value) * UNITS[unit!]!, 0);
  if (!Number.isFinite(us)) throw invalid(flag, `"${text}" is too long`);
  return us;
}
