/** `routelab bench NAME`: measurements of RouteLab itself, each as a ratio to a peer measured in the same run. */
import type { Command } from 'commander';
import { parseDuration } from '../../shared/units.ts';
import { CASE_LEGEND } from './bench/cases.ts';
import { benchCongestion, CONGESTION_PARTS } from './bench/congestion.ts';
import { benchEmulator } from './bench/emulator.ts';
import { emulatorAgainstKernel } from './bench/emulator-kernel.ts';
import { serveStack } from './bench/endpoint.ts';
import { benchExporter } from './bench/exporter.ts';
import { benchFec } from './bench/fec.ts';
import { benchQuic } from './bench/quic.ts';
import { type Row, rowTable, unjudged } from './bench/rows.ts';
import { benchSim } from './bench/sim.ts';
import { benchStore } from './bench/store.ts';
import { parseChoice, parseNumber } from './options.ts';
import { print, printJson } from './output.ts';
import { makeFolder } from './writable.ts';

interface BenchOptions {
  /** Microseconds. */
  duration?: number;
  repeat?: number;
  quick?: true;
  profile?: string;
  only?: (typeof CONGESTION_PARTS)[number];
  json?: true;
}

/** Not part of the interface: the ends of measurements, in processes of their own. */
const ENDPOINTS: Record<string, () => Promise<void>> = {
  'relay-endpoint': async () => serveStack((await import('./bench/stacks/relay.ts')).relay()),
  'meter-endpoint': async () => serveStack((await import('./bench/stacks/meter.ts')).meter()),
  'dgram-endpoint': async () => serveStack((await import('./bench/stacks/dgram.ts')).dgram()),
  'quic-endpoint': async () => serveStack((await import('./bench/stacks/quic.ts')).quic()),
  'quiche-endpoint': async () => serveStack(await (await import('./bench/stacks/quiche.ts')).quiche()),
  'sim-endpoint': async () => serveStack((await import('./bench/stacks/sim.ts')).sim()),
  'exporter-endpoint': async () => serveStack((await import('./bench/stacks/exporter.ts')).exporterStack()),
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
  congestion: ({ duration = 20e6, quick, only }) =>
    benchCongestion({ durationMs: duration / 1000, quick: quick === true, only: only ?? null }),
  sim: ({ repeat, quick }) => benchSim({ repeat: repeat ?? (quick ? 1 : 5), quick: quick === true }),
  store: ({ quick }) => benchStore({ quick: quick === true }),
  exporter: ({ repeat, quick }) =>
    benchExporter({ repeat: repeat ?? (quick ? 1 : 5), quick: quick === true }),
  fec: async ({ repeat, quick }) => benchFec({ repeat: repeat ?? (quick ? 1 : 5), quick: quick === true }),
  emulator: async ({ quick }) => [
    ...(await benchEmulator({ quick: quick === true })),
    ...(await emulatorAgainstKernel(quick ? 2 : 10)),
  ],
};

export function configure(command: Command): void {
  command
    .argument(
      '<name>',
      'quic: goodput, handshakes, memory and processor time over 127.0.0.1; congestion: controllers and simulator against ' +
        'published results, and one path simulated, emulated and in the kernel; sim: the simulator, against ns-3; ' +
        'emulator: the relay against its Link in virtual time and a path in the kernel; exporter: what /metrics costs; ' +
        'fec: encoding and recovering, against one XOR pass; ' +
        'store: ten million pings stored, rolled up, charted and deleted, against better-sqlite3 alone',
      (text) => parseChoice(text, 'name', [...Object.keys(BENCHES), ...Object.keys(ENDPOINTS)]),
    )
    .option('--duration <time>', 'of each transfer (default 2s, of congestion 20s)', (text) =>
      parseDuration(text, '--duration', 's'),
    )
    .option('--repeat <n>', 'turns, whose median counts (default 5, with --quick 1)', (text) =>
      parseNumber(text, '--repeat', { min: 1, max: 100, integer: true }),
    )
    .option('--quick', 'fewer of everything: shows that it works; its figures do not judge speed')
    .option('--only <part>', `of congestion: ${CONGESTION_PARTS.join(' or ')}`, (text) =>
      parseChoice(text, '--only', CONGESTION_PARTS),
    )
    .option(
      '--profile <dir>',
      'write processor profiles of a download’s two ends, and show where the time went',
    )
    .action((name: string, options: BenchOptions) => (ENDPOINTS[name] ?? (() => bench(name, options)))());
}

async function bench(name: string, options: BenchOptions): Promise<void> {
  const measured = await BENCHES[name]!(options);
  // Bands of simulated cases hold however few they are; speed and delays take time to tell.
  const isUnjudged = options.quick === true && name !== 'congestion';
  const rows = isUnjudged ? unjudged(measured) : measured;
  if (rows.some((row) => row.ok === false)) process.exitCode = 1;
  if (options.json) printJson({ rows });
  else {
    print(rowTable(rows));
    if (name === 'congestion' && options.only !== 'carriers') print(`\n${CASE_LEGEND}`);
    if (isUnjudged) print('\nA quick run shows that it works; its figures do not judge speed.');
  }
}
