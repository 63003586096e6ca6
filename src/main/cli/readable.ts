import { readFileSync } from 'node:fs';
import { LabError } from '../../shared/errors.ts';

/** The text of a file. Throws RL_FILE_UNREADABLE naming the option. */
export function readText(path: string, field: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new LabError('RL_FILE_UNREADABLE', `${field}: ${(cause as Error).message}`, { field, cause });
  }
}
