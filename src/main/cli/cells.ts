/** What commands have in common whose experiments are made of cells: measured in a lab, followed, told and held against gates. */
import { type Command, Option } from 'commander';
import type { Controller } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { type Experiment, type ExperimentKind, isEmulated, type Run } from '../../shared/experiments.ts';
import { metricTitle } from '../../shared/metrics.ts';
import { formatDuration, formatPercent, formatRate, formatSpan } from '../../shared/units.ts';
import {
  createLab,
  errorBody,
  experimentOutcome,
  type LabClient,
  type OutcomeCell,
  reportText,
} from '../lab/index.ts';
import { defaultDataDir } from '../store/data-dir.ts';
import { createLog } from '../telemetry/log.ts';
import { AtomicFile } from './atomic-file.ts';
import { DATA_HELP, withStore } from './experiment-store.ts';
import { onInterrupt } from './interrupt.ts';
import { MEASURERS } from './measurers.ts';
import { collectParameter, parseChoice, parseController, parseNumber } from './options.ts';
import { commandName, note, paint, print, printError, printJson, progress, table } from './output.ts';
import { gatesLine, isJudged, type SlaFlags, slaFlags, tellGates } from './sla-options.ts';
import { whyUnfinished } from './unfinished.ts';

const FORMATS = ['md', 'csv', 'json', 'html'] as const;

export interface CellFlags extends SlaFlags {
  repeat?: number;
  congestion?: Controller;
  set?: Readonly<Record<string, number>>;
  seed?: number;
  report?: string | undefined;
  reportFormat?: (typeof FORMATS)[number];
  data?: string | undefined;
  json?: true | undefined;
}

/** Options of what is measured. */
export function configureCells(command: Command, repeat: number): void {
  command
    .option('--repeat <n>', `how often each cell is measured (default ${repeat})`, (text) =>
      parseNumber(text, '--repeat', { min: 1, max: 1000, integer: true }),
    )
    .option('--congestion <name>', 'controller of what is sent (default cubic)', parseController)
    .option('--set <Name=value>', 'parameter of the congestion controller; repeatable', collectParameter)
    .option('--seed <n>', 'of every emulated choice (default: a random one, kept in the manifest)', (text) =>
      parseNumber(text, '--seed', { min: 0, max: 0xffff_ffff, integer: true }),
    );
}

/** Options of what becomes of it. */
export function configureOutcome(command: Command): void {
  for (const option of slaFlags()) command.addOption(option);
  command
    .option('--report <file>', 'write a report there')
    .addOption(
      new Option(
        '--report-format <name>',
        `${FORMATS.join(', ')} (default: as the file is called, else md)`,
      ).argParser((text) => parseChoice(text, '--report-format', FORMATS)),
    )
    .option('--data <dir>', DATA_HELP);
}

/** What of the settings these options say. */
export const settingsOf = ({ repeat, congestion, set }: CellFlags) => ({
  ...(repeat !== undefined && { repeat }),
  ...(congestion !== undefined && { controller: congestion }),
  ...(set !== undefined && { parameters: set }),
});

/** How what is missing of one is measured. */
const resumeCommand = ({ kind, id }: Pick<Experiment, 'kind' | 'id'>): string =>
  `${commandName()} ${kind === 'matrix' || kind === 'scenario' ? kind : 'run'} --resume ${id}`;

/**
 * Measures what is missing of an experiment of this kind, as it was begun: `given` says whether other settings than gates were
 * given. `check` throws where it is not the one that is meant.
 */
export async function resumeCells(
  flags: CellFlags,
  wanted: {
    kind: ExperimentKind;
    given: boolean;
    idOf: (client: LabClient) => Promise<number>;
    check?: (experiment: Experiment) => void;
  },
): Promise<void> {
  const { kind, given, idOf, check } = wanted;
  if (given || flags.seed !== undefined || isJudged(flags) || Object.keys(settingsOf(flags)).length > 0)
    throw new LabError(
      'RL_USAGE',
      `--resume goes on with a ${kind} as it was begun: its settings and gates cannot be changed`,
    );
  await measureCells(
    flags,
    async (client) => {
      const id = await idOf(client);
      const experiment = await client.experiments.get({ id });
      if (experiment.kind !== kind)
        throw new LabError('RL_INPUT_INVALID', `--resume: experiment ${id} is of kind ${experiment.kind}`, {
          field: '--resume',
          hint: `${resumeCommand(experiment)} goes on with one of cells.`,
        });
      check?.(experiment);
      return client.matrix.resume({ id });
    },
    true,
  );
}

/** Measures what `begin` begins, and tells. Ctrl-C ends it, to be gone on with; `resumes` where it goes on with one. */
export async function measureCells(
  flags: CellFlags,
  begin: (client: LabClient) => Promise<Experiment>,
  resumes = false,
): Promise<void> {
  const { report: path, data } = flags;
  if (flags.reportFormat !== undefined && path === undefined)
    throw new LabError('RL_USAGE', '--report-format is for the file of --report');
  const file = path === undefined ? null : { path, draft: new AtomicFile(path, '--report') };
  const interrupt = onInterrupt();
  try {
    const lab = await createLab({
      dataDir: data ?? defaultDataDir(),
      host: 'headless',
      workerUrl: (name) => new URL(`../workers/${name}.ts`, import.meta.url),
      log: createLog({ level: 'warn', format: process.stderr.isTTY ? 'pretty' : 'json' }),
      resume: false,
      measurers: MEASURERS,
    });
    let id: number;
    const sinceMs = Date.now();
    try {
      const begun = await begin(lab.client).catch((refused: unknown) => {
        throw LabError.fromBody(errorBody(refused));
      });
      id = begun.id;
      note(`experiment ${id}: ${begun.name}`);
      await followed(lab.client, id, interrupt.signal);
    } finally {
      await lab.close();
    }
    await withStore({ data, mustExist: true }, async (store) => {
      const outcome = await experimentOutcome(store, id);
      if (file !== null) {
        const format = flags.reportFormat ?? FORMATS.find((name) => file.path.endsWith(`.${name}`)) ?? 'md';
        file.draft.write(await reportText(store, { id, format, redact: false, atMs: Date.now() }));
        file.draft.commit();
        note(`The report is in ${file.path}`);
      }
      const { experiment, cells, gates, runs } = outcome;
      if (flags.json) printJson({ experiment: id, name: experiment.name, cells, gates, runs });
      else {
        const mark = isEmulated(experiment) ? [paint('dim', 'over an emulated path')] : [];
        print([...mark, cellsTable(cells, runs), ...gatesLine(gates)].join('\n'));
      }
      const isCancelled = interrupt.signal.aborted;
      if (!isCancelled) tellGates(gates);
      const own = resumes ? runs : runs.filter(({ createdAtMs }) => createdAtMs >= sinceMs);
      const error = isCancelled
        ? new LabError('RL_CANCELLED', `Experiment ${id} was cancelled`)
        : whyUnfinished(own);
      if (error === null) return;
      const hint = `What is missing of it is measured by: ${resumeCommand(experiment)}`;
      // Not thrown, which would print a second JSON object.
      printError(new LabError(error.code, error.message, { hint }));
      process.exitCode ||= error.exitCode;
    });
  } finally {
    file?.draft.discard();
    interrupt.dispose();
  }
}

async function followed(client: LabClient, id: number, interrupted: AbortSignal): Promise<void> {
  const cancel = (): void => void client.matrix.cancel({ id }).catch(() => null);
  interrupted.addEventListener('abort', cancel, { once: true });
  if (interrupted.aborted) cancel();
  let bar: ReturnType<typeof progress> | null = null;
  try {
    for await (const { over, total, leftS, running } of await client.matrix.watch({ id })) {
      bar ??= progress('cells', total);
      const left = leftS === null ? '' : `, ${formatSpan(leftS)} left`;
      bar.update(over + (running?.part ?? 0), `${over} of ${total}${left}  ${running?.key ?? ''}`);
    }
  } finally {
    bar?.stop();
    interrupted.removeEventListener('abort', cancel);
  }
}

/** Of cells that are no loads: each metric by its name. */
function metricsTable({ done, medians }: OutcomeCell, runs: readonly Run[]): string {
  const units = runs.findLast(({ result }) => result !== null)?.result ?? {};
  const rows = Object.entries(medians).map(([name, value]) => {
    const unit = units[name]?.unit;
    if (unit === 'bps') return [metricTitle(name), formatRate(value)];
    if (unit === 'us') return [metricTitle(name), formatDuration(value)];
    if (unit === 'ratio') return [metricTitle(name), formatPercent(value, 2)];
    return [metricTitle(name), value === null ? '–' : String(Number(value.toFixed(4)))];
  });
  return table([[`median of ${done}`, ''], ...rows], ['left', 'right']);
}

function cellsTable(cells: readonly OutcomeCell[], runs: readonly Run[]): string {
  const [only] = cells;
  if (only !== undefined && only.key === '') return metricsTable(only, runs);
  const of = ({ medians }: OutcomeCell, name: string): number | null => medians[name] ?? null;
  const rows = cells.map((cell) => [
    cell.key,
    String(cell.done),
    formatRate(of(cell, 'goodput_up')),
    formatDuration(of(cell, 'rtt_p50')),
    formatDuration(of(cell, 'rtt_p95')),
    formatDuration(of(cell, 'jitter')),
    formatPercent(of(cell, 'loss_ratio'), 2),
    String(of(cell, 'errors') ?? '–'),
  ]);
  const heading = ['cell', 'runs', 'goodput', 'RTT p50', 'p95', 'jitter', 'loss', 'errors'];
  const [first, ...rest] = table([heading, ...rows], ['left', ...Array<'right'>(7).fill('right')]).split(
    '\n',
  );
  return [paint('dim', first!), ...rest].join('\n');
}
