// Starts the desktop, and tells a desktop that ran from an Electron that cannot run here.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { supervise, toolEnv } from './prepare.mjs';

/** Exit code of a desktop that was started with wrong options: no other host would take them either. */
const USAGE = 2;

/**
 * Runs Electron to its end. Returns its exit code, or, when it never got as far as showing anything, why.
 * @returns {Promise<{ code: number } | { reason: string }>}
 */
export async function runDesktop(electron, args) {
  const folder = mkdtempSync(join(tmpdir(), 'routelab-start-'));
  const ready = join(folder, 'ready');
  try {
    const code = await supervise(electron, args, { ...toolEnv, ROUTELAB_READY_FILE: ready });
    if (code === 0 || code === USAGE || existsSync(ready)) return { code };
    return { reason: `Electron could not start here (exit code ${code})` };
  } catch (error) {
    return { reason: `Electron could not start here (${error.code ?? error.message})` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
