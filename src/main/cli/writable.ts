/** Targets of output, found out to be writable before anything is measured for them. */
import { closeSync, mkdirSync, openSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { LabError } from '../../shared/errors.ts';

export const unwritable = (field: string, cause: unknown): LabError =>
  new LabError('RL_FILE_UNWRITABLE', `${field}: ${fileTrouble(cause)}`, { field, cause });

/** What the system said of a file, with the absolute path of it where that is known. */
export function fileTrouble(cause: unknown, path?: string): string {
  const error = cause as NodeJS.ErrnoException;
  const file = path ?? error.path;
  if (file === undefined || error.message.includes(resolve(file))) return error.message;
  return `${error.message} (${resolve(file)})`;
}

/** Throws RL_FILE_UNWRITABLE unless the file can be written; makes it where there is none. */
export function checkFile(path: string, field: string): void {
  try {
    closeSync(openSync(path, 'a'));
  } catch (cause) {
    throw unwritable(field, cause);
  }
}

/** Makes a folder where its parent exists. Throws RL_FILE_UNWRITABLE. */
export function makeFolder(path: string, field: string): void {
  try {
    // Not recursive, which in /proc never returns (Node 24).
    if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) mkdirSync(path);
  } catch (cause) {
    throw unwritable(field, cause);
  }
}
