/** Recorded paths as they lie in files. */
import { LabError } from '../errors.ts';
import type { LinkTrace } from '../link-settings.ts';
import { parseCsvTrace } from './csv.ts';
import { parseMahimahi } from './mahimahi.ts';

/** Of characters: more than the longest trace needs. */
const MAX_LENGTH = 32e6;

/** A line that says something, with its number from 1. */
export interface Line {
  text: string;
  number: number;
}

/**
 * A trace in either format: lines of one whole number are Mahimahi's, all others CSV. Throws RL_INPUT_INVALID for `field`
 * that names the line at fault.
 */
export function parseTrace(text: string, field: string): LinkTrace {
  const refuse = (message: string): LabError =>
    new LabError('RL_INPUT_INVALID', `${field}: ${message}`, {
      field,
      hint: 'A trace is CSV (time, rate, delay, loss) or Mahimahi’s (one millisecond a line).',
    });
  if (text.length > MAX_LENGTH) throw refuse(`a trace of more than ${MAX_LENGTH / 1e6} MB`);
  const lines = text
    .split(/\r?\n/)
    .map((line, i) => ({ text: line.trim(), number: i + 1 }))
    .filter((line) => line.text !== '' && !line.text.startsWith('#'));
  if (lines.length === 0) throw refuse('the trace is empty');
  return /^\d+$/.test(lines[0]!.text) ? parseMahimahi(lines, refuse) : parseCsvTrace(lines, refuse);
}
