import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryDir } from '../lab/open-lab.ts';
import { type Running, start as startProcess } from './run.ts';

const SECRET = 'correct horse battery staple, twice';

function start(env: Record<string, string>, ...args: string[]): Running {
  const running = startProcess(args, { DISPLAY: '', WAYLAND_DISPLAY: '', NO_COLOR: '1', ...env });
  onTestFinished(() => void running.child.kill('SIGKILL'));
  return running;
}

function configFile(text: string): string {
  const path = join(temporaryDir(), 'lab.yaml');
  writeFileSync(path, text);
  return path;
}

test('serve takes lab.yaml, with options and environment before it, and a token of routelab token', async () => {
  const file = configFile(`server: { port: 1, host: 127.0.0.2 }\nauth: { jwt_secret: "${SECRET}" }`);
  const env = { ROUTELAB_SERVER_HOST: '127.0.0.3' };
  const { child, line, finished } = start(
    env,
    ...['serve', '--config', file, '--port', '0', '--data', temporaryDir(), '--no-demo'],
  );
  const [, url] = await line(/^RouteLab runs at (\S+)/);
  expect(url).toMatch(/^http:\/\/127\.0\.0\.3:\d+$/);
  expect((await fetch(`${url}/api/v1/settings`)).status).toBe(401);
  const token = await start({}, 'token', '--config', file, '--expires', '1h').finished;
  expect(token.code).toBe(0);
  const headers = { authorization: `Bearer ${token.stdout.trim()}` };
  const settings = (await (await fetch(`${url}/api/v1/settings`, { headers })).json()) as {
    settings: { path: string; source: object }[];
  };
  const sourceOf = (path: string) => settings.settings.find((setting) => setting.path === path)!.source;
  expect(sourceOf('server.port')).toEqual({ kind: 'option', name: '--port', line: null });
  expect(sourceOf('server.host')).toEqual({ kind: 'environment', name: 'ROUTELAB_SERVER_HOST', line: null });
  expect(sourceOf('auth.jwt_secret')).toEqual({ kind: 'file', name: null, line: 2 });
  child.kill('SIGTERM');
  const { code, stdout, stderr } = await finished;
  expect(code).toBe(0);
  expect(stdout + stderr).not.toContain(SECRET);
});

test.each([
  ['an option', (file: string) => ({ args: ['--config', file], env: {} as Record<string, string> })],
  ['the environment', (file: string) => ({ args: [], env: { ROUTELAB_CONFIG: file } })],
])('SIGHUP reads the lab.yaml that %s names again and ends nothing', async (_by, name) => {
  const file = configFile('routes: []');
  const { args, env } = name(file);
  const { child, line, finished } = start(
    env,
    ...['serve', ...args, '--port', '0', '--data', temporaryDir(), '--no-demo'],
  );
  const [, url] = await line(/^RouteLab runs at (\S+)/);
  writeFileSync(file, 'routes: [{ id: r1, server: "127.0.0.1:9" }]');
  child.kill('SIGHUP');
  await expect
    .poll(async () =>
      ((await (await fetch(`${url}/api/v1/routes`)).json()) as { id: string }[]).map(({ id }) => id),
    )
    .toEqual(['r1']);
  child.kill('SIGTERM');
  expect((await finished).code).toBe(0);
});

test.each([
  ['server: { prot: 1 }', [], 'RL_CONFIG_INVALID', 'lab.yaml:1:11: server.prot: no such setting'],
  ['server: { host: 0.0.0.0 }', [], 'RL_INPUT_INVALID', 'auth.jwt_secret is not set'],
  ['{}', ['--config', '/nowhere/lab.yaml'], 'RL_FILE_UNREADABLE', '/nowhere/lab.yaml cannot be read'],
])('%s %j is exit code 2', async (text, more, code, message) => {
  const ended = await start({}, 'serve', '--config', configFile(text), '--data', temporaryDir(), ...more)
    .finished;
  expect(ended.code).toBe(2);
  expect(ended.stderr).toContain(code);
  expect(ended.stderr).toContain(message);
});

test('routelab token wants a secret, and a lifetime', async () => {
  expect((await start({}, 'token').finished).stderr).toContain('auth.jwt_secret: not set');
  const never = await start({ JWT_SECRET: SECRET }, 'token', '--expires', '0s').finished;
  expect(never).toMatchObject({ code: 2, stderr: expect.stringContaining('--expires: 0s is not') });
  const { stdout } = await start(
    { JWT_SECRET: SECRET },
    'token',
    '--subject',
    'x',
    '--expires',
    '30d',
    '--json',
  ).finished;
  const { token, expires_at } = JSON.parse(stdout) as { token: string; expires_at: string };
  const claims = JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
  expect(claims).toMatchObject({ iss: 'routelab', sub: 'x' });
  expect(claims.exp - claims.iat).toBe(30 * 86_400);
  expect(claims.exp * 1000).toBe(Date.parse(expires_at));
});
