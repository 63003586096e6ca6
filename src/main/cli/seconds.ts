import { LabError } from '../../shared/errors.ts';
import { parseDuration } from '../../shared/units.ts';

/** A parser of a time from `min` to `max` seconds, in seconds. */
export const parseSeconds =
  (flag: string, min: number, max: number) =>
  (text: string): number => {
    const seconds = parseDuration(text, flag, 's') / 1e6;
    if (seconds >= min && seconds <= max) return seconds;
    throw new LabError('RL_INPUT_INVALID', `${flag}: ${text} is not from ${min} s to ${max} s`, {
      field: flag,
    });
  };
