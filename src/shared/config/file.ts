/**
 * lab.yaml as text to what it sets. YAML 1.2, one document, at most 256 KiB; each name once, aliases a hundred at most.
 * Whatever is wrong is RL_CONFIG_INVALID with file, line, column and field.
 */
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { z } from 'zod';
import { LabError } from '../errors.ts';
import { suggestion } from '../suggestion.ts';
import { Config, namesAt } from './schema.ts';

export const MAX_FILE_BYTES = 262_144;
const MAX_ALIASES = 100;
const MAX_DEPTH = 32;

/** Values by section, as written. */
export type Raw = Readonly<Record<string, unknown>>;

export interface ConfigFile {
  values: Raw;
  /** Line on which the field of this path stands; null where the file does not set it. */
  lineOf(path: string): number | null;
}

/** `name` is how errors call the file. Throws RL_CONFIG_INVALID. */
export function parseConfigFile(text: string, name: string): ConfigFile {
  const counter = new LineCounter();
  const refuse = (offset: number, message: string, field?: string): LabError => {
    const { line, col } = counter.linePos(offset);
    const place = `${name}:${Math.max(1, line)}:${Math.max(1, col)}`;
    return new LabError(
      'RL_CONFIG_INVALID',
      `${place}: ${field === undefined ? '' : `${field}: `}${message}`,
      {
        ...(field !== undefined && { field }),
      },
    );
  };
  // Encoded, no text is shorter than it has characters.
  if (text.length > MAX_FILE_BYTES) throw refuse(0, `larger than ${MAX_FILE_BYTES / 1024} KiB`);
  requireShallow(text, refuse);
  const document = parseDocument(text, {
    lineCounter: counter,
    prettyErrors: false,
    version: '1.2',
    logLevel: 'error',
  });
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault !== undefined) throw refuse(fault.pos[0], fault.message);

  const values = valuesOf(document, (message) => refuse(0, message));
  const place = placeIn(document);
  const checked = Config.safeParse(values);
  if (!checked.success) {
    const { field, path, message } = tellConfigIssue(checked.error.issues[0]!, values);
    throw refuse(place(path)?.offset ?? 0, message, field);
  }
  return {
    values,
    lineOf: (path) => {
      const found = place(path.split('.'));
      return found?.whole === true ? counter.linePos(found.offset).line : null;
    },
  };
}

/** Brackets and block markers nest at most so deep; the parser would need a stack for each level. */
function requireShallow(text: string, refuse: (offset: number, message: string) => LabError): void {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '[' || char === '{') depth++;
    else if (char === ']' || char === '}') depth = Math.max(0, depth - 1);
    if (depth > MAX_DEPTH * 4) throw refuse(at, 'nested too deeply');
  }
  const deepest = text.match(/^(?:[ \t]*[-?:](?:[ \t]+|$)){33}/m);
  if (deepest !== null) throw refuse(deepest.index!, 'nested too deeply');
}

function valuesOf(document: Document.Parsed, refuse: (message: string) => LabError): Raw {
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (thrown) {
    // Of aliases that multiply, and of those that lead nowhere.
    throw refuse((thrown as Error).message);
  }
  if (value === null || value === undefined) return {};
  if (typeof value !== 'object' || Array.isArray(value))
    throw refuse('expected sections such as server: and routes:');
  // A section without content is one that says nothing.
  return Object.fromEntries(Object.entries(value).filter(([, section]) => section !== null));
}

interface Place {
  offset: number;
  /** Whether the whole path is there, not only the beginning of it. */
  whole: boolean;
}

/** Where the field of a path stands, or the nearest that holds it. */
const placeIn =
  (document: Document.Parsed) =>
  (path: readonly PropertyKey[]): Place | null => {
    let node: unknown = document.contents;
    let offset: number | null = null;
    for (const key of path) {
      if (isAlias(node)) node = node.resolve(document);
      if (isMap(node)) {
        const pair = node.items.find(
          (item) => String(isScalar(item.key) ? item.key.value : item.key) === String(key),
        );
        if (pair === undefined) return offset === null ? null : { offset, whole: false };
        offset = (pair.key as { range?: [number, number, number] }).range?.[0] ?? offset;
        node = pair.value;
      } else if (isSeq(node)) {
        node = node.items[Number(key)];
        offset = (node as { range?: [number, number, number] } | undefined)?.range?.[0] ?? offset;
      } else return offset === null ? null : { offset, whole: false };
    }
    return offset === null ? null : { offset, whole: true };
  };

/** What the schema found wrong, for people: a name nobody knows with the one that was probably meant. */
function tellConfigIssue(
  issue: z.core.$ZodIssue,
  values: unknown,
): { field: string; path: string[]; message: string } {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!;
    const known = namesAt(issue.path) ?? [];
    const meant = suggestion(key, known);
    const advice = meant === null ? `known here are ${known.join(', ')}` : `did you mean ${meant}?`;
    return { field: [...path, key].join('.'), path: [...path, key], message: `no such setting; ${advice}` };
  }
  let value: unknown = values;
  for (const key of path) value = (value as Record<string, unknown> | null | undefined)?.[key];
  const said = issue.message.replace(/^(Invalid input|Too small|Too big|Invalid option): /, '');
  const field = path.join('.') || 'file';
  // A secret is not told to anybody.
  if (SECRET_FIELDS.test(field)) return { field, path, message: said };
  const text = value === undefined ? 'missing' : (JSON.stringify(value) ?? String(value));
  return { field, path, message: `is ${text.length > 60 ? `${text.slice(0, 60)}…` : text}; ${said}` };
}

/** Paths whose values are never shown: not in errors, not in logs, not by the API. */
export const SECRET_FIELDS = /^(auth\.jwt_secret|lisp\.sites(\.\d+\.key)?)$/;
