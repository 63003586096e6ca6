/** The real Prometheus for tests, on a free port and a folder of its own. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { onTestFinished, type TestContext } from 'vitest';
import { temporaryDir } from '../lab/open-lab.ts';

/** Skips the test where a program is not installed. */
export function needs(context: TestContext, ...programs: ('prometheus' | 'promtool')[]): void {
  for (const program of programs)
    if (spawnSync(program, ['--version']).error) context.skip(`${program} is not installed`);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

export interface RealPrometheus {
  url: string;
  /** Values of an instant query, as Prometheus writes them. */
  query(expression: string): Promise<string[]>;
}

interface Setup {
  /** host:port of what is scraped. */
  targets?: readonly string[];
  interval?: string;
  /** OpenMetrics text that is in its database when it starts. */
  data?: string;
}

/** Resolves once it answers; ended with the test. */
export async function startPrometheus({
  targets = [],
  interval = '1s',
  data,
}: Setup): Promise<RealPrometheus> {
  const dir = temporaryDir();
  const config = join(dir, 'prometheus.yml');
  const listed = targets.map((target) => JSON.stringify(target)).join(', ');
  writeFileSync(
    config,
    `scrape_configs:\n  - job_name: routelab\n    scrape_interval: ${interval}\n    scrape_timeout: ${interval === '1s' ? '1s' : '5s'}\n    static_configs:\n      - targets: [${listed}]\n`,
  );
  const storage = join(dir, 'data');
  mkdirSync(storage);
  if (data !== undefined) {
    writeFileSync(join(dir, 'data.txt'), data);
    const made = spawnSync('promtool', [
      'tsdb',
      'create-blocks-from',
      'openmetrics',
      join(dir, 'data.txt'),
      storage,
    ]);
    if (made.status !== 0) throw new Error(`promtool: ${made.stderr}`);
  }
  const port = await freePort();
  const child = spawn(
    'prometheus',
    [
      `--config.file=${config}`,
      `--storage.tsdb.path=${storage}`,
      '--storage.tsdb.retention.time=100y',
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  onTestFinished(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  const log: string[] = [];
  const ready = Promise.withResolvers<void>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    log.push(line);
    if (line.includes('ready to receive web requests')) ready.resolve();
  });
  child.once('exit', () => ready.reject(new Error(`prometheus ended: ${log.join('\n')}`)));
  await ready.promise;
  const url = `http://127.0.0.1:${port}`;
  return {
    url,
    query: async (expression) => {
      const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expression)}`);
      const answer = (await response.json()) as { data: { result: { value: [number, string] }[] } };
      return answer.data.result.map(({ value }) => value[1]);
    },
  };
}
