/** What the interop cases ask of another QUIC stack, whichever it is, and how its programs are run. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

/** Debian puts some programs where only root looks. */
export const programEnv = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin:/usr/bin` };

/** The case cannot be run with this peer; not a failure of either. */
export class NotApplicable extends Error {}

/** What both ends of a case work with: PEM files and the folder that is served. */
export interface Workplace {
  /** Of the authority, the server's chain and its key. */
  ca: string;
  cert: string;
  key: string;
  www: string;
  /** A folder that nobody else writes to, for what is fetched. */
  folder(): string;
}

interface ServeOptions {
  host: string;
  retry: boolean;
  /** Folder for a qlog of each connection. */
  qlog?: string;
}

interface PeerServer {
  port: number;
  close(): Promise<void>;
}

interface FetchOptions {
  host: string;
  port: number;
  alpn: string;
  paths: readonly string[];
  /** Where the files go. */
  out: string;
  /** Connect twice, the second time with the session of the first; and send the second's requests as early data. */
  again: boolean;
  early: boolean;
  /** Send ten DATAGRAMs and wait for their echoes. */
  datagrams: boolean;
  /** Move to another port, or be moved by a NAT, while it goes on. */
  migrate: boolean;
  keyUpdate: boolean;
  /** Begin with a version that does not exist. */
  unknownVersion: boolean;
  signal: AbortSignal;
}

export interface Peer {
  name: string;
  /** ALPN tokens it speaks, preferred first. */
  alpn: readonly string[];
  /** Null where it can run; else what is missing. */
  missing(): string | null;
  /** Starts its server; absent when it has none. */
  serve?(place: Workplace, options: ServeOptions): Promise<PeerServer>;
  /** Runs its client to the end; throws with its output when it failed. Throws NotApplicable for what it has no option for. */
  fetch?(place: Workplace, options: FetchOptions): Promise<void>;
}

/** Programs that run; none outlives this process, however that ends. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

function launch(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { env: programEnv, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

export const isInstalled = (command: string): boolean =>
  spawnSync(command, ['--help'], { env: programEnv }).error === undefined;

const OUTPUT_KEPT = 4000;

/** What is kept of a program's output: its last characters, of both streams unless told otherwise. */
interface Keep {
  keep?: number;
  stdoutOnly?: boolean;
}

function collect(child: ChildProcess, { keep = OUTPUT_KEPT, stdoutOnly = false }: Keep = {}): () => string {
  let text = '';
  for (const stream of stdoutOnly ? [child.stdout] : [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      if (text.length > keep) text = text.slice(-keep);
    });
  }
  if (stdoutOnly) child.stderr?.resume();
  return () => text.trim();
}

/** Runs a program to its end; throws with its last words when it fails or is called off. */
export async function runProgram(
  command: string,
  args: readonly string[],
  signal: AbortSignal,
  keep: Keep = {},
): Promise<string> {
  const child = launch(command, args);
  const output = collect(child, keep);
  const kill = (): void => void child.kill('SIGKILL');
  signal.addEventListener('abort', kill, { once: true });
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    if (signal.aborted) throw new Error(`not done in time: ${output()}`);
    if (code !== 0) throw new Error(`${command} ended with ${code}: ${output()}`);
    return output();
  } finally {
    signal.removeEventListener('abort', kill);
  }
}

/** Starts a server program; `close` throws when it had ended before. With `ready`, waits until its output shows it. */
export async function startProgram(
  command: string,
  args: readonly string[],
  ready: { test(output: string): boolean } | null,
): Promise<{ close(): Promise<void> }> {
  const child = launch(command, args);
  const output = collect(child);
  const ended = once(child, 'close');
  await once(child, 'spawn');
  while (ready && !ready.test(output())) {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}: ${output()}`);
    await Promise.race([once(child.stdout!, 'data'), once(child.stderr!, 'data'), ended]);
  }
  return {
    close: async () => {
      const died = child.exitCode;
      child.kill('SIGKILL');
      await ended;
      if (died !== null) throw new Error(`${command} ended by itself with ${died}: ${output()}`);
    },
  };
}

/** A UDP port that was free a moment ago. */
export async function freePort(host = '127.0.0.1'): Promise<number> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  socket.bind(0, host);
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  await once(socket, 'close');
  return port;
}
