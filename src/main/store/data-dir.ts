import { mkdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, posix, resolve, win32 } from 'node:path';
import { isDiskFull, LabError } from '../../shared/errors.ts';

/** Where the lab keeps its data unless told otherwise: the operating system’s folder for a user’s application data. */
export function defaultDataDir(
  platform: NodeJS.Platform = process.platform,
  env: NodeJS.ProcessEnv = process.env,
  home: string = homedir(),
): string {
  if (platform === 'win32') {
    return win32.join(env['LOCALAPPDATA'] ?? win32.join(home, 'AppData', 'Local'), 'RouteLab');
  }
  if (platform === 'darwin') return posix.join(home, 'Library', 'Application Support', 'RouteLab');
  const xdg = env['XDG_DATA_HOME'];
  // XDG Base Directory Specification: a relative path is invalid and to be ignored.
  return posix.join(
    xdg !== undefined && posix.isAbsolute(xdg) ? xdg : posix.join(home, '.local', 'share'),
    'routelab',
  );
}

/** Makes the folder and its parents, for this user only. Throws RL_DATA_UNWRITABLE or RL_DISK_FULL. */
export function makeDataDir(dataDir: string): void {
  try {
    makeFolder(resolve(dataDir));
  } catch (thrown) {
    throw fileError(`The data folder ${dataDir} cannot be made`, thrown);
  }
}

/** Level by level: Node's own recursive mkdir never returns from file systems such as /proc, where making one is "not found". */
function makeFolder(folder: string): void {
  const known = statSync(folder, { throwIfNoEntry: false });
  if (known?.isDirectory()) return;
  if (known === undefined && dirname(folder) !== folder) makeFolder(dirname(folder));
  // Where a file stands in the way this says so.
  mkdirSync(folder, { mode: 0o700 });
}

/** A file or folder that could not be written, as a catalogue error. */
export function fileError(what: string, thrown: unknown): LabError {
  const { message } = thrown as NodeJS.ErrnoException;
  return new LabError(isDiskFull(thrown) ? 'RL_DISK_FULL' : 'RL_DATA_UNWRITABLE', `${what}: ${message}`, {
    cause: thrown,
  });
}
