// `npm start`: install, build what changed, and open the lab: the desktop window where Electron can run, else the
// headless lab with the same UI in the browser.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, pinnedNode, root, supervise } from './prepare.mjs';

/** Path of Electron's executable, or why there is none. */
function findElectron(args) {
  if (args.includes('--headless')) return { reason: 'asked for by --headless' };
  const hasDisplay = process.platform !== 'linux' || process.env.DISPLAY || process.env.WAYLAND_DISPLAY;
  if (!hasDisplay) return { reason: 'there is no display' };
  // Chromium's sandbox does not work for root, and ours is never switched off.
  if (process.platform === 'linux' && process.getuid() === 0)
    return { reason: 'the desktop does not run as root' };
  const folder = join(root, 'node_modules', 'electron');
  const pathFile = join(folder, 'path.txt');
  if (!existsSync(pathFile)) {
    console.error('Fetching Electron’s runtime (once) …');
    // A download that does not come is no reason to wait for ever.
    spawnSync(pinnedNode, [join(folder, 'install.js')], { cwd: root, stdio: 'ignore', timeout: 180_000 });
  }
  if (!existsSync(pathFile)) return { reason: 'Electron’s runtime could not be downloaded' };
  return { path: join(folder, 'dist', readFileSync(pathFile, 'utf8').trim()) };
}

const args = process.argv.slice(2);
ensureInstalled();
ensureBuilt();
const electron = findElectron(args);
if (electron.path) {
  process.exitCode = await supervise(electron.path, [root, ...args]);
} else {
  console.error(`Starting the headless lab: ${electron.reason}.`);
  const rest = args.filter((arg) => arg !== '--headless');
  process.exitCode = await supervise(pinnedNode, ['src/main/cli/main.ts', 'serve', ...rest]);
}
