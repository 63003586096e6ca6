import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { temporaryDir } from '../lab/open-lab.ts';
import { type Running, start as startProcess } from './run.ts';

/** The command on a machine without a display; ended with the test. */
function start(...args: string[]): Running {
  const running = startProcess(args, { DISPLAY: '', WAYLAND_DISPLAY: '', NO_COLOR: '1' });
  onTestFinished(() => void running.child.kill('SIGKILL'));
  return running;
}

describe('routelab serve', () => {
  test('a first run without a display starts the demo, shows its routes, and ends at Ctrl-C', async () => {
    const { child, line, finished } = start('serve', '--port', '0', '--data', temporaryDir());
    const [, url] = await line(/^RouteLab runs at (\S+)/);
    await line(/^LAN {2}emulated {2}up {2}RTT p50 \d+\.\d ms/);
    const routes = (await (await fetch(`${url}/api/v1/routes`)).json()) as unknown[];
    expect(routes).toHaveLength(6);
    child.kill('SIGINT');
    const { code, stdout, stderr } = await finished;
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('Stopped.');
    expect(stderr).not.toMatch(/ {4}at /);
  });

  test('killed in the middle, it loses no more than the last moment, and the next one goes on', async () => {
    const data = temporaryDir();
    const killed = start('serve', '--port', '0', '--data', data, '--demo');
    const [, url] = await killed.line(/^RouteLab runs at (\S+)/);
    await killed.line(/^LAN {2}emulated {2}up {2}RTT/);
    type Status = { routeId: string; ping: { toMs: number; sent: number } | null };
    const before = (await (await fetch(`${url}/api/v1/routes/status`)).json()) as Status[];
    const lan = before.find(({ routeId }) => routeId === 'demo-lan')!;
    killed.child.kill('SIGKILL');
    await killed.finished;

    const next = start('serve', '--port', '0', '--data', data);
    const [, again] = await next.line(/^RouteLab runs at (\S+)/);
    const window = `fromMs=${lan.ping!.toMs - 60_000}&toMs=${lan.ping!.toMs}`;
    const stored = await fetch(`${again}/api/v1/routes/demo-lan/stats?${window}`);
    // Whatever it had said is in the store.
    expect(await stored.json()).toMatchObject({ sent: lan.ping!.sent });
    const { experiments } = (await (await fetch(`${again}/api/v1/experiments`)).json()) as {
      experiments: { id: number }[];
    };
    const runs = await Promise.all(
      experiments.map(async ({ id }) => (await fetch(`${again}/api/v1/experiments/${id}/runs`)).json()),
    );
    const states = (runs as { runs: { state: string }[] }[])
      .flatMap(({ runs: each }) => each)
      .map(({ state }) => state)
      .sort();
    expect(states).toEqual([...Array(6).fill('interrupted'), ...Array(6).fill('running')]);
    await next.line(/^LAN {2}emulated {2}up {2}RTT/);
    next.child.kill('SIGINT');
    expect((await next.finished).code).toBe(0);
  });

  test('--no-demo starts none; --json leaves standard output to one object', async () => {
    const { child, line, finished } = start(
      'serve',
      '--port',
      '0',
      '--data',
      temporaryDir(),
      '--no-demo',
      '--json',
    );
    const [, url] = await line(/^RouteLab runs at (\S+)/);
    expect(await (await fetch(`${url}/api/v1/routes`)).json()).toEqual([]);
    child.kill('SIGTERM');
    const { code, stdout, stderr } = await finished;
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ url, routes: [], duration_s: expect.any(Number) });
  });

  test('a port in use is exit code 2, with the setting to change', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    onTestFinished(() => void holder.close());
    const { port } = holder.address() as { port: number };
    const { finished } = start('serve', '--port', String(port), '--data', temporaryDir(), '--json');
    const { code, stdout, stderr } = await finished;
    expect(code, stderr).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ code: 'RL_PORT_IN_USE', field: 'port' });
    expect(stderr).toContain('--port');
  });

  test.each([
    { args: ['--port', '70000'], field: '--port' },
    { args: ['--host', '0.0.0.0'], field: 'host' },
  ])('refuses $args', async ({ args, field }) => {
    const { finished } = start('serve', '--data', temporaryDir(), '--json', ...args);
    const { code, stdout, stderr } = await finished;
    expect(code, stderr).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ code: 'RL_INPUT_INVALID', field });
  });
});

describe('routelab demo', () => {
  test('measures six emulated routes and reports them', async () => {
    const { finished } = start('demo', '--duration', '4s', '--json');
    const { code, stdout, stderr } = await finished;
    expect(code, stderr).toBe(0);
    const { routes } = JSON.parse(stdout) as { routes: Record<string, unknown>[] };
    expect(routes.map(({ name }) => name)).toEqual([
      'LAN',
      'LTE',
      'Satellite',
      'Bufferbloat',
      'Lossy Wi-Fi',
      'Flapping',
    ]);
    for (const route of routes) expect(route).toMatchObject({ emulated: true, rtt_ms: expect.anything() });
  });
});
