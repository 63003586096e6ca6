/** Settings from the environment: `ROUTELAB_` and the path of the setting, or one of the bare names that others use. */
import { parse } from 'yaml';
import { LabError } from '../errors.ts';
import { suggestion } from '../suggestion.ts';
import { SECRET_FIELDS } from './file.ts';
import { FIELDS, type Layer } from './settings.ts';

type Environment = Readonly<Record<string, string | undefined>>;

const BARE_NAMES: Readonly<Record<string, string>> = {
  JWT_SECRET: 'auth.jwt_secret',
  TELEMETRY_URL: 'learning.telemetry_url',
  MODEL_STORE_PATH: 'learning.model_store_path',
  MIN_TRAINING_DATA_POINTS: 'learning.min_training_data_points',
  MAX_TRAINING_DATA_AGE_DAYS: 'learning.max_training_data_age_days',
  CONFIDENCE_THRESHOLD: 'learning.confidence_threshold',
  FALLBACK_TO_RULE_BASED: 'learning.fallback_to_rule_based',
  OPTIMIZATION_INTERVAL_SECONDS: 'learning.optimization_interval_seconds',
};
const PREFIX = 'ROUTELAB_';
const LONGEST_VALUE = 65_536;

/** `server.port` is ROUTELAB_SERVER_PORT. */
const variableOf = (path: string): string => PREFIX + path.toUpperCase().replaceAll('.', '_');

/** Of a setting the variables that set it, the first before the second. */
const variablesOf = (path: string): string[] => [
  variableOf(path),
  ...Object.keys(BARE_NAMES).filter((name) => BARE_NAMES[name] === path),
];

/** An empty variable sets nothing. Throws RL_CONFIG_INVALID naming the variable. */
export function environmentLayer(env: Environment): Layer {
  const values = new Map<string, unknown>();
  const names = new Map<string, string>();
  for (const path of FIELDS.keys()) {
    const name = variablesOf(path).find((variable) => (env[variable] ?? '') !== '');
    if (name === undefined) continue;
    values.set(path, readValue(path, name, env[name]!));
    names.set(path, name);
  }
  return { kind: 'environment', values, nameOf: (path) => names.get(path) ?? null, lineOf: () => null };
}

/** Variables that look as if one of ours was meant, with that one. */
export function misspelt(env: Environment): { name: string; meant: string }[] {
  const known = [...FIELDS.keys()].map(variableOf);
  return Object.keys(env).flatMap((name) => {
    if (!name.startsWith(PREFIX) || known.includes(name)) return [];
    const meant = suggestion(
      name.slice(PREFIX.length),
      known.map((other) => other.slice(PREFIX.length)),
    );
    return meant === null ? [] : [{ name, meant: PREFIX + meant }];
  });
}

/** As text, as YAML would read it, or as a list with commas: whichever the setting takes. */
function readValue(path: string, name: string, text: string): unknown {
  const schema = FIELDS.get(path)!;
  const refuse = (message: string): LabError =>
    new LabError('RL_CONFIG_INVALID', `${name} in the environment: ${message}`, {
      field: name,
      hint: 'Correct the variable, or take it out of the environment.',
    });
  if (text.length > LONGEST_VALUE) throw refuse('too long');
  const asText = schema.safeParse(text);
  if (asText.success) return text;
  for (const read of [
    () => parse(text, { maxAliasCount: 0, logLevel: 'silent' }),
    () => text.split(',').map((part) => part.trim()),
  ]) {
    try {
      const value: unknown = read();
      if (schema.safeParse(value).success) return value;
    } catch {
      // Not YAML either.
    }
  }
  const said = asText.error.issues[0]!.message.replace(/^[A-Z][a-z ]+: /, '');
  throw refuse(SECRET_FIELDS.test(path) ? said : `is ${JSON.stringify(text.slice(0, 60))}; ${said}`);
}
