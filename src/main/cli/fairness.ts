/** `routelab fairness`: controllers that share one emulated bottleneck, measured, and the same simulated beside it. */
import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import { type Controller, controllerNamed } from '../../shared/domain.ts';
import { CATALOGUE, LabError } from '../../shared/errors.ts';
import { FairnessSettings, MOST_FLOWS } from '../../shared/shared-paths.ts';
import { formatRate, parseDuration } from '../../shared/units.ts';
import { shareOnePath } from '../workers/shared-flows.ts';
import { measureCells } from './cells.ts';
import { configurePath, emulationOf, type PathOptions } from './emulate/path-options.ts';
import { DATA_HELP } from './experiment-store.ts';
import { fairnessFields, fairnessTable } from './fairness-result.ts';
import { scenarioOf } from './fairness-scenario.ts';
import { onInterrupt } from './interrupt.ts';
import { parseChoice, parseNumber, withDefault } from './options.ts';
import { note, print, printJson, progress } from './output.ts';
import { runSeeds } from './sim-runs.ts';

interface FairnessOptions extends PathOptions {
  flows: readonly Controller[];
  /** Microseconds, of each flow. */
  start?: readonly number[];
  duration: number;
  warmup: number;
  direction: 'upload' | 'download';
  seed?: number;
  simulate: boolean;
  repeat?: number;
  report?: string;
  data?: string;
  json?: true;
}

const invalid = (field: string, message: string): LabError =>
  new LabError('RL_INPUT_INVALID', `${field}: ${message}`, { field });

export function configure(command: Command): void {
  command.requiredOption(
    '--flows <name,…>',
    'controller of each flow, such as cubic,bbr3,newreno',
    parseFlows,
  );
  configurePath(command);
  command
    .option('--start <time,…>', 'when each flow begins, such as 0,5,10 (default: all at once)', parseStarts)
    .addOption(
      withDefault('--duration <time>', 'of the whole run', 30e6, '30s').argParser((text) =>
        within(text, '--duration', 1e6, 3600e6),
      ),
    )
    .addOption(
      withDefault('--warmup <time>', 'left out after the last flow began', 2e6, '2s').argParser((text) =>
        within(text, '--warmup', 0, 3600e6),
      ),
    )
    .addOption(
      withDefault('--direction <name>', 'upload or download: who sends', 'upload', 'upload').argParser(
        (text) => parseChoice(text, '--direction', ['upload', 'download'] as const),
      ),
    )
    .option('--seed <n>', 'the same seed loses the same packets (default: a random one, shown)', (text) =>
      parseNumber(text, '--seed', { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true }),
    )
    .option('--no-simulate', 'do not simulate the same beside it')
    .option('--repeat <n>', 'as an experiment: so often, each a run that is kept', (text) =>
      parseNumber(text, '--repeat', { min: 1, max: 1000, integer: true }),
    )
    .option('--report <file>', 'with --repeat: write a report there')
    .option('--data <dir>', `with --repeat: ${DATA_HELP}`)
    .addHelpText('after', '\nExample: fairness --flows cubic,bbr3 --rate 50mbit --rtt 40ms --buffer 1bdp')
    .action(run);
}

function parseFlows(text: string): readonly Controller[] {
  const flows = text.split(',').map((name) => controllerNamed(name, '--flows'));
  if (flows.length < 2 || flows.length > MOST_FLOWS)
    throw invalid('--flows', `${flows.length} flows are not from 2 to ${MOST_FLOWS}`);
  return flows;
}

const parseStarts = (text: string): readonly number[] =>
  text.split(',').map((part) => parseDuration(part, '--start', 's'));

function within(text: string, field: string, leastUs: number, mostUs: number): number {
  const us = parseDuration(text, field, 's');
  if (us < leastUs || us > mostUs)
    throw invalid(field, `${text} is not from ${leastUs / 1e6} s to ${mostUs / 1e6} s`);
  return us;
}

async function run(options: FairnessOptions): Promise<void> {
  const { flows, duration, warmup, direction, seed = randomInt(2 ** 32) } = options;
  const starts = options.start ?? flows.map(() => 0);
  if (starts.length !== flows.length)
    throw invalid('--start', `${starts.length} times for ${flows.length} flows; give one for each`);
  if (Math.max(...starts) + warmup >= duration)
    throw invalid('--start', 'the last flow begins too late to be measured after --warmup within --duration');
  const emulation = emulationOf(options);
  // A link without rate has no bottleneck to share.
  const way = direction === 'upload' ? emulation.up : emulation.down;
  if (way.rateBps === null && way.trace === undefined)
    throw invalid('--rate', 'flows share a bottleneck: give --rate, a --trace or a --profile that has one');
  if (options.repeat !== undefined) {
    const settings = FairnessSettings.parse({
      flows,
      startsS: starts.map((us) => us / 1e6),
      emulation,
      direction,
      durationS: duration / 1e6,
      warmUpS: warmup / 1e6,
      repeat: options.repeat,
    });
    if (seed > 0xffff_ffff) throw invalid('--seed', `${seed} is more than ${0xffff_ffff}, with --repeat`);
    return measureCells(options, (client) => client.matrix.start({ kind: 'fairness', settings, seed }));
  }
  if (options.report !== undefined || options.data !== undefined)
    throw invalid(options.report === undefined ? '--data' : '--report', 'is for --repeat');
  const interrupt = onInterrupt();
  const startedAt = new Date();
  const durationMs = duration / 1e3;
  const bar = progress(`${flows.length} flows`, durationMs);
  const { outcomes, measured, fairness, endMs, isCut } = await shareOnePath({
    flows,
    startsMs: starts.map((us) => us / 1e3),
    emulation,
    direction,
    seed,
    durationMs,
    warmupMs: warmup / 1e3,
    signal: interrupt.signal,
    keepsCut: true,
    onProgress: (elapsedMs, bytes) =>
      bar.update(elapsedMs, bytes.map((of) => formatRate((of * 8e3) / elapsedMs, 1)).join('  ')),
  }).finally(() => bar.stop());
  const scenario =
    options.simulate && !isCut
      ? scenarioOf(emulation, { flows, starts, direction, durationUs: duration, warmupUs: warmup, seed })
      : null;
  if (typeof scenario === 'string') note(`not simulated: ${scenario}`);
  const simulated =
    scenario === null || typeof scenario === 'string'
      ? null
      : (
          await runSeeds(scenario, {
            seeds: 1,
            workers: 1,
            trace: false,
            signal: interrupt.signal,
            onProgress: () => {},
          })
        ).figures;
  interrupt.dispose();
  const head = { emulation, direction, seed, durationMs: endMs, startedAt, starts, isCut };
  const fields = fairnessFields(head, measured, outcomes, fairness, simulated);
  if (options.json) printJson(fields);
  else print(fairnessTable(fields, emulation));
  if (isCut) process.exitCode = CATALOGUE.RL_CANCELLED.exit;
}
