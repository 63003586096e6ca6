/** Runs the real command line in a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

const MAIN = new URL('../../src/main/cli/main.ts', import.meta.url).pathname;

export interface Finished {
  code: number | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  child: ChildProcess;
  finished: Promise<Finished>;
  /** Resolves with the first line of either stream that matches; rejects when the process ends without one. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
}

export function start(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  stdin: 'ignore' | 'pipe' = 'ignore',
): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: [stdin, 'pipe', 'pipe'],
    env: { ...process.env, FORCE_COLOR: undefined, NODE_OPTIONS: undefined, ...env },
  });
  const lines: string[] = [];
  const waiting = new Set<(line: string) => void>();
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]!.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
    createInterface({ input: child[name]! }).on('line', (line) => {
      lines.push(line);
      for (const look of waiting) look(line);
    });
  }
  const finished = new Promise<Finished>((resolve) => {
    child.on('close', (code) => resolve({ code, ...text }));
  });
  const line = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (candidate: string): void => {
        const match = pattern.exec(candidate);
        if (match === null) return;
        waiting.delete(look);
        resolve(match);
      };
      waiting.add(look);
      for (const known of lines) look(known);
      void finished.then((end) => reject(new Error(`ended without ${pattern}: ${JSON.stringify(end)}`)));
    });
  return { child, finished, line };
}

export const run = (args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Finished> =>
  start(args, env).finished;

/** A `routelab server` and the port it took. */
export async function startServer(
  args: readonly string[],
  data: string,
): Promise<Running & { port: number }> {
  const server = start(['server', '--listen', '127.0.0.1:0', '--data', data, ...args]);
  const [, port] = await server.line(/^listening on .*:(\d+) \(UDP\)/);
  return { ...server, port: Number(port) };
}
