/**
 * Every setting of a lab: those of lab.yaml, those kept in the lab itself, and those that only the environment sets. Each has
 * one effective value and says where it is from: an option, the environment, the file, the lab, or the default.
 */
import { z } from 'zod';
import type { ConfigFile, Raw } from './file.ts';
import { SECRET_FIELDS } from './file.ts';
import { Config, fieldsOf, unitOf } from './schema.ts';
import { line, ratio, webUrl } from './values.ts';

export const Settings = Config.extend({
  /** Of `/metrics`; kept in the lab. */
  metrics: z
    .strictObject({
      /** `minimal` leaves `server` and `congestion` out. */
      labels: z.enum(['full', 'minimal']).default('full'),
      /** Buckets of histograms beside +Inf; null for those that suit Prometheus' own. */
      histogram_buckets: z.number().int().min(2).max(100).nullable().default(null),
    })
    .prefault({}),
  /** Of the models to come; set by the environment alone. */
  learning: z
    .strictObject({
      telemetry_url: webUrl.nullable().default(null),
      model_store_path: line(4096).nullable().default(null),
      min_training_data_points: z.number().int().min(1).max(1e9).nullable().default(null),
      max_training_data_age_days: z.number().min(0).max(36_500).nullable().default(null),
      confidence_threshold: ratio.nullable().default(null),
      fallback_to_rule_based: z.boolean().nullable().default(null),
      optimization_interval_seconds: z.number().min(1).max(31_536_000).nullable().default(null),
    })
    .prefault({}),
});
export type Settings = z.infer<typeof Settings>;

export const FIELDS: ReadonlyMap<string, z.ZodType> = new Map(
  fieldsOf(Settings).map(({ path, schema }) => [path, schema]),
);

/** Fields that can be changed in the lab, where neither file nor environment nor option sets them. */
export const EDITABLE: ReadonlySet<string> = new Set([
  'store.raw_days',
  'store.rollup_days',
  'metrics.labels',
  'metrics.histogram_buckets',
]);

/** `now` applies when it changes, `restart` with the next start; `later` is checked and kept, but nothing uses it yet. */
type Use = 'now' | 'restart' | 'later';
const USES: readonly (readonly [RegExp, Use])[] = [
  [/^(server\.(host|port)|logging\.format|metrics\.|monitoring\.(collect|check|keep)$)/, 'restart'],
  [/^monitoring\.alerts\.(?!model_load$)/, 'now'],
  [/^(server|auth|logging|store)\.|^(routes|data_sources)$|^probes\.(interval|congestion)$/, 'now'],
];
export const useOf = (path: string): Use => USES.find(([pattern]) => pattern.test(path))?.[1] ?? 'later';

const SettingSource = z.object({
  kind: z.enum(['default', 'lab', 'file', 'environment', 'option']),
  /** The variable or the option. */
  name: z.string().nullable(),
  /** Of the file. */
  line: z.number().int().nullable(),
});

type SettingSource = z.infer<typeof SettingSource>;

export const Setting = z.object({
  path: z.string(),
  /** Null also for a secret that is set. */
  value: z.unknown(),
  default: z.unknown(),
  /** Of a number that stands for a time. */
  unit: z.enum(['ms', 's']).nullable(),
  source: SettingSource,
  /** Never shown; `source` says whether it is set. */
  secret: z.boolean(),
  editable: z.boolean(),
  use: z.enum(['now', 'restart', 'later']),
});
export type Setting = z.infer<typeof Setting>;

export interface Layer {
  kind: Exclude<SettingSource['kind'], 'default'>;
  /** Values as they were written, by path. */
  values: ReadonlyMap<string, unknown>;
  nameOf(path: string): string | null;
  lineOf(path: string): number | null;
}

export const emptyLayer = (kind: Layer['kind']): Layer => ({
  kind,
  values: new Map(),
  nameOf: () => null,
  lineOf: () => null,
});

export const fileLayer = ({ values, lineOf }: ConfigFile): Layer => ({
  kind: 'file',
  values: new Map([...FIELDS.keys()].flatMap((path) => given(values, path))),
  nameOf: () => null,
  lineOf,
});

function given(values: Raw, path: string): [string, unknown][] {
  let at: unknown = values;
  for (const key of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return [];
    at = (at as Raw)[key];
  }
  return [[path, at]];
}

export interface Effective {
  values: Settings;
  list: Setting[];
}

/** What holds, of layers in order of precedence. Throws ZodError where they contradict each other. */
export function effective(layers: readonly Layer[]): Effective {
  const sources = new Map<string, SettingSource>();
  const written: Record<string, unknown> = {};
  for (const path of FIELDS.keys()) {
    const layer = layers.find(({ values }) => values.has(path));
    if (layer === undefined) {
      sources.set(path, { kind: 'default', name: null, line: null });
      continue;
    }
    sources.set(path, { kind: layer.kind, name: layer.nameOf(path), line: layer.lineOf(path) });
    put(written, path.split('.'), layer.values.get(path));
  }
  const values = Settings.parse(written);
  const defaults = Settings.parse({});
  const list = [...FIELDS.keys()].map((path): Setting => {
    const source = sources.get(path)!;
    const secret = SECRET_FIELDS.test(path);
    return {
      path,
      value: secret ? null : at(values, path),
      default: at(defaults, path),
      unit: unitOf(FIELDS.get(path)!),
      source,
      secret,
      editable: EDITABLE.has(path) && (source.kind === 'default' || source.kind === 'lab'),
      use: useOf(path),
    };
  });
  return { values, list };
}

function put(into: Record<string, unknown>, [key, ...rest]: string[], value: unknown): void {
  if (rest.length === 0) into[key!] = value;
  else {
    into[key!] ??= {};
    put(into[key!] as Record<string, unknown>, rest, value);
  }
}

const at = (values: unknown, path: string): unknown =>
  path.split('.').reduce((value, key) => (value as Record<string, unknown>)[key], values);
