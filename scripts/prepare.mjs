// What `npm start` and `npm test` share: install what the lock file pins, build what changed. Runs on the machine's
// own Node (20.19 or newer) before anything is installed, so it imports nothing but Node.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const root = resolve(import.meta.dirname, '..');
const bin = join(root, 'node_modules', '.bin');
const windows = process.platform === 'win32';

/** The pinned Node (the `node` dependency), which runs everything once it is installed. */
export const pinnedNode = join(root, 'node_modules', 'node', 'bin', windows ? 'node.exe' : 'node');

/** Whether npm runs a script of ours: then its shell is our parent. */
const underNpm = ['lab', 'start'].includes(process.env.npm_lifecycle_event);
const parent = process.ppid;
const PARENT_LOOK_MS = 250;

/**
 * The folder that relative paths of the user start from. npm runs our scripts in the checkout and keeps the folder that it
 * was called from in INIT_CWD; under other npm scripts, such as tests, the variable is about those.
 */
export const userFolder = underNpm && process.cwd() === root ? (process.env.INIT_CWD ?? root) : process.cwd();

/** Environment in which `node` is the pinned one, for tools that start others. */
export const toolEnv = { ...process.env, PATH: `${bin}${windows ? ';' : ':'}${process.env.PATH ?? ''}` };

/** Runs a program to its end with our terminal; returns its exit code. */
export function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: toolEnv, ...options });
  if (result.error) throw result.error;
  return result.status ?? 1;
}

/** Runs a JavaScript tool of node_modules on the pinned Node. */
export const runTool = (script, args, options) =>
  run(pinnedNode, [join(root, 'node_modules', script), ...args], options);

/** How long a program that was told to end may take before it is killed. */
const PATIENCE_MS = 15_000;

/**
 * Starts a program in the user's folder that shares our terminal and ends when we are told to end. A SIGHUP is only passed on:
 * to `serve` it means that its file is to be read again. Resolves with the exit code; rejects when it cannot be started.
 */
export function supervise(command, args, env = toolEnv, patienceMs = PATIENCE_MS) {
  const child = spawn(command, args, { cwd: userFolder, stdio: 'inherit', env });
  // Passed on, and followed by our own end: the child ends in its own time. It takes one Ctrl-C for one, although a
  // terminal sends it to both of us.
  let kill;
  const end = (signal) => {
    child.kill(signal);
    if (signal === 'SIGHUP') return;
    kill ??= setTimeout(() => {
      console.error(`It did not end within ${patienceMs / 1000} s of ${signal}, so it was killed.`);
      child.kill('SIGKILL');
    }, patienceMs);
    kill.unref();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => end(signal));
  // npm passes SIGTERM to the shell between it and us, which dies of it and tells nobody.
  const look = setInterval(() => {
    if (!underNpm || process.ppid === parent) return;
    clearInterval(look);
    end('SIGTERM');
  }, PARENT_LOOK_MS);
  return new Promise((resolveExit, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => resolveExit(code ?? (signal === 'SIGINT' ? 130 : 1)));
  }).finally(() => clearInterval(look));
}

function hashFiles(hash, path) {
  for (const entry of readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const full = join(path, entry.name);
    if (entry.isDirectory()) hashFiles(hash, full);
    else hash.update(full.slice(root.length)).update(readFileSync(full));
  }
}

/** Runs `work` unless `stamp` already holds the hash of what it depends on. */
function whenChanged(stamp, hash, work) {
  const digest = hash.digest('hex');
  const file = join(root, stamp);
  if (existsSync(file) && readFileSync(file, 'utf8') === digest) return;
  work();
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, digest);
}

/** What installing and building say goes to standard error: standard output is the command's, which may print JSON. */
const TALK = ['inherit', 2, 'inherit'];

export function ensureInstalled() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) {
    console.error(`RouteLab needs Node 20.19 or newer to start; this is ${process.versions.node}.`);
    process.exit(2);
  }
  const hash = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(process.platform + process.arch);
  whenChanged('node_modules/.routelab-installed', hash, () => {
    console.error('Installing dependencies (once) …');
    // Not `npm ci`: it insists on lock entries for the optional packages of every platform, and a registry mirror
    // may lack some. `install --no-save` takes what the lock file pins and leaves the file as it is. The pinned Node
    // satisfies engines that the machine's own may not: warnings about those say nothing.
    const install = ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'];
    const code = run(windows ? 'npm.cmd' : 'npm', install, {
      env: process.env,
      shell: windows,
      stdio: TALK,
    });
    if (code !== 0) {
      console.error('Installing failed; see the lines above. Nothing was started.');
      process.exit(code);
    }
  });
}

/** Builds main, preload and renderer into out/ when a source changed. */
export function ensureBuilt() {
  const hash = createHash('sha256');
  for (const folder of ['src', 'resources']) hashFiles(hash, join(root, folder));
  for (const file of ['electron.vite.config.ts', 'package-lock.json'])
    hash.update(readFileSync(join(root, file)));
  whenChanged('out/.built', hash, () => {
    console.error('Building the app …');
    const code = runTool('electron-vite/bin/electron-vite.js', ['build', '--logLevel', 'warn'], {
      stdio: TALK,
    });
    if (code !== 0) {
      console.error('The build failed; see the lines above.');
      process.exit(code);
    }
  });
}
