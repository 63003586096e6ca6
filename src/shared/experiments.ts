/**
 * Experiments: what was measured in one way, so that it can be measured that way again. An experiment has a manifest, which
 * reproduces it, and runs; a run of a matrix is a cell.
 */
import { z } from 'zod';
import { LabFailure, RouteId, RunState } from './domain.ts';

export const EXPERIMENT_KINDS = [
  'monitor',
  'demo',
  'probe',
  'matrix',
  'scenario',
  'fairness',
  'compare',
  'import',
] as const;
export const ExperimentKind = z.enum(EXPERIMENT_KINDS);
export type ExperimentKind = z.infer<typeof ExperimentKind>;

/** Order of a list; `runs`: those with the most first. */
export const ExperimentOrder = z.enum(['newest', 'oldest', 'name', 'kind', 'runs']);
export type ExperimentOrder = z.infer<typeof ExperimentOrder>;

const Name = z.string().trim().min(1).max(200);
const Notes = z.string().max(100_000);
const Tags = z.array(z.string().trim().min(1).max(32)).max(16);

/** How many of an experiment's runs are in which state. */
export const RunCounts = z.record(RunState, z.number().int());
export type RunCounts = z.infer<typeof RunCounts>;

export const Experiment = z.object({
  id: z.number().int(),
  name: Name,
  kind: ExperimentKind,
  notes: Notes,
  tags: Tags,
  /** The baseline that others of its kind are compared to: at most one of each kind. */
  pinned: z.boolean(),
  /** Taken from a file: nothing that is measured here becomes a run of it. */
  imported: z.boolean(),
  createdAtMs: z.number(),
  /** When it was removed; it can be restored for `REMOVED_KEPT_DAYS`. */
  deletedAtMs: z.number().nullable(),
  /** Versioned; `Manifest` is its newest form. */
  manifest: z.record(z.string(), z.unknown()),
  runs: RunCounts,
});
export type Experiment = z.infer<typeof Experiment>;

/** What a user may change of an experiment; what is absent stays as it is. */
export const ExperimentPatch = z.strictObject({ name: Name, notes: Notes, tags: Tags }).partial();
export type ExperimentPatch = z.infer<typeof ExperimentPatch>;

/** What reproduces an experiment. */
export const MANIFEST_VERSION = 2;
export const Manifest = z.strictObject({
  manifest: z.literal(MANIFEST_VERSION),
  kind: ExperimentKind,
  /** Hash of the JSON Schema of `routes` and `parameters` for this kind; null of what was measured before it was kept. */
  schema: z.string().max(128).nullable(),
  /** Null of what was measured before it was kept, or by another program. */
  app: z.strictObject({ version: z.string().max(64), commit: z.string().max(128).nullable() }).nullable(),
  os: z.record(z.string(), z.union([z.string(), z.number()])).nullable(),
  node: z.string().max(64).nullable(),
  /** Of everything random that the lab decides, such as emulated losses; null where nothing is. */
  seed: z.number().int().min(0).max(0xffff_ffff).nullable(),
  /** Settings of the routes it measures: of monitors, as `RouteInput`, with the route's id. */
  routes: z.array(z.record(z.string(), z.unknown())).max(1000),
  parameters: z.record(z.string(), z.unknown()),
});
export type Manifest = z.infer<typeof Manifest>;

/** Of a file of another program, with what it tells of its settings. */
export const importManifest = (file: string, settings: Manifest['parameters'] = {}): Manifest => ({
  manifest: MANIFEST_VERSION,
  kind: 'import',
  schema: null,
  app: null,
  os: null,
  node: null,
  seed: null,
  routes: [],
  parameters: { file, ...settings },
});

/** One number that a run came to. */
export const MetricValue = z.object({
  /** Null: it was to be measured and could not be. */
  value: z.number().nullable(),
  /** `us`, `bps`, `bytes`, `ratio` (of 1) or another; null of a count. */
  unit: z.string().max(32).nullable(),
  /** Which way is better; null where neither is. */
  better: z.enum(['lower', 'higher']).nullable().default(null),
});
export type MetricValue = z.infer<typeof MetricValue>;

/** By name, such as `rtt_p50`. What was not to be measured is absent. */
export const Metrics = z.record(z.string().min(1).max(64), MetricValue);
export type Metrics = z.infer<typeof Metrics>;

export const Run = z.object({
  /** Which ids `id` is one of: `probe` of the probe runs, `run` of all others. */
  source: z.enum(['run', 'probe']),
  id: z.number().int(),
  experimentId: z.number().int(),
  /** Which part of the experiment: a cell of a matrix, the route of a monitor, '' where there is but one. */
  key: z.string(),
  /** Which of the runs with this key, from 0 on. */
  repetition: z.number().int(),
  /** Of a monitor in this lab. */
  routeId: RouteId.nullable(),
  state: RunState,
  createdAtMs: z.number(),
  startedAtMs: z.number().nullable(),
  endedAtMs: z.number().nullable(),
  /** What distinguishes this run from others of its experiment. */
  parameters: z.record(z.string(), z.unknown()),
  /** Null until it came to something. */
  result: Metrics.nullable(),
  error: LabFailure.nullable(),
  /** Pings, transfers and handshakes that are stored; null where none are kept. */
  samples: z.number().int().nullable(),
});
export type Run = z.infer<typeof Run>;

/** Raw samples of an experiment, by table. */
export const SampleSummary = z.object({
  table: z.string(),
  rows: z.number().int(),
  fromMs: z.number().nullable(),
  toMs: z.number().nullable(),
});
export type SampleSummary = z.infer<typeof SampleSummary>;

const Interval = z.object({ estimate: z.number(), low: z.number(), high: z.number() });

/** One metric of one experiment beside the baseline. */
export const ComparedMetric = z.object({
  /** Runs that came to a value. */
  n: z.number().int(),
  median: z.number().nullable(),
  /** Confidence interval of the median at 95 %; null with fewer than six runs. */
  interval: z.object({ low: z.number(), high: z.number() }).nullable(),
  min: z.number().nullable(),
  max: z.number().nullable(),
  /** Median less the baseline's, with its interval at 95 %; null of the baseline itself and with too few runs. */
  difference: Interval.nullable(),
  /** The same over the baseline's median; null where that is 0. */
  ratio: Interval.nullable(),
  /** Null of the baseline itself. `differs`: the metric has no better direction. */
  verdict: z.enum(['better', 'worse', 'differs', 'inconclusive', 'too_few']).nullable(),
});
export type ComparedMetric = z.infer<typeof ComparedMetric>;

export const Comparison = z.object({
  baselineId: z.number().int(),
  /** In the order asked for, a pinned one that was not asked for before them; `values` and `cells` likewise. */
  experiments: z.array(Experiment),
  /** Fields of the manifests by their path, such as `parameters.durationS`; null where one has no such field. */
  parameters: z.array(z.object({ path: z.string(), differs: z.boolean(), values: z.array(z.unknown()) })),
  metrics: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      unit: z.string().nullable(),
      /** Cell of a matrix that the row is about; null where every experiment has one key. */
      key: z.string().nullable(),
      cells: z.array(ComparedMetric),
    }),
  ),
});
export type Comparison = z.infer<typeof Comparison>;

/** Archives (jsonl, csv, parquet) lose nothing and can be imported; csv and parquet are ZIP files with a table each. */
export const EXPORT_FORMATS = ['jsonl', 'csv', 'parquet', 'qlog', 'html', 'md', 'json'] as const;
export const ExportFormat = z.enum(EXPORT_FORMATS);
export type ExportFormat = z.infer<typeof ExportFormat>;

/** The tables of an archive, of which one alone is CSV or Parquet. */
export const EXPORT_TABLES = [
  'experiment',
  'run',
  'probe_run',
  'ping',
  'ping_skip',
  'transfer',
  'handshake',
  'transport',
  'congestion',
  'congestion_phase',
] as const;
export const ExportTable = z.enum(EXPORT_TABLES);
export type ExportTable = z.infer<typeof ExportTable>;

/** A file in the data folder: in `exports/`, or in `downloads/` of a host that speaks HTTP, which serves it under `url`. */
export const ExportFile = z.object({
  name: z.string(),
  path: z.string(),
  url: z.string(),
  bytes: z.number().int(),
  mediaType: z.string(),
});
export type ExportFile = z.infer<typeof ExportFile>;

/** What became of a part of an imported file: `continues` names what the next part goes on with, null after the last. */
export const ImportStep = z.object({
  continues: z.number().int().nullable(),
  experiments: z.array(Experiment),
});
export type ImportStep = z.infer<typeof ImportStep>;

type Fields = Readonly<Record<string, unknown>>;
const fieldsOf = (value: unknown): Fields =>
  value !== null && typeof value === 'object' && !Array.isArray(value) ? (value as Fields) : {};

/** What a manifest, of whatever version, says of each path that was measured. */
export function pathsOf(manifest: Fields): Fields[] {
  const routes = Array.isArray(manifest['routes']) ? manifest['routes'].map(fieldsOf) : [];
  const parameters = fieldsOf(manifest['parameters']);
  return [...routes, fieldsOf(parameters['target']), parameters];
}

/** Kinds whose loads run over paths that the lab makes. */
const ALWAYS_EMULATED: readonly ExperimentKind[] = ['matrix', 'scenario', 'fairness'];

/** Whether a path of it was emulated: its numbers are to say so. */
export const isEmulated = ({ kind, manifest }: Pick<Experiment, 'kind' | 'manifest'>): boolean =>
  ALWAYS_EMULATED.includes(kind) || pathsOf(manifest).some((path) => (path['emulation'] ?? null) !== null);
