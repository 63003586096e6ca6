/** `routelab run MANIFEST`: an experiment measured again. */
import type { Command } from 'commander';
import { LabError } from '../../shared/errors.ts';
import type { Experiment, Run } from '../../shared/experiments.ts';
import { gatesOf } from '../../shared/gates.ts';
import { gateLimitsOf } from '../../shared/matrix.ts';
import { metricTitle } from '../../shared/metrics.ts';
import { parseDuration } from '../../shared/units.ts';
import { createLab, errorBody, type LabClient } from '../lab/index.ts';
import { defaultDataDir } from '../store/data-dir.ts';
import { createLog } from '../telemetry/log.ts';
import { DATA_HELP } from './experiment-store.ts';
import { onInterrupt } from './interrupt.ts';
import { MEASURERS } from './measurers.ts';
import { parseNumber } from './options.ts';
import { paint, print, printError, printJson, progress, table } from './output.ts';
import { readText, STANDARD_INPUT } from './readable.ts';
import { gatesLine, tellGates } from './sla-options.ts';
import { whyUnfinished } from './unfinished.ts';

interface RunOptions {
  /** Microseconds. */
  duration?: number;
  repetitions?: number;
  resume?: number;
  data?: string;
  json?: true;
}

export function configure(command: Command): void {
  command
    .argument(
      '[manifest]',
      'JSON file: a manifest, or anything with one in it, as report --json writes; - reads standard input',
    )
    .option('--duration <time>', 'how long to measure; needed of monitors', (text) => {
      const us = parseDuration(text, '--duration', 's');
      if (us >= 1e6 && us <= 86_400e6) return us;
      throw new LabError('RL_INPUT_INVALID', `--duration: ${text} is not from 1 s to 24 h`, {
        field: '--duration',
      });
    })
    .option('--repetitions <n>', 'how often to measure it (default 1)', (text) =>
      parseNumber(text, '--repetitions', { min: 1, max: 1000, integer: true }),
    )
    .option(
      '--resume <id>',
      'instead of a manifest: measure what is missing of an experiment of cells',
      (text) => parseNumber(text, '--resume', { min: 1, max: Number.MAX_SAFE_INTEGER, integer: true }),
    )
    .option('--data <dir>', DATA_HELP)
    .action(run);
}

async function run(path: string | undefined, options: RunOptions): Promise<void> {
  const begin = beginning(path, options);
  const interrupt = onInterrupt();
  const lab = await createLab({
    dataDir: options.data ?? defaultDataDir(),
    host: 'headless',
    workerUrl: (name) => new URL(`../workers/${name}.ts`, import.meta.url),
    log: createLog({ level: 'warn', format: process.stderr.isTTY ? 'pretty' : 'json' }),
    resume: false,
    measurers: MEASURERS,
  });
  try {
    const { client } = lab;
    const before = Date.now();
    const told = (refused: unknown): LabError => LabError.fromBody(errorBody(refused));
    const experiment = await begin(client).catch((refused: unknown) => {
      throw asFlag(told(refused));
    });
    const { id, name } = experiment;
    const unstored = await followed(client, id, interrupt.signal).then(() => null, told);
    const runs = (await allRuns(client, id)).filter(
      ({ createdAtMs }) => options.resume !== undefined || createdAtMs >= before,
    );
    const { aborted } = interrupt.signal;
    const gates = gatesOf(runs, gateLimitsOf(experiment));
    if (options.json) printJson({ experiment: id, name, gates, runs, ...(aborted && { interrupted: true }) });
    else {
      const heading = `experiment ${id}: ${name}${aborted ? `  ${paint('yellow', 'interrupted')}` : ''}`;
      print([heading, runsTable(runs), ...gatesLine(gates)].join('\n'));
    }
    if (!aborted) tellGates(gates);
    const error = unstored ?? whyUnfinished(runs) ?? whyEmpty(runs);
    if (error === null) return;
    // Not thrown, which would print a second JSON object.
    process.exitCode = error.exitCode;
    printError(error);
  } finally {
    await lab.close();
  }
}

/** What is measured, its options checked before a lab is opened. */
function beginning(
  path: string | undefined,
  { duration, repetitions, resume }: RunOptions,
): (client: LabClient) => Promise<Experiment> {
  if (resume !== undefined) {
    if (path !== undefined || duration !== undefined || repetitions !== undefined)
      throw new LabError(
        'RL_USAGE',
        '--resume goes on with an experiment as it was begun: with no manifest, --duration or --repetitions',
      );
    return (client) => client.matrix.resume({ id: resume });
  }
  if (path === undefined)
    throw new LabError('RL_USAGE', 'Which manifest? Name its file, or an experiment to --resume');
  const manifest = readManifestFile(path);
  return (client) =>
    client.experiments.run({
      manifest,
      repetitions: repetitions ?? 1,
      ...(duration !== undefined && { durationS: duration / 1e6 }),
    });
}

/** An error of the lab, by the flag that its field is set with. */
function asFlag(error: LabError): LabError {
  const { code, message, field, hint } = error;
  const flag = field === 'durationS' ? '--duration' : field === 'repetitions' ? '--repetitions' : undefined;
  if (flag === undefined) return error;
  return new LabError(code, message.replace(field!, flag), { field: flag, hint, cause: error });
}

/** The first run that has nothing to show: a route that was down throughout has no metrics, or counts of zero. */
function whyEmpty(runs: readonly Run[]): LabError | null {
  const isEmpty = ({ result }: Run): boolean =>
    result?.['received']?.value === 0 || Object.values(result ?? {}).every(({ value }) => value === null);
  const empty = runs.find(isEmpty);
  return empty === undefined
    ? null
    : new LabError('RL_CONNECTION_LOST', `Run ${empty.repetition} measured nothing: no answer came`);
}

/** A manifest as it is, or the one within a report or an experiment. */
function readManifestFile(path: string): Record<string, unknown> {
  const text = readText(path === '-' ? STANDARD_INPUT : path, 'manifest').replace(/^\uFEFF/, '');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new LabError('RL_INPUT_INVALID', `manifest: ${path} is not JSON: ${(cause as Error).message}`, {
      field: 'manifest',
      cause,
    });
  }
  const isObject = (of: unknown): of is Record<string, unknown> =>
    of !== null && typeof of === 'object' && !Array.isArray(of);
  if (!isObject(value))
    throw new LabError('RL_INPUT_INVALID', `manifest: ${path} holds no JSON object`, { field: 'manifest' });
  return isObject(value['manifest']) ? value['manifest'] : value;
}

/** Until it is over, or was interrupted and has ended early. */
async function followed(client: LabClient, id: number, interrupted: AbortSignal): Promise<void> {
  const cancel = (): void => void client.experiments.cancel({ id }).catch(() => null);
  interrupted.addEventListener('abort', cancel, { once: true });
  if (interrupted.aborted) cancel();
  const bar = progress('measuring', 1);
  try {
    for await (const { runs } of await client.experiments.watch({ id }))
      bar.update(0, `${runs.queued} queued, ${runs.running} running, ${runs.done} done`);
  } finally {
    bar.stop();
    interrupted.removeEventListener('abort', cancel);
  }
}

async function allRuns(client: LabClient, id: number): Promise<Run[]> {
  const { runs } = await client.experiments.runs({ id, limit: 5000 });
  return runs;
}

function runsTable(runs: readonly Run[]): string {
  const rows = runs.flatMap(({ key, repetition, state, result }) => {
    const metrics = Object.entries(result ?? {});
    if (metrics.length === 0) return [[key, String(repetition), state, '', '–', '']];
    return metrics.map(([name, { value, unit }], i) => [
      ...(i === 0 ? [key, String(repetition), state] : ['', '', '']),
      metricTitle(name),
      ...shown(value, unit),
    ]);
  });
  return table(
    [['of', 'run', 'state', '', '', ''], ...rows],
    ['left', 'right', 'left', 'left', 'right', 'unit'],
  );
}

function shown(value: number | null, unit: string | null): [string, string] {
  if (value === null) return ['–', ''];
  if (unit === 'us') return [(value / 1e3).toFixed(3), 'ms'];
  if (unit === 'bps') return [(value / 1e6).toFixed(3), 'Mbit/s'];
  if (unit === 'ratio') return [(value * 100).toFixed(3), '%'];
  return [String(Number(value.toFixed(4))), unit ?? ''];
}
