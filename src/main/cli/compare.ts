/** `routelab compare-tcp`: QUIC against the kernel's TCP over one emulated path, with a server of its own at its end. */
import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import { controllerNamed, type Emulation } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { CompareSettings } from '../../shared/shared-paths.ts';
import { COMPARED_MODES } from '../probe/transport-turns.ts';
import { measureCells } from './cells.ts';
import { compareOver } from './compare-over.ts';
import { describePath } from './emulate/describe.ts';
import { configurePath, emulationOf, type PathOptions } from './emulate/path-options.ts';
import { DATA_HELP } from './experiment-store.ts';
import { onInterrupt } from './interrupt.ts';
import { parseChoice, parseNumber } from './options.ts';
import { note } from './output.ts';
import { parseSeconds } from './seconds.ts';
import { tunnelMissing } from './tunnel.ts';

interface CompareCommandOptions extends PathOptions {
  path?: 'tunnel' | 'relay';
  seed?: number;
  mode?: string;
  pairs?: string;
  duration?: string;
  bytes?: string;
  congestion?: string;
  tcpCongestion?: string;
  repeat?: number;
  report?: string;
  data?: string;
  json?: true;
}

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
    .option(
      '--repeat <n>',
      'as an experiment: the whole comparison so often, each a run that is kept',
      (value) => parseNumber(value, '--repeat', { min: 1, max: 1000, integer: true }),
    )
    .option('--report <file>', 'with --repeat: write a report there')
    .option('--data <dir>', `with --repeat: ${DATA_HELP}`)
    .addHelpText('after', '\nExample: compare-tcp --rate 20mbit --rtt 40ms --buffer 1bdp --loss 0.5%')
    .action(run);
}

async function run(options: CompareCommandOptions): Promise<void> {
  const emulation = emulationOf(options);
  const missing = tunnelMissing();
  if (options.path === 'tunnel' && missing !== null)
    throw new LabError('RL_INPUT_INVALID', `--path: no tunnel can be made here: ${missing}`, {
      field: '--path',
    });
  const isTunnel = options.path === undefined ? missing === null : options.path === 'tunnel';
  if (!isTunnel && options.tcpCongestion !== undefined)
    throw new LabError('RL_USAGE', '--tcp-congestion is for a tunnel: elsewhere TCP has the machine’s');
  if (options.repeat !== undefined) return runRepeatedly(options, emulation, isTunnel);
  for (const name of ['report', 'data'] as const)
    if (options[name] !== undefined) throw new LabError('RL_USAGE', `--${name} is for --repeat`);
  const seed = options.seed ?? randomInt(2 ** 32);
  note(`${describePath(emulation)}, seed ${seed}, ${isTunnel ? 'as a tunnel' : 'as relays'}`);
  if (!isTunnel && missing !== null) note(`no tunnel: ${missing}`);
  const { mode, pairs, duration, bytes, congestion, tcpCongestion = null } = options;
  const interrupt = onInterrupt();
  const { code } = await compareOver({
    emulation,
    seed,
    isTunnel,
    tcpCongestion,
    congestion,
    given: { mode, pairs, duration, bytes, congestion },
    signal: interrupt.signal,
    output: options.json ? 'terminal json' : 'terminal',
  }).finally(() => interrupt.dispose());
  process.exitCode = code;
}

/** An experiment, of which each comparison is a run. */
async function runRepeatedly(
  options: CompareCommandOptions,
  emulation: Emulation,
  isTunnel: boolean,
): Promise<void> {
  const { mode, pairs, duration, congestion, tcpCongestion, repeat, seed, report, data, json } = options;
  if (options.bytes !== undefined)
    throw new LabError('RL_USAGE', '--bytes does not go with --repeat: give --duration');
  const settings = CompareSettings.parse({
    emulation,
    path: isTunnel ? 'tunnel' : 'relay',
    repeat,
    ...(mode !== undefined && { mode: parseChoice(mode, '--mode', COMPARED_MODES) }),
    ...(pairs !== undefined && {
      pairs: parseNumber(pairs, '--pairs', { min: 1, max: 10_000, integer: true }),
    }),
    ...(duration !== undefined && { durationS: parseSeconds('--duration', 0.5, 600)(duration) }),
    ...(congestion !== undefined && { controller: controllerNamed(congestion, '--congestion') }),
    ...(tcpCongestion !== undefined && { tcpCongestion }),
  });
  await measureCells({ report, data, json }, (client) =>
    client.matrix.start({ kind: 'compare', settings, ...(seed !== undefined && { seed }) }),
  );
}
