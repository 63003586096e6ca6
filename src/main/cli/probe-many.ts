/** `routelab probe` of several targets at once, and again and again: each labelled, and none stopped by another's failure. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type LabError, toLabError } from '../../shared/errors.ts';
import { quantile } from '../../shared/samples.ts';
import { Rng } from '../path/rng.ts';
import { Schedule } from '../probe/schedule.ts';
import { nowUs } from '../quic/udp/clock.ts';
import { fits, note, paint, print, table } from './output.ts';
import { cellOf, FIGURES, type Repetition } from './probe-figures.ts';
import { nameOf, type OnceOptions, type ProbeTarget, probeOnce } from './probe-once.ts';
import { isRepeated, type ProbeOptions } from './probe-options.ts';

const DEFAULT_EVERY_US = 30e6;
const DEFAULT_EACH_US = 10e6;
/** Repetitions kept for the result. */
const MOST_KEPT = 10_000;

/** What came of one target, in all. */
interface Summed {
  error: LabError | null;
  /** What `--json` has of it. */
  json: object;
  /** Of the table of all: newest, or median, of each figure. */
  cells: (number | undefined)[];
  label: string;
}

/** Measures all; rejects never. The result of several is `{ targets }`, that of one what stands in it. */
export async function probeMany(
  targets: readonly ProbeTarget[],
  options: ProbeOptions,
  once: Omit<OnceOptions, 'isAlone' | 'durationMs'>,
): Promise<{ json: object; error: LabError | null }> {
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32);
  const summed = await Promise.all(
    targets.map((target, index) => {
      const settings = { ...once, durationMs: durationOf(options), isAlone: false };
      return isRepeated(options)
        ? repeat(target, options, settings, seed + index)
        : single(target, options, settings);
    }),
  );
  if (!options.json) {
    const marks = [
      ...(options.emulated ? ['emulated'] : []),
      ...(options.insecure ? ['insecure: certificate not checked'] : []),
      ...(once.signal.aborted ? ['interrupted'] : []),
    ];
    if (marks.length > 0) print(marks.map((mark) => paint('yellow', mark)).join('  '));
    print(tableOf(summed));
  }
  const error = summed.find((each) => each.error !== null)?.error ?? null;
  return { json: summed.length === 1 ? summed[0]!.json : { targets: summed.map(({ json }) => json) }, error };
}

/** Of one repetition, or of the only one. */
function durationOf(options: ProbeOptions): number | undefined {
  const { duration, count, bytes, each } = options;
  if (!isRepeated(options)) return duration === undefined ? undefined : duration / 1000;
  if (each !== undefined) return each / 1000;
  if (count !== undefined || bytes !== undefined) return undefined;
  return Math.min(DEFAULT_EACH_US, (options.every ?? DEFAULT_EVERY_US) / 2) / 1000;
}

async function attempt(
  target: ProbeTarget,
  options: ProbeOptions,
  once: OnceOptions,
): Promise<{ repetition: Repetition; error: LabError | null }> {
  const started_at = new Date().toISOString();
  try {
    const { result, error } = await probeOnce(target, options, once);
    return { repetition: result, error };
  } catch (thrown) {
    const error = toLabError(thrown);
    const { label, mode } = target;
    const head = { ...(label !== undefined && { label }), target: nameOf(target), mode, started_at };
    return { repetition: { ...head, error: error.toBody() }, error };
  }
}

async function single(target: ProbeTarget, options: ProbeOptions, once: OnceOptions): Promise<Summed> {
  const { repetition, error } = await attempt(target, options, once);
  sayOf(target, error);
  return {
    error,
    json: repetition,
    cells: FIGURES.map(({ of }) => of(repetition)),
    label: labelOf(target),
  };
}

async function repeat(
  target: ProbeTarget,
  options: ProbeOptions,
  once: OnceOptions,
  seed: number,
): Promise<Summed> {
  const { signal } = once;
  const { every: everyUs = DEFAULT_EVERY_US, jitter = 0, duration } = options;
  const startUs = nowUs();
  const endsAtUs = duration ? startUs + duration : Number.POSITIVE_INFINITY;
  const rng = Rng.fromSeed(seed);
  const schedule = new Schedule({ startUs, everyUs, jitter, random: () => rng.float() });
  const started_at = new Date().toISOString();
  const kept: Repetition[] = [];
  const values: number[][] = FIGURES.map(() => []);
  let made = 0;
  let failed = 0;
  let first: LabError | null = null;
  for (;;) {
    const dueUs = schedule.next(nowUs());
    if (dueUs >= endsAtUs) break;
    await sleep(Math.max(0, (dueUs - nowUs()) / 1000), null, { signal }).catch(() => null);
    if (signal.aborted) break;
    const { repetition, error } = await attempt(target, options, once);
    // One that Ctrl-C cut before anything was measured is none.
    if (signal.aborted && error !== null) break;
    made++;
    if (error !== null) {
      failed++;
      first ??= error;
    }
    kept.push(repetition);
    if (kept.length > MOST_KEPT) kept.shift();
    FIGURES.forEach(({ of }, index) => {
      const value = error === null ? of(repetition) : undefined;
      if (value !== undefined) values[index]!.push(value);
    });
    (options.json ? note : print)(lineOf(target, repetition, error));
  }
  const { label } = target;
  return {
    error: first,
    label: labelOf(target),
    cells: values.map((of) =>
      of.length === 0
        ? undefined
        : quantile(
            of.toSorted((a, b) => a - b),
            0.5,
          ),
    ),
    json: {
      ...(label !== undefined && { label }),
      target: nameOf(target),
      mode: target.mode,
      started_at,
      duration_s: Math.round((nowUs() - startUs) / 1000) / 1000,
      schedule: { every_s: everyUs / 1e6, jitter, seed, skipped: schedule.skipped },
      repetitions_made: made,
      repetitions_failed: failed,
      summary: Object.fromEntries(
        FIGURES.flatMap(({ name }, index) => {
          const sorted = values[index]!.toSorted((a, b) => a - b);
          return sorted.length === 0 ? [] : [[name, summaryOf(sorted)]];
        }),
      ),
      repetitions: kept,
      ...(signal.aborted && { interrupted: true }),
    },
  };
}

function summaryOf(sorted: readonly number[]): object {
  const rounded = (value: number): number => Math.round(value * 1e6) / 1e6;
  return {
    n: sorted.length,
    min: rounded(sorted[0]!),
    mean: rounded(sorted.reduce((sum, value) => sum + value, 0) / sorted.length),
    p50: rounded(quantile(sorted, 0.5)),
    p95: rounded(quantile(sorted, 0.95)),
    max: rounded(sorted.at(-1)!),
  };
}

const labelOf = (target: ProbeTarget): string => target.label ?? nameOf(target);

function sayOf(target: ProbeTarget, error: LabError | null): void {
  if (error !== null)
    note(`${paint('red', 'error', process.stderr)} ${labelOf(target)}: ${error.code}: ${error.message}`);
}

/** One repetition in one line: when, which, and its figures. */
function lineOf(target: ProbeTarget, repetition: Repetition, error: LabError | null): string {
  const at = new Date(repetition.started_at).toTimeString().slice(0, 8);
  if (error !== null) return `${at}  ${labelOf(target)}  ${error.code}: ${error.message}`;
  const figures = FIGURES.flatMap((figure) => {
    const value = figure.of(repetition);
    return value === undefined ? [] : [`${figure.title} ${cellOf(value, figure)}`];
  });
  return [at, labelOf(target), ...figures].join('  ');
}

/** All targets beside each other, or each by itself where the terminal is too narrow: only figures that any of them has. */
function tableOf(summed: readonly Summed[]): string {
  const shown = FIGURES.map((figure, index) => ({ figure, index })).filter(({ index }) =>
    summed.some(({ cells }) => cells[index] !== undefined),
  );
  const titles = ['target', ...shown.map(({ figure }) => figure.title), ''];
  const rows = summed.map(({ label, cells, error }) => [
    label,
    ...shown.map(({ figure, index }) => cellOf(cells[index], figure)),
    error?.code ?? '',
  ]);
  const wide = table([titles, ...rows], ['left', ...shown.map(() => 'right' as const), 'left']);
  if (fits(wide)) return wide;
  const narrow = rows.flatMap(([label, ...cells]) => [
    [label!, cells.at(-1)!],
    ...shown.map(({ figure }, index) => [`  ${figure.title}`, cells[index]!]),
  ]);
  return table(narrow, ['left', 'right']);
}
