/** `routelab compare-tcp`: QUIC against the kernel's TCP over one emulated path, with a server of its own at its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Command } from 'commander';
import { controllerNamed, type Emulation } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { openRelay } from '../path/relay/capacity.ts';
import { StreamRelay } from '../path/relay/stream-relay.ts';
import { COMPARED_MODES } from '../probe/transport-turns.ts';
import { describePath } from './emulate/describe.ts';
import { configurePath, emulationOf, type PathOptions } from './emulate/path-options.ts';
import { programEnv } from './interop/peer.ts';
import { onInterrupt } from './interrupt.ts';
import { parseChoice, parseNumber } from './options.ts';
import { note } from './output.ts';
import { kernelControls, Tunnel, tunnelMissing } from './tunnel.ts';

interface CompareCommandOptions extends PathOptions {
  path?: 'tunnel' | 'relay';
  seed?: number;
  mode?: string;
  pairs?: string;
  duration?: string;
  bytes?: string;
  congestion?: string;
  tcpCongestion?: string;
  json?: true;
}

const MAIN = join(import.meta.dirname, 'main.ts');
const PORT = 4433;
const ATTEMPTS = 5;

export function configure(command: Command): void {
  configurePath(command);
  command
    .option(
      '--path <kind>',
      'tunnel: each packet of both through the emulator (Linux, root); relay: TCP as a stream, its losses modelled (default: tunnel where it can be made)',
      (text) => parseChoice(text, '--path', ['tunnel', 'relay'] as const),
    )
    .option('--mode <mode>', `${COMPARED_MODES.join(', ')} (default download)`)
    .option('--pairs <n>', 'turns of each (default 8)')
    .option('--duration <time>', 'of each transfer (default 5s)')
    .option('--bytes <size>', 'payload of each transfer')
    .option('--congestion <name>', 'controller of QUIC (default cubic)')
    .option(
      '--tcp-congestion <name>',
      'of the kernel’s TCP in a tunnel (default: the one of QUIC where the machine allows it, else the machine’s)',
    )
    .option('--seed <n>', 'of losses and of the order of turns (default: a random one, shown)', (text) =>
      parseNumber(text, '--seed', { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true }),
    )
    .addHelpText('after', '\nExample: compare-tcp --rate 20mbit --rtt 40ms --buffer 1bdp --loss 0.5%')
    .action(run);
}

/** Where the two programs run, and how the near one reaches the far one. */
interface Ends {
  target: { host: string; port: number };
  listen: string;
  at(end: 'near' | 'far', command: readonly string[]): readonly string[];
  /** Once the server listens. */
  open(port: number): Promise<void>;
  close(): Promise<void>;
}

async function run(options: CompareCommandOptions): Promise<void> {
  const emulation = emulationOf(options);
  const seed = options.seed ?? randomInt(2 ** 32);
  const missing = tunnelMissing();
  if (options.path === 'tunnel' && missing !== null)
    throw new LabError('RL_INPUT_INVALID', `--path: no tunnel can be made here: ${missing}`, {
      field: '--path',
    });
  const isTunnel = options.path === undefined ? missing === null : options.path === 'tunnel';
  note(`${describePath(emulation)}, seed ${seed}, ${isTunnel ? 'as a tunnel' : 'as relays'}`);
  if (!isTunnel && options.tcpCongestion !== undefined)
    throw new LabError('RL_USAGE', '--tcp-congestion is for a tunnel: elsewhere TCP has the machine’s');
  if (!isTunnel && missing !== null) note(`no tunnel: ${missing}`);
  const interrupt = onInterrupt();
  const data = mkdtempSync(join(tmpdir(), 'routelab-compare-'));
  const ends = isTunnel ? await tunnelEnds(emulation, seed, controlOf(options)) : relayEnds(emulation, seed);
  const children: ChildProcess[] = [];
  const start = (end: 'near' | 'far', args: readonly string[], output: 'pipe' | 'inherit'): ChildProcess => {
    const [command, ...rest] = ends.at(end, [process.execPath, MAIN, ...args]);
    const child = spawn(command!, rest, { env: programEnv, stdio: ['ignore', output, output] });
    children.push(child);
    return child;
  };
  try {
    const listen = `${ends.listen}:${isTunnel ? PORT : 0}`;
    const server = start(
      'far',
      ['server', '--listen', listen, '--tcp', '--clients-choose', '--data', data, '--json'],
      'pipe',
    );
    await ends.open(await portOf(server));
    const { host, port } = ends.target;
    const given = (['mode', 'pairs', 'duration', 'bytes', 'congestion'] as const).flatMap((name) =>
      options[name] === undefined ? [] : [`--${name}`, options[name]],
    );
    const probe = ['probe', `${host}:${port}`, '--compare-tcp', '--server-name', 'localhost', '--data', data];
    const path = isTunnel ? 'tunnel' : 'stream relay';
    const marks = [
      '--emulated',
      '--tcp-path',
      path,
      '--seed',
      String(seed),
      ...(options.json ? ['--json'] : []),
    ];
    const prober = start('near', [...probe, ...given, ...marks], 'inherit');
    // It ends with what was measured by then, as it does by itself where Ctrl-C reaches it too.
    const end = (): void => void prober.kill('SIGINT');
    interrupt.signal.addEventListener('abort', end);
    if (interrupt.signal.aborted) end();
    const [code] = await once(prober, 'close');
    // It may have been too young to end by itself.
    process.exitCode = code ?? (interrupt.signal.aborted ? 130 : 5);
  } finally {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'close');
    }
    await ends.close();
    rmSync(data, { recursive: true, force: true });
    interrupt.dispose();
  }
}

/** Our controllers as the kernel calls them. */
const KERNEL_NAMES: Readonly<Record<string, string>> = { cubic: 'cubic', newreno: 'reno', bbr1: 'bbr' };

function controlOf({ tcpCongestion, congestion = 'cubic' }: CompareCommandOptions): string | null {
  if (tcpCongestion !== undefined) return tcpCongestion;
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
async function portOf(server: ChildProcess): Promise<number> {
  for await (const line of createInterface({ input: server.stderr! })) {
    const port = /^listening on .*:(\d+) \(TCP\)/.exec(line)?.[1];
    if (port !== undefined) return Number(port);
    if (line.startsWith('error')) note(line);
  }
  throw new LabError('RL_INTERNAL', 'The server at the end of the path did not start');
}
