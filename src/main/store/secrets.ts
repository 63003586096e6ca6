/**
 * The lab's certificate authority on disk: `authority/ca.pem`, for others to trust, and `authority/ca-key.pem`. Both
 * come into place at once, by the rename of their folder, so that no crash and no second process can leave a
 * certificate beside a key that is not its own.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { LabError } from '../../shared/errors.ts';
import { fileError, makeDataDir } from './data-dir.ts';

export interface Authority {
  certPem: string;
  keyPem: string;
}

const CERT = 'ca.pem';
const KEY = 'ca-key.pem';

/** The folder's authority; null when it has none. Throws RL_FILE_UNREADABLE when it is there but not whole. */
export function loadAuthority(dataDir: string): Authority | null {
  const dir = join(dataDir, 'authority');
  if (!existsSync(dir)) return null;
  try {
    return { certPem: readFileSync(join(dir, CERT), 'utf8'), keyPem: readFileSync(join(dir, KEY), 'utf8') };
  } catch (thrown) {
    throw new LabError(
      'RL_FILE_UNREADABLE',
      `The lab’s authority cannot be read: ${(thrown as Error).message}`,
      {
        cause: thrown,
        hint: `Restore ${dir}, or remove it: the lab then makes a new authority, which others have yet to trust.`,
      },
    );
  }
}

/**
 * The folder's authority, made by `create` when it has none. The files are readable by this user only.
 * Throws RL_DATA_UNWRITABLE, RL_DISK_FULL, RL_FILE_UNREADABLE and what `create` throws.
 */
export async function loadOrCreateAuthority(
  dataDir: string,
  create: () => Promise<Authority>,
): Promise<Authority> {
  const existing = loadAuthority(dataDir);
  if (existing !== null) return existing;
  const made = await create();
  makeDataDir(dataDir);
  let draft: string | null = null;
  try {
    draft = mkdtempSync(join(dataDir, 'authority-'));
    writeDurably(join(draft, KEY), made.keyPem);
    writeDurably(join(draft, CERT), made.certPem);
    renameSync(draft, join(dataDir, 'authority'));
    return made;
  } catch (thrown) {
    if (draft !== null) rmSync(draft, { recursive: true, force: true });
    // A folder is not renamed onto one that has files: another process was first, and its authority counts.
    const winner = loadAuthority(dataDir);
    if (winner !== null) return winner;
    throw fileError(`The lab’s authority cannot be stored in ${dataDir}`, thrown);
  }
}

function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
