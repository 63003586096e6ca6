/** The launcher: relative paths are the user's; the end of npm is the end of all; an Electron that cannot run here is told from a desktop that ran; what does not end is killed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const scripts = resolve(import.meta.dirname, '../../scripts');
const folder = mkdtempSync(join(tmpdir(), 'routelab-launcher-'));
afterAll(() => rmSync(folder, { recursive: true }));

function program(name: string, source: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${source}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Runs a line of JavaScript with the launcher's functions; returns what it printed. */
async function evaluate(source: string): Promise<{ stdout: string; stderr: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], { cwd: scripts });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    out.stdout += chunk;
  });
  child.stderr.on('data', (chunk: Buffer) => {
    out.stderr += chunk;
  });
  await once(child, 'close');
  return out;
}

const desktop = async (electron: string): Promise<unknown> => {
  const source = `import { runDesktop } from ${JSON.stringify(join(scripts, 'desktop.mjs'))};
    console.log(JSON.stringify(await runDesktop(${JSON.stringify(electron)}, [])));`;
  return JSON.parse((await evaluate(source)).stdout.trim().split('\n').at(-1)!);
};

it.each([
  ['lacks a library', 'exit 127', 'exit code 127'],
  ['dies of its sandbox', 'kill -TRAP $$', 'exit code 1'],
])('takes an Electron that %s for a reason to go headless', async (name, source, reason) => {
  expect(await desktop(program(name.replaceAll(' ', '-'), source))).toEqual({
    reason: expect.stringContaining(reason),
  });
});

it('takes an Electron that is not there for a reason too', async () => {
  expect(await desktop(join(folder, 'nothing'))).toEqual({ reason: expect.stringContaining('ENOENT') });
});

it.each([
  ['ran and crashed later', 'touch "$ROUTELAB_READY_FILE"; exit 9', 9],
  ['refused its options', 'exit 2', 2],
  ['was quit', 'exit 0', 0],
])('ends with a desktop that %s', async (name, source, code) => {
  expect(await desktop(program(name.replaceAll(' ', '-'), source))).toEqual({ code });
});

it('kills a program that does not end when it is told to, and says so', async () => {
  const deaf = program('deaf', 'trap "" TERM; while :; do sleep 0.05; done');
  const source = `import { supervise } from ${JSON.stringify(join(scripts, 'prepare.mjs'))};
    setTimeout(() => process.kill(process.pid, 'SIGTERM'), 200);
    console.log(await supervise(${JSON.stringify(deaf)}, [], process.env, 300));`;
  const { stdout, stderr } = await evaluate(source);
  expect(stdout.trim()).toBe('1');
  expect(stderr).toContain('was killed');
});

it('passes a SIGHUP on, which a program may take for something else than its end', async () => {
  const hearing = program('hearing', 'trap "echo heard" HUP; echo ready; while :; do sleep 0.02; done');
  const source = `import { supervise } from ${JSON.stringify(join(scripts, 'prepare.mjs'))};
    console.log(await supervise(${JSON.stringify(hearing)}, [], process.env, 100));`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], { cwd: scripts });
  let stdout = '';
  let heardAt = 0;
  for await (const chunk of child.stdout) {
    stdout += chunk;
    if (/ready\n$/.test(stdout)) child.kill('SIGHUP');
    // Heard again three times its patience later, it was not killed for the first.
    if (/heard\n$/.test(stdout) && heardAt === 0) {
      heardAt = stdout.length;
      setTimeout(() => child.kill('SIGHUP'), 300);
    } else if (heardAt > 0 && stdout.length > heardAt) child.kill('SIGTERM');
  }
  expect(stdout).toMatch(/^ready\nheard\nheard\n/);
});

const scenario = JSON.stringify({
  duration_s: 1,
  bottleneck: { rate_bps: 1e7 },
  flows: [{ controller: 'cubic', rtt_ms: 20 }],
});
const root = resolve(scripts, '..');
/** As somebody's shell would: vitest itself runs under npm. */
const env = { ...process.env, npm_lifecycle_event: undefined, INIT_CWD: undefined, NODE_OPTIONS: undefined };

it.each([
  ['node', [join(scripts, 'routelab.mjs')]],
  ['npm', ['--prefix', root, 'run', '-s', 'lab', '--']],
])('called by %s, reads and writes in the folder of the user', async (program, args) => {
  const folderOfUser = mkdtempSync(join(folder, 'user-'));
  writeFileSync(join(folderOfUser, 'ok.json'), scenario);
  const command = [...args, 'sim', 'ok.json', '--trace', 'trace.csv'];
  const child = spawn(program, command, { cwd: folderOfUser, env, stdio: 'ignore' });
  expect((await once(child, 'close'))[0]).toBe(0);
  expect(readdirSync(folderOfUser).sort()).toEqual(['ok.json', 'trace.csv']);
});

it('ends what it started when npm is told to end', async () => {
  const server = ['server', '--listen', '127.0.0.1:0', '--data', 'lab'];
  const child = spawn('npm', ['--prefix', root, 'run', '-s', 'lab', '--', ...server], { cwd: folder, env });
  let stdout = '';
  for await (const chunk of child.stdout) {
    if (stdout === '') child.kill('SIGTERM');
    stdout += chunk;
  }
  // The pipe stays open for as long as any of them lives.
  expect(stdout).toMatch(/sessions +0/);
});

it('leaves standard output to the command when it has to install first', async () => {
  const talking = mkdtempSync(join(folder, 'talking-'));
  const npm = join(talking, 'npm');
  writeFileSync(npm, '#!/bin/sh\necho up to date\n');
  chmodSync(npm, 0o755);
  const checkout = mkdtempSync(join(folder, 'checkout-'));
  mkdirSync(join(checkout, 'scripts'));
  copyFileSync(join(scripts, 'prepare.mjs'), join(checkout, 'scripts/prepare.mjs'));
  writeFileSync(join(checkout, 'package-lock.json'), '{}');
  const source = `process.env.PATH = ${JSON.stringify(talking)} + ':' + process.env.PATH;
    const { ensureInstalled } = await import(${JSON.stringify(join(checkout, 'scripts/prepare.mjs'))});
    ensureInstalled();
    console.log('{}');`;
  const { stdout, stderr } = await evaluate(source);
  expect(stdout).toBe('{}\n');
  expect(stderr).toContain('up to date');
});
