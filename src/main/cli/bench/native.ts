/**
 * Programs of ours that Node cannot be: compiled from resources/bench when they are first wanted, run as children that end
 * when their standard input does, and so with this process however it ends.
 */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { LabError } from '../../../shared/errors.ts';
import { programEnv } from '../interop/peer.ts';

const root = resolve(import.meta.dirname, '../../../..');
const SOURCES = join(root, 'resources/bench');
const CACHE = join(root, '.cache/bench');

/** Whether `command` can be started at all. */
export const canStart = (command: string, args: readonly string[] = ['--version']): boolean =>
  spawnSync(command, args, { env: programEnv, stdio: 'ignore' }).error === undefined;

/**
 * Path of the program made of resources/bench/`source` by `compiler`, compiled once for each change of its source. Throws
 * RL_INTERNAL with what the compiler says.
 */
export function build(source: string, compiler: string, flags: readonly string[] = []): string {
  const from = join(SOURCES, source);
  const program = join(CACHE, basename(source).replace(/\.\w+$/, ''));
  if (existsSync(program) && statSync(program).mtimeMs > statSync(from).mtimeMs) return program;
  mkdirSync(CACHE, { recursive: true });
  const fresh = `${program}.${process.pid}`;
  const { status, stderr, error } = spawnSync(compiler, ['-O2', '-Wall', '-o', fresh, from, ...flags], {
    env: programEnv,
    encoding: 'utf8',
  });
  if (status !== 0)
    throw new LabError('RL_INTERNAL', `${source} does not build: ${error?.message ?? stderr}`);
  renameSync(fresh, program);
  return program;
}

/** A program that runs until it is told to end, or does so itself. */
export class Child {
  readonly pid: number;
  readonly #name: string;
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #ended: Promise<unknown>;
  #output = '';
  #complaint = '';

  constructor(command: string, args: readonly string[]) {
    this.#name = `${basename(command)} ${args.join(' ')}`;
    // A session of its own: Ctrl-C is for us, who then take down in order what the child holds.
    this.#process = spawn(command, args, {
      env: programEnv,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    this.#process.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#output += text;
    });
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint += text;
    });
    // Gone before its input was closed: `end` tells how.
    this.#process.stdin.on('error', () => {});
    this.#ended = once(this.#process, 'close');
    this.#ended.catch(() => {});
    this.pid = this.#process.pid ?? 0;
  }

  /** Resolves with its first line once that begins with "ready". */
  async ready(): Promise<string> {
    while (!this.#output.includes('\n')) {
      await Promise.race([once(this.#process.stdout, 'data'), this.#ended]);
      if (this.#process.exitCode !== null || this.#process.signalCode !== null || this.pid === 0)
        throw this.#failure();
    }
    const [line = ''] = this.#output.split('\n', 1);
    if (!line.startsWith('ready')) throw this.#failure();
    return line;
  }

  /** Closes its input, and waits until it has ended. Resolves with all it printed; throws RL_INTERNAL when it failed. */
  async end(): Promise<string> {
    this.#process.stdin.end();
    return this.finish();
  }

  /** Waits until it ends by itself. Resolves and throws as `end`. */
  async finish(): Promise<string> {
    await this.#ended;
    if (this.#process.exitCode !== 0) throw this.#failure();
    return this.#output;
  }

  #failure(): LabError {
    const { exitCode, signalCode } = this.#process;
    return new LabError(
      'RL_INTERNAL',
      `${this.#name} ended with ${exitCode ?? signalCode}: ${this.#complaint.trim()}`,
    );
  }
}
