/** A real headless lab in a process of its own, as `routelab serve` starts it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { PingStats, Route, RouteStatus } from '../../src/shared/domain.ts';

const root = resolve(import.meta.dirname, '../..');

export interface TestLab {
  url: string;
  /** Ends the process and leaves the data. */
  kill(): Promise<void>;
  /** Starts it again on the same port with the same data, without the flags it was first started with. */
  restart(): Promise<void>;
  /** Ends the process and removes the data. */
  close(): Promise<void>;
  routes(): Promise<Route[]>;
  status(): Promise<RouteStatus[]>;
  stats(id: string, fromMs: number, toMs: number): Promise<PingStats>;
}

export const startLab = (...flags: string[]): Promise<TestLab> => startLabOn(() => {}, ...flags);

/** A lab whose data folder `prepare` has filled. */
export async function startLabOn(prepare: (dataDir: string) => void, ...flags: string[]): Promise<TestLab> {
  if (!existsSync(join(root, 'out/renderer/index.html'))) {
    throw new Error('The pages are not built: run npm run build first.');
  }
  const data = mkdtempSync(join(tmpdir(), 'routelab-e2e-'));
  prepare(data);
  let { url, kill } = await spawnLab(data, ['--port', '0', ...flags]);
  const get = async (path: string) => {
    const response = await fetch(`${url}/api/v1${path}`);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
  return {
    get url() {
      return url;
    },
    kill: () => kill(),
    async restart() {
      ({ url, kill } = await spawnLab(data, ['--port', new URL(url).port]));
    },
    async close() {
      await kill();
      rmSync(data, { recursive: true, force: true });
    },
    routes: () => get('/routes') as Promise<Route[]>,
    status: () => get('/routes/status') as Promise<RouteStatus[]>,
    stats: (id, fromMs, toMs) =>
      get(`/routes/${id}/stats?fromMs=${fromMs}&toMs=${toMs}`) as Promise<PingStats>,
  };
}

async function spawnLab(data: string, flags: string[]) {
  const child = spawn(
    process.execPath,
    [join(root, 'src/main/cli/main.ts'), 'serve', '--data', data, ...flags],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const exited = once(child, 'exit');
  let log = '';
  child.stderr.on('data', (chunk) => {
    log += chunk;
  });
  const url = await new Promise<string>((found, reject) => {
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
      const match = /http:\/\/\S+/.exec(out);
      if (match) found(match[0]);
    });
    exited.then(([code]) => reject(new Error(`serve ended with ${code}: ${log}`)));
  });
  let isAsked = false;
  exited.then(([code, signal]) => {
    // What the tests then say is only that nobody answers.
    if (!isAsked) console.error(`The lab at ${url} ended by itself (${code ?? signal}):\n${log}`);
  });
  return {
    url,
    async kill() {
      isAsked = true;
      child.kill('SIGTERM');
      await exited;
    },
  };
}
