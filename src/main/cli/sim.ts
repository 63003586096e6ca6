/** `routelab sim SCENARIO.json`: one simulated scenario (docs/simulator.md). */
import type { Command } from 'commander';
import { LabError } from '../../shared/errors.ts';
import type { Scenario, ScenarioResult } from '../../shared/scenario.ts';
import { formatPercent, formatRate } from '../../shared/units.ts';
import { readScenario } from '../simulate/profile.ts';
import { AtomicFile } from './atomic-file.ts';
import { onInterrupt } from './interrupt.ts';
import { parseNumber } from './options.ts';
import { paint, print, printJson, progress, table } from './output.ts';
import { readText, STANDARD_INPUT } from './readable.ts';
import { runSeeds } from './sim-runs.ts';
import { traceFormat, writeTrace } from './sim-trace.ts';

/** One `--set`: of one flow, or of each. */
interface Override {
  flow: number | null;
  name: string;
  value: number;
}

interface SimOptions {
  seeds?: number;
  workers?: number;
  trace?: string;
  set?: readonly Override[];
  json?: true;
}

export function configure(command: Command): void {
  command
    .argument('<scenario>', 'JSON file; - reads standard input')
    .option(
      '--seeds <n>',
      'run it with so many seeds, the scenario’s and those after it, and average',
      (text) => parseNumber(text, '--seeds', { min: 1, max: 10_000, integer: true }),
    )
    .option(
      '--workers <n>',
      'threads (default: one for each processor when there are several seeds)',
      (text) => parseNumber(text, '--workers', { min: 1, max: 256, integer: true }),
    )
    .option('--trace <file>', 'write the series behind the figures, of the first seed; .csv or .json')
    .option(
      '--set <flowN.Name=value>',
      'a parameter of the controller of flow N, from 0 on; without flowN of every flow; repeatable',
      collectOverride,
    )
    .addHelpText(
      'after',
      '\nExamples are in resources/scenarios/, such as: sim resources/scenarios/benchmark.json\n' +
        'All fields of a scenario: docs/simulator.md. The least of one:\n' +
        '  {"duration_s": 10, "bottleneck": {"rate_bps": 2e7}, "flows": [{"controller": "bbr", "rtt_ms": 40}]}',
    )
    .action(run);
}

function collectOverride(text: string, previous: readonly Override[] = []): readonly Override[] {
  const match = /^(?:flow(\d{1,4})\.)?([A-Za-z][A-Za-z0-9_]*)=(.+)$/.exec(text);
  if (match === null) {
    throw new LabError('RL_INPUT_INVALID', `--set: "${text}" is not flowN.Name=value`, { field: '--set' });
  }
  const [, flow, name, value] = match;
  const range = { min: -Number.MAX_VALUE, max: Number.MAX_VALUE };
  return [
    ...previous,
    {
      flow: flow === undefined ? null : Number(flow),
      name: name!,
      value: parseNumber(value!, '--set', range),
    },
  ];
}

async function run(path: string, options: SimOptions): Promise<void> {
  const { seeds = 1, workers = null } = options;
  const format = options.trace === undefined ? null : traceFormat(options.trace);
  const scenario = withOverrides(readScenario(readJson(path)), options.set ?? []);
  if (seeds - 1 > Number.MAX_SAFE_INTEGER - scenario.seed) {
    const message = `--seeds: the last of ${seeds} from ${scenario.seed} on is beyond ${Number.MAX_SAFE_INTEGER}`;
    throw new LabError('RL_INPUT_INVALID', message, { field: '--seeds' });
  }
  const interrupt = onInterrupt();
  let file: AtomicFile | null = null;
  const bar = progress('simulating', 1000);
  try {
    if (options.trace !== undefined) file = new AtomicFile(options.trace, '--trace');
    const { figures, trace, wallS } = await runSeeds(scenario, {
      seeds,
      workers,
      trace: file !== null,
      signal: interrupt.signal,
      onProgress: (done) => bar.update(Math.floor(done * 1000), ''),
    });
    if (file !== null) writeTrace(file, format!, scenario, trace!);
    bar.stop();
    const result: ScenarioResult = { ...figures, wall_s: wallS };
    if (options.json) printJson(result);
    else print(report(scenario, result, seeds));
  } finally {
    bar.stop();
    file?.discard();
    interrupt.dispose();
  }
}

function readJson(path: string): unknown {
  const isFile = path !== '-';
  // Editors of Windows begin a file with a byte-order mark.
  const text = readText(isFile ? path : STANDARD_INPUT, 'scenario').replace(/^\uFEFF/, '');
  const name = isFile ? path : 'standard input';
  const invalid = (message: string, cause?: unknown): LabError =>
    new LabError('RL_INPUT_INVALID', `${name} ${message}`, { field: 'scenario', cause });
  if (text.trim() === '') throw invalid('is empty');
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid(`is not JSON: ${(cause as Error).message}`, cause);
  }
}

function withOverrides(scenario: Scenario, overrides: readonly Override[]): Scenario {
  for (const { flow } of overrides) {
    if (flow === null || flow < scenario.flows.length) continue;
    const message = `--set: there is no flow${flow}; the last is flow${scenario.flows.length - 1}`;
    throw new LabError('RL_INPUT_INVALID', message, { field: '--set' });
  }
  const flows = scenario.flows.map((each, i) => {
    const own = overrides.filter(({ flow }) => flow === null || flow === i);
    return {
      ...each,
      params: { ...each.params, ...Object.fromEntries(own.map(({ name, value }) => [name, value])) },
    };
  });
  return { ...scenario, flows };
}

/** Sums of the same numbers in another order. */
const ROUNDING = 1e-9;

/** From the least to the most of the seeds. */
function spreadLines(flows: ScenarioResult['flows'], seeds: number): string[] {
  if (seeds === 1) return [];
  const all = flows.flatMap(({ spread }) => Object.values(spread!));
  if (all.every((each) => each === null || each.max - each.min <= ROUNDING * each.max))
    return ['spread none: seeds agree, nothing random bears on these figures'];
  return flows.map(({ spread }, i) => {
    const { goodput_bps: goodput, rtt_mean_ms: rtt, loss_rate: loss } = spread!;
    return (
      `spread flow${i} ${formatRate(goodput.min)} to ${formatRate(goodput.max)} (sd ${formatRate(goodput.sd)}), ` +
      `mean RTT ${ms(rtt?.min ?? null)} to ${ms(rtt?.max ?? null)} ms (sd ${ms(rtt?.sd ?? null)}), ` +
      `lost ${formatPercent(loss.min, 3)} to ${formatPercent(loss.max, 3)} (sd ${formatPercent(loss.sd, 3)})`
    );
  });
}

/** A mean over seeds need not be whole. */
const formatCount = (count: number): string => (Number.isInteger(count) ? String(count) : count.toFixed(1));
/** Of null nothing was measured. */
const ms = (value: number | null): string => (value === null ? '–' : value.toFixed(1));

function report(
  scenario: Scenario,
  { flows, link, jain, events, wall_s }: ScenarioResult,
  seeds: number,
): string {
  const delay = link.queue_delay_ms;
  const rows = flows.map((flow, i) => [
    `flow${i}`,
    flow.controller,
    formatRate(flow.goodput_bps),
    ms(flow.rtt_ms.min),
    ms(flow.rtt_ms.mean),
    ms(flow.rtt_ms.p50),
    ms(flow.rtt_ms.p95),
    ms(flow.rtt_ms.p99),
    formatPercent(flow.loss_rate, 3),
    formatPercent(flow.retransmit_rate, 3),
    flow.timed_out_s !== null
      ? `gave up: ${flow.timed_out_s.toFixed(1)} s`
      : flow.completion_s === null
        ? '–'
        : `${flow.completion_s.toFixed(3)} s`,
  ]);
  const head = [
    '',
    '',
    'goodput',
    'RTT min',
    'mean',
    'p50',
    'p95',
    'p99 ms',
    'lost',
    'sent again',
    'completed',
  ];
  const measured = `${scenario.duration_s - scenario.warmup_s} s after a warm-up of ${scenario.warmup_s} s`;
  const [first, ...rest] = table(
    [head, ...rows],
    ['left', 'left', 'right', 'right', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
  ).split('\n');
  return [
    paint('dim', first!),
    ...rest,
    '',
    `link   ${formatPercent(link.utilization)} used, dropped at the queue: ${formatCount(link.drops)}${link.duplicates === 0 ? '' : `, came twice: ${formatCount(link.duplicates)}`}`,
    `queue  ${ms(delay.mean)} ms mean, ${ms(delay.p50)} p50, ${ms(delay.p95)} p95, ${ms(delay.p99)} p99, ${ms(delay.max)} max`,
    ...spreadLines(flows, seeds),
    ...(flows.length > 1 ? [`Jain   ${jain.toFixed(4)}`] : []),
    paint(
      'dim',
      `simulated: ${measured}${seeds > 1 ? `, mean of ${seeds} seeds` : ''}; ${events} events in ${wall_s.toFixed(2)} s`,
    ),
  ].join('\n');
}
