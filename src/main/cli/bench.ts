/** `routelab bench NAME`: measurements of RouteLab itself, each as a ratio to a peer measured in the same run. */
import type { Command } from 'commander';
import { parseDuration } from '../../shared/units.ts';
import { benchEmulator } from './bench/emulator.ts';
import { serveStack } from './bench/endpoint.ts';
import { benchQuic } from './bench/quic.ts';
import { type Row, rowTable } from './bench/rows.ts';
import { parseChoice, parseNumber } from './options.ts';
import { print, printJson } from './output.ts';
import { makeFolder } from './writable.ts';

interface BenchOptions {
  /** Microseconds. */
  duration?: number;
  repeat?: number;
  quick?: true;
  profile?: string;
  json?: true;
}

/** Not part of the interface: the ends of measurements, in processes of their own. */
const ENDPOINTS: Record<string, () => Promise<void>> = {
  'relay-endpoint': async () => serveStack((await import('./bench/stacks/relay.ts')).relay()),
  'meter-endpoint': async () => serveStack((await import('./bench/stacks/meter.ts')).meter()),
  'dgram-endpoint': async () => serveStack((await import('./bench/stacks/dgram.ts')).dgram()),
  'quic-endpoint': async () => serveStack((await import('./bench/stacks/quic.ts')).quic()),
  'quiche-endpoint': async () => serveStack(await (await import('./bench/stacks/quiche.ts')).quiche()),
  'matrixai-endpoint': async () => serveStack(await (await import('./bench/stacks/matrixai.ts')).matrixai()),
};

/** Each resolves with its rows. */
const BENCHES: Record<string, (options: BenchOptions) => Promise<Row[]>> = {
  quic: ({ duration = 2e6, repeat, quick, profile }) => {
    if (profile !== undefined) makeFolder(profile, '--profile');
    return benchQuic({
      durationMs: duration / 1000,
      repeat: repeat ?? (quick ? 1 : 5),
      quick: quick === true,
      profile: profile ?? null,
    });
  },
  emulator: ({ quick }) => benchEmulator({ quick: quick === true }),
};

export function configure(command: Command): void {
  command
    .argument(
      '<name>',
      'quic: goodput, handshakes, memory and processor time over 127.0.0.1; emulator: the relay against its Link in ' +
        'virtual time',
      (text) => parseChoice(text, 'name', [...Object.keys(BENCHES), ...Object.keys(ENDPOINTS)]),
    )
    .option('--duration <time>', 'of each transfer (default 2s)', (text) =>
      parseDuration(text, '--duration', 's'),
    )
    .option('--repeat <n>', 'turns, whose median counts (default 5, with --quick 1)', (text) =>
      parseNumber(text, '--repeat', { min: 1, max: 100, integer: true }),
    )
    .option('--quick', 'fewer of everything: shows that it works rather than how fast')
    .option(
      '--profile <dir>',
      'write processor profiles of a download’s two ends, and show where the time went',
    )
    .action((name: string, options: BenchOptions) => (ENDPOINTS[name] ?? (() => bench(name, options)))());
}

async function bench(name: string, options: BenchOptions): Promise<void> {
  const rows = await BENCHES[name]!(options);
  if (rows.some((row) => row.ok === false)) process.exitCode = 1;
  if (options.json) printJson({ rows });
  else print(rowTable(rows));
}
