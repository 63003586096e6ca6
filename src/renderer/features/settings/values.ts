/** The settings that can be changed here: what they are called, and from the lab's words to the form's and back. */
import type { Setting } from '../../../shared/config/settings.ts';

export interface Editor {
  label: string;
  unit: string | null;
  /** Choices, or a whole number in a range. */
  kind: { choices: readonly { value: string; label: string }[] } | { min: number; max: number };
  about: string;
}

export const EDITORS: Readonly<Record<string, Editor>> = {
  'store.raw_days': {
    label: 'Keep samples',
    unit: 'days',
    kind: { min: 1, max: 3650 },
    about: 'Every ping and transfer. Older ones live on in roll-ups.',
  },
  'store.rollup_days': {
    label: 'Keep roll-ups by minute',
    unit: 'days',
    kind: { min: 1, max: 3650 },
    about: 'At least as long as samples. Roll-ups by hour are kept for good.',
  },
  'metrics.labels': {
    label: 'Labels of metrics',
    unit: null,
    kind: {
      choices: [
        { value: 'full', label: 'Route, server, congestion' },
        { value: 'minimal', label: 'Route only' },
      ],
    },
    about: 'What tells series apart at /metrics.',
  },
  'metrics.histogram_buckets': {
    label: 'Histogram buckets',
    unit: null,
    kind: { min: 2, max: 100 },
    about: 'From 1 ms to 10 s. Empty for the default eleven.',
  },
};

/** As the form has it: empty where nothing is set. */
export type Draft = Readonly<Record<string, string | number>>;

export const draftOf = (settings: readonly Setting[]): Draft =>
  Object.fromEntries(
    settings
      .filter(({ path }) => path in EDITORS)
      .map(({ path, value }) => [path, (value as string | number | null) ?? '']),
  );

/** What is to be changed: of each field that differs its new value, null for the default. */
export const changesOf = (
  settings: readonly Setting[],
  draft: Draft,
): Record<string, string | number | null> =>
  Object.fromEntries(
    settings
      .filter(({ path, value, editable }) => editable && path in EDITORS && draft[path] !== (value ?? ''))
      .map(({ path }) => [path, draft[path] === '' ? null : draft[path]!]),
  );

/** Why a draft cannot be saved, by field. */
export function faultsOf(draft: Draft): Record<string, string> {
  const faults: Record<string, string> = {};
  for (const [path, value] of Object.entries(draft)) {
    const kind = EDITORS[path]?.kind;
    if (kind === undefined || 'choices' in kind || value === '') continue;
    if (!Number.isInteger(value) || Number(value) < kind.min || Number(value) > kind.max)
      faults[path] = `A whole number from ${kind.min} to ${kind.max}.`;
  }
  const { 'store.raw_days': raw, 'store.rollup_days': rollup } = draft;
  if (typeof raw === 'number' && typeof rollup === 'number' && rollup < raw)
    faults['store.rollup_days'] ??= `At least the ${raw} days of samples.`;
  return faults;
}

/** Where a value is from, in words. */
export function sourceOf({ source }: Setting, file: string | null): string {
  switch (source.kind) {
    case 'default':
      return 'default';
    case 'lab':
      return 'set here';
    case 'file':
      return `${file?.split(/[\\/]/).at(-1) ?? 'file'}${source.line === null ? '' : `, line ${source.line}`}`;
    case 'environment':
      return `environment, ${source.name}`;
    case 'option':
      return `option ${source.name}`;
  }
}

/** As one would write it in the file. */
export function shown({ value, secret, source, unit }: Setting): string {
  if (secret) return source.kind === 'default' ? 'not set' : 'set, not shown';
  if (value === null) return 'not set';
  if (Array.isArray(value) && value.length === 0) return 'none';
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'none' : JSON.stringify(value);
  if (unit === 'ms') return Number(value) % 1000 === 0 ? `${Number(value) / 1000} s` : `${value} ms`;
  return unit === null ? String(value) : `${value} ${unit}`;
}

export const USE_WORDS = { now: '', restart: 'from the next start', later: 'not used yet' } as const;
