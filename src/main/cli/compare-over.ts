/** One comparison of QUIC with the kernel's TCP: `routelab server` and `probe --compare-tcp` as processes at the ends of an emulated path. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { controllerNamed, type Emulation } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { openRelay } from '../path/relay/capacity.ts';
import { StreamRelay } from '../path/relay/stream-relay.ts';
import { programEnv } from './interop/peer.ts';
import { note } from './output.ts';
import { kernelControls, Tunnel } from './tunnel.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const PORT = 4433;
const ATTEMPTS = 5;

/** Where the two programs run, and how the near one reaches the far one. */
interface Ends {
  target: { host: string; port: number };
  listen: string;
  at(end: 'near' | 'far', command: readonly string[]): readonly string[];
  /** Once the server listens. */
  open(port: number): Promise<void>;
  close(): Promise<void>;
}

/** One comparison over a path of its own, and how it is told. */
interface Comparing {
  emulation: Emulation;
  seed: number;
  isTunnel: boolean;
  /** Of the kernel's TCP in a tunnel; null: that of QUIC where the machine allows it, else the machine's. */
  tcpCongestion: string | null;
  /** Of QUIC. */
  congestion: string | undefined;
  /** Options of `probe`, as they are written. */
  given: Partial<Record<'mode' | 'pairs' | 'duration' | 'bytes' | 'congestion', string | undefined>>;
  signal: AbortSignal;
  /** `json` hands over what `probe --json` prints, of `told json` the terminal has its notes; else the terminal has it all. */
  output: 'json' | 'told json' | 'terminal' | 'terminal json';
}

/** Resolves with the exit code of the probe, and what it printed as JSON. */
export async function compareOver(of: Comparing): Promise<{ code: number; stdout: string }> {
  const { emulation, seed, isTunnel, given, signal, output } = of;
  const data = mkdtempSync(join(tmpdir(), 'routelab-compare-'));
  const control = isTunnel ? controlOf(of) : null;
  const ends = isTunnel ? await tunnelEnds(emulation, seed, control) : relayEnds(emulation, seed);
  const children: ChildProcess[] = [];
  const start = (
    end: 'near' | 'far',
    args: readonly string[],
    stdio: ('pipe' | 'inherit')[],
  ): ChildProcess => {
    const [command, ...rest] = ends.at(end, [process.execPath, MAIN, ...args]);
    const child = spawn(command!, rest, { env: programEnv, stdio: ['ignore', ...stdio] });
    children.push(child);
    return child;
  };
  try {
    const listen = `${ends.listen}:${isTunnel ? PORT : 0}`;
    const server = start(
      'far',
      ['server', '--listen', listen, '--tcp', '--clients-choose', '--data', data, '--json'],
      ['pipe', 'pipe'],
    );
    await ends.open(await portOf(server));
    const { host, port } = ends.target;
    const options = Object.entries(given).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, value],
    );
    const probe = ['probe', `${host}:${port}`, '--compare-tcp', '--server-name', 'localhost', '--data', data];
    const path = isTunnel ? 'tunnel' : 'stream relay';
    const json = output === 'terminal' ? [] : ['--json'];
    const marks = ['--emulated', '--tcp-path', path, '--seed', String(seed), ...json];
    const prober = start(
      'near',
      [...probe, ...options, ...marks],
      [output.startsWith('terminal') ? 'inherit' : 'pipe', output === 'json' ? 'pipe' : 'inherit'],
    );
    const printed = prober.stdout === null ? '' : text(prober.stdout);
    prober.stderr?.resume();
    // It ends with what was measured by then, as it does by itself where Ctrl-C reaches it too.
    const end = (): void => void prober.kill('SIGINT');
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    const [code] = await once(prober, 'close');
    signal.removeEventListener('abort', end);
    // It may have been too young to end by itself.
    return { code: code ?? (signal.aborted ? 130 : 5), stdout: await printed };
  } finally {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'close');
    }
    await ends.close();
    rmSync(data, { recursive: true, force: true });
  }
}

/** Our controllers as the kernel calls them. */
const KERNEL_NAMES: Readonly<Record<string, string>> = { cubic: 'cubic', newreno: 'reno', bbr1: 'bbr' };

function controlOf({ tcpCongestion, congestion = 'cubic' }: Comparing): string | null {
  if (tcpCongestion !== null) return tcpCongestion;
  const same = KERNEL_NAMES[controllerNamed(congestion, '--congestion')];
  return same !== undefined && kernelControls().includes(same) ? same : null;
}

async function tunnelEnds(emulation: Emulation, seed: number, tcpCongestion: string | null): Promise<Ends> {
  const tunnel = await Tunnel.open(emulation, seed, tcpCongestion);
  return {
    target: { host: tunnel.host, port: PORT },
    listen: tunnel.host,
    at: (end, command) => tunnel.at(end, command),
    open: async () => {},
    close: () => tunnel.close(),
  };
}

function relayEnds(emulation: Emulation, seed: number): Ends {
  const closers: (() => Promise<void>)[] = [];
  const target = { host: '127.0.0.1', port: 0 };
  return {
    target,
    listen: '127.0.0.1',
    at: (_end, command) => command,
    open: async (port) => {
      const to = { host: '127.0.0.1', port };
      for (let attempt = 1; target.port === 0; attempt++) {
        const relay = await openRelay({ listen: { ...target }, to, emulation, seed });
        try {
          const listen = { host: relay.host, port: relay.port };
          const streams = await StreamRelay.open({ listen, to, relay });
          closers.push(
            () => streams.close(),
            () => relay.close(),
          );
          target.port = relay.port;
        } catch (error) {
          await relay.close();
          // The number of a free port of UDP may be taken for TCP.
          if (attempt === ATTEMPTS) throw error;
        }
      }
    },
    close: async () => {
      for (const close of closers) await close();
    },
  };
}

/** Of a `server --json`, whose standard error says where it listens; passed on are its errors only. */
export async function portOf(server: ChildProcess): Promise<number> {
  try {
    for await (const line of createInterface({ input: server.stderr! })) {
      const port = /^listening on .*:(\d+) \(TCP\)/.exec(line)?.[1];
      if (port !== undefined) return Number(port);
      if (line.startsWith('error')) note(line);
    }
  } finally {
    // It goes on telling what it does: pipes that nobody reads fill up, and hold it there.
    server.stdout!.resume();
    server.stderr!.resume();
  }
  throw new LabError('RL_INTERNAL', 'The server at the end of the path did not start');
}
