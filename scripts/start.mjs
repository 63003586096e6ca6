// `npm start`: install, build what changed, and open the lab: the desktop window where Electron can run, else the
// headless lab with the same UI in the browser.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { runDesktop } from './desktop.mjs';
import { ensureBuilt, ensureInstalled, pinnedNode, root, run, supervise } from './prepare.mjs';

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
const serve = [join(root, 'src/main/cli/main.ts'), 'serve', ...args.filter((arg) => arg !== '--headless')];
ensureInstalled();
if (args.includes('--help') || args.includes('-h')) {
  console.log(
    'npm start opens the desktop where Electron can run, else the headless lab; --headless asks for the latter.',
  );
  console.log('The desktop takes --data, --config and --port of these:\n');
  process.exit(run(pinnedNode, serve));
}
ensureBuilt();
const electron = findElectron(args);
const desktop = electron.path
  ? await runDesktop(electron.path, [root, ...args])
  : { reason: electron.reason };
if ('code' in desktop) process.exitCode = desktop.code;
else {
  console.error(`Starting the headless lab: ${desktop.reason}.`);
  process.exitCode = await supervise(pinnedNode, serve);
}
