/**
 * How manifests are made true again. Each kind of experiment has an executor, registered by its kind; what a manifest asks for is
 * checked before anything is measured.
 */
import type { z } from 'zod';
import { LabError } from '../../shared/errors.ts';
import {
  EXPERIMENT_KINDS,
  type ExperimentKind,
  MANIFEST_VERSION,
  Manifest,
} from '../../shared/experiments.ts';
import { placesOf, tellIssue } from '../../shared/input-issues.ts';
import { schemaHash } from './manifest.ts';

export interface Request<S> {
  manifest: Manifest;
  settings: S;
  /** Null unless it was asked for. */
  durationS: number | null;
  repetitions: number;
  /** The experiment that is continued: what is done of it stays. Null where it is measured anew. */
  continues: number | null;
  /** Aborts when it is to end early. */
  signal: AbortSignal;
}

/** What is under way: the experiment that its runs belong to, and its end. `over` never rejects: runs say how they ended. */
interface Execution {
  experimentId: number;
  over: Promise<void>;
}

export interface Executor<S = unknown> {
  /** Whether an experiment that was cut short can be continued. */
  readonly continues?: boolean;
  /** What may be set. A manifest bears the hash of it. */
  readonly schema: z.ZodType<S>;
  /** Where the settings are in a manifest: of monitors the first of its routes, else its parameters. */
  readonly settingsAt: 'routes' | 'parameters';
  /** Throws catalogue errors of what cannot be begun. */
  begin(request: Request<S>): Execution;
}

/** By kind. Kinds that are not in it cannot be run, imports never. */
export type Executors = Partial<Record<ExperimentKind, Executor>>;

/** For `register`: an executor whose settings nobody else looks at. */
export const executor = <S>(one: Executor<S>): Executor => one as unknown as Executor;

const invalid = (field: string, message: string): LabError =>
  new LabError('RL_INPUT_INVALID', `${field}: ${message}`, { field });

/** What is asked for, if this lab can do it. Throws RL_INPUT_INVALID naming the field of the manifest, and what differs. */
export function readManifest(
  given: Readonly<Record<string, unknown>>,
  executors: Executors,
): { manifest: Manifest; settings: unknown; executor: Executor } {
  const { manifest: version } = given;
  if (typeof version === 'number' && version > MANIFEST_VERSION)
    throw invalid(
      'manifest',
      `version ${version} was made by a newer RouteLab${madeBy(given)}; this one reads version ${MANIFEST_VERSION}`,
    );
  if (version !== MANIFEST_VERSION)
    throw invalid(
      'manifest',
      `is ${JSON.stringify(version) ?? 'missing'}, not ${MANIFEST_VERSION}: not a manifest that can be run`,
    );
  const parsed = Manifest.safeParse(given);
  if (!parsed.success) {
    const { field, text } = tellIssue(parsed.error.issues[0]!, given, Manifest);
    throw new LabError('RL_INPUT_INVALID', text, { field });
  }
  const manifest = parsed.data;
  const chosen = executors[manifest.kind];
  if (chosen === undefined) {
    const known = EXPERIMENT_KINDS.filter((kind) => executors[kind] !== undefined).join(', ');
    throw invalid('kind', `${manifest.kind} cannot be measured again; what can are ${known}`);
  }
  const told = settingsOf(manifest, chosen);
  if (manifest.schema !== null && manifest.schema !== schemaHash(chosen.schema))
    throw invalid(
      'schema',
      `made${madeBy(given)} with other settings than this RouteLab has: ${differences(told, chosen.schema)}`,
    );
  const settings = chosen.schema.safeParse(told);
  if (!settings.success) {
    const { field, text } = tellIssue(settings.error.issues[0]!, told, chosen.schema);
    throw new LabError('RL_INPUT_INVALID', `${chosen.settingsAt}.${text}`, { field });
  }
  return { manifest, settings: settings.data, executor: chosen };
}

function settingsOf(manifest: Manifest, { settingsAt }: Executor): Record<string, unknown> {
  if (settingsAt === 'parameters') return manifest.parameters;
  const [route, another] = manifest.routes;
  if (route === undefined || another !== undefined)
    throw invalid('routes', `names ${manifest.routes.length} routes; a monitor has one`);
  // How it is marked, which is not measured.
  const { id, demo, port = 1, ...settings } = route;
  return { ...settings, port };
}

function madeBy(given: Readonly<Record<string, unknown>>): string {
  const { version, commit } = (given['app'] ?? {}) as { version?: unknown; commit?: unknown };
  if (typeof version !== 'string') return '';
  return ` (version ${version}${typeof commit === 'string' ? `, commit ${commit.slice(0, 12)}` : ''})`;
}

/** The fields that one has and the other has not; where these agree, their ranges or meanings do not. */
function differences(told: Readonly<Record<string, unknown>>, schema: z.ZodType): string {
  const places = placesOf(schema);
  const known = new Set(places.get('') ?? []);
  const gone = Object.keys(told).filter((field) => !known.has(field));
  const added = [...known].filter((field) => !(field in told));
  const parts = [
    ...(gone.length > 0 ? [`${gone.join(', ')} unknown here`] : []),
    ...(added.length > 0 ? [`${added.join(', ')} not in it`] : []),
  ];
  return parts.length > 0 ? parts.join('; ') : 'the same fields, with other ranges or meanings';
}
