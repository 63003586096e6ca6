/** `routelab run MANIFEST`: an experiment measured again. */
import type { Command } from 'commander';
import { LabError } from '../../shared/errors.ts';
import type { Run } from '../../shared/experiments.ts';
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

interface RunOptions {
  /** Microseconds. */
  duration?: number;
  repetitions: number;
  data?: string;
  json?: true;
}

export function configure(command: Command): void {
  command
    .argument(
      '<manifest>',
      'JSON file: a manifest, or anything with one in it, as report --json writes; - reads standard input',
    )
    .option('--duration <time>', 'how long to measure; needed of monitors', (text) => {
      const us = parseDuration(text, '--duration', 's');
      if (us >= 1e6 && us <= 86_400e6) return us;
      throw new LabError('RL_INPUT_INVALID', `--duration: ${text} is not from 1 s to 24 h`, {
        field: '--duration',
      });
    })
    .option(
      '--repetitions <n>',
      'how often to measure it',
      (text) => parseNumber(text, '--repetitions', { min: 1, max: 1000, integer: true }),
      1,
    )
    .option('--data <dir>', DATA_HELP)
    .action(run);
}

async function run(path: string, options: RunOptions): Promise<void> {
  const manifest = readManifestFile(path);
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
    const { duration, repetitions } = options;
    const { id, name } = await client.experiments
      .run({
        manifest,
        repetitions,
        ...(duration !== undefined && { durationS: duration / 1e6 }),
      })
      .catch((refused: unknown) => {
        throw asFlag(LabError.fromBody(errorBody(refused)));
      });
    await followed(client, id, interrupt.signal);
    const runs = (await allRuns(client, id)).filter(({ createdAtMs }) => createdAtMs >= before);
    const { aborted } = interrupt.signal;
    if (options.json) printJson({ experiment: id, name, runs, ...(aborted && { interrupted: true }) });
    else
      print(
        `experiment ${id}: ${name}${aborted ? `  ${paint('yellow', 'interrupted')}` : ''}\n${runsTable(runs)}`,
      );
    const error = faultOf(runs);
    if (error === null) return;
    // Not thrown, which would print a second JSON object.
    process.exitCode = error.exitCode;
    printError(error);
  } finally {
    await lab.close();
  }
}

/** An error of the lab, by the flag that its field is set with. */
function asFlag(error: LabError): LabError {
  const { code, message, field, hint } = error;
  const flag = field === 'durationS' ? '--duration' : field === 'repetitions' ? '--repetitions' : undefined;
  if (flag === undefined) return error;
  return new LabError(code, message.replace(field!, flag), { field: flag, hint, cause: error });
}

/** Why what was measured is no success: the first run that did not end as it should, or that has nothing to show. */
function faultOf(runs: readonly Run[]): LabError | null {
  const failed = runs.find(({ state }) => state !== 'done');
  if (failed?.error) return LabError.fromBody(failed.error as Parameters<typeof LabError.fromBody>[0]);
  if (failed !== undefined)
    return new LabError('RL_CANCELLED', `Run ${failed.repetition} was ${failed.state}`);
  // A route that was down throughout has no metrics, or counts of zero.
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
  const rows = runs.flatMap(({ repetition, state, result }) => {
    const metrics = Object.entries(result ?? {});
    if (metrics.length === 0) return [[String(repetition), state, '', '–', '']];
    return metrics.map(([name, { value, unit }], i) => [
      i === 0 ? String(repetition) : '',
      i === 0 ? state : '',
      metricTitle(name),
      ...shown(value, unit),
    ]);
  });
  return table([['run', 'state', '', '', ''], ...rows], ['right', 'left', 'left', 'right', 'unit']);
}

function shown(value: number | null, unit: string | null): [string, string] {
  if (value === null) return ['–', ''];
  if (unit === 'us') return [(value / 1e3).toFixed(3), 'ms'];
  if (unit === 'bps') return [(value / 1e6).toFixed(3), 'Mbit/s'];
  if (unit === 'ratio') return [(value * 100).toFixed(3), '%'];
  return [String(value), unit ?? ''];
}
