import { readFileSync } from 'node:fs';
import { LabError } from '../../shared/errors.ts';
import { fileTrouble } from './writable.ts';

export const STANDARD_INPUT = 0;

/** The bytes of a file, or of standard input. Throws RL_FILE_UNREADABLE naming the option and the file's absolute path. */
export function readBytes(path: string | typeof STANDARD_INPUT, field: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new LabError('RL_FILE_UNREADABLE', `${field}: ${fileTrouble(cause, path || undefined)}`, {
      field,
      cause,
    });
  }
}

/** The text of it, as `readBytes`. */
export const readText = (path: string | typeof STANDARD_INPUT, field: string): string =>
  readBytes(path, field).toString('utf8');
