/** What commands have in common whose experiments are made of cells: measured in a lab, followed, told and held against gates. */
import { type Command, Option } from 'commander';
import type { Controller } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import type { Experiment } from '../../shared/experiments.ts';
import type { GateLimits } from '../../shared/sla.ts';
import { formatDuration, formatPercent, formatRate, parseDuration } from '../../shared/units.ts';
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
import { collectParameter, parseChoice, parseController, parseNumber } from './options.ts';
import { commandName, note, paint, print, printJson, progress, table } from './output.ts';
import { gatesLine, type SlaFlags, slaFlags, tellGates } from './sla-options.ts';

const FORMATS = ['md', 'csv', 'json', 'html'] as const;

export interface CellFlags extends SlaFlags {
  repeat?: number;
  congestion?: Controller;
  set?: Readonly<Record<string, number>>;
  seed?: number;
  report?: string;
  reportFormat?: (typeof FORMATS)[number];
  data?: string;
  json?: true;
}

export const parseSeconds =
  (flag: string, min: number, max: number) =>
  (text: string): number => {
    const seconds = parseDuration(text, flag, 's') / 1e6;
    if (seconds >= min && seconds <= max) return seconds;
    throw new LabError('RL_INPUT_INVALID', `${flag}: ${text} is not from ${min} s to ${max} s`, {
      field: flag,
    });
  };

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

/** Measures what `begin` begins, and tells. Ctrl-C ends it, to be gone on with. */
export async function measureCells(
  flags: CellFlags,
  limits: GateLimits,
  begin: (client: LabClient) => Promise<Experiment>,
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
    });
    let id: number;
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
    await withStore({ data, mustExist: true }, (store) => {
      const outcome = experimentOutcome(store, id, limits);
      if (file !== null) {
        const format = flags.reportFormat ?? FORMATS.find((name) => file.path.endsWith(`.${name}`)) ?? 'md';
        file.draft.write(reportText(store, { id, format, redact: false, atMs: Date.now(), limits }));
        file.draft.commit();
        note(`The report is in ${file.path}`);
      }
      const { cells, gates, runs } = outcome;
      if (flags.json) printJson({ experiment: id, name: outcome.experiment.name, cells, gates, runs });
      else print([cellsTable(cells), ...gatesLine(gates)].join('\n'));
      if (interrupt.signal.aborted)
        throw new LabError('RL_CANCELLED', `Experiment ${id} was cancelled`, {
          hint: `What is missing of it is measured by: ${commandName()} ${outcome.experiment.kind} --resume ${id}`,
        });
      tellGates(gates);
      const failed = runs.find(({ state }) => state === 'failed');
      if (failed?.error && process.exitCode !== 1)
        throw LabError.fromBody(failed.error as Parameters<typeof LabError.fromBody>[0]);
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
      const left = leftS === null ? '' : `, ${told(leftS)} left`;
      bar.update(over + (running?.part ?? 0), `${over} of ${total}${left}  ${running?.key ?? ''}`);
    }
  } finally {
    bar?.stop();
    interrupted.removeEventListener('abort', cancel);
  }
}

/** `2 h 5 min`, `3 min`, `40 s`. */
function told(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function cellsTable(cells: readonly OutcomeCell[]): string {
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
