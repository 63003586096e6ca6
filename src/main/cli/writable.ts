/** Targets of output, found out to be writable before anything is measured for them. */
import { accessSync, closeSync, constants, mkdirSync, openSync, realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isDiskFull, LabError } from '../../shared/errors.ts';

/** RL_DISK_FULL where no room is what it lacks. */
export function unwritable(field: string, cause: unknown): LabError {
  const isFull = isDiskFull(cause);
  return new LabError(isFull ? 'RL_DISK_FULL' : 'RL_FILE_UNWRITABLE', `${field}: ${fileTrouble(cause)}`, {
    field,
    cause,
    ...(isFull && { hint: 'Free some space, or name a file on another disk.' }),
  });
}

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

/**
 * Where a file goes that takes the place of what is at `path`: through links, which stay. Throws RL_FILE_UNWRITABLE where its
 * folder cannot be written to, or where something is that no file may replace: a folder, device or pipe.
 */
export function placeOf(path: string, field: string): string {
  try {
    const there = statSync(path, { throwIfNoEntry: false });
    if (there !== undefined && !there.isFile())
      throw new Error(`there is no regular file at ${resolve(path)}, and what is there is left alone`);
    const place = there === undefined ? path : realpathSync(path);
    accessSync(dirname(place), constants.W_OK);
    return place;
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
