/** What a schema found wrong with a value, for people: the field, its value, and what is accepted there. */
import { z } from 'zod';

export interface ToldIssue {
  field: string;
  text: string;
}

const LONGEST_VALUE = 60;

/** `alsoKnown`: fields of the value itself that something took off before the schema saw it. */
export function tellIssue(
  issue: z.core.$ZodIssue,
  value: unknown,
  schema: z.ZodType,
  alsoKnown: readonly string[] = [],
): ToldIssue {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const key = issue.keys[0]!;
    const field = [...path, key].join('.');
    const places = placesOf(schema);
    const here = path.filter((part) => !/^\d+$/.test(part)).join('.');
    const known = [...(places.get(here) ?? []), ...(here === '' ? alsoKnown : [])];
    const elsewhere = [...places].filter(([, names]) => names.includes(key)).map(([place]) => place);
    const hint =
      elsewhere.length === 0 ? '' : `; ${key} is a field of ${elsewhere.map(placeName).join(' and of ')}`;
    return { field, text: `${field}: no such field${hint}; known here are ${known.join(', ')}` };
  }
  const field = path.join('.') || 'scenario';
  const said = issue.message.replace(/^(Invalid input|Too small|Too big|Invalid option): /, '');
  return { field, text: `${field}: is ${shown(valueAt(value, path))}; ${said}` };
}

const placeName = (place: string): string => (place === '' ? 'the scenario itself' : place);

/** Of each object of a schema its fields, by its path; arrays are looked through, and of a union all its members count. */
export function placesOf(schema: z.ZodType): Map<string, string[]> {
  const places = new Map<string, string[]>();
  const walk = (at: unknown, path: string): void => {
    if (at instanceof z.ZodOptional || at instanceof z.ZodNullable || at instanceof z.ZodDefault)
      walk(at.unwrap(), path);
    else if (at instanceof z.ZodArray) walk(at.element, path);
    else if (at instanceof z.ZodUnion) for (const option of at.options) walk(option, path);
    else if (at instanceof z.ZodObject) {
      const names = places.get(path) ?? [];
      places.set(path, names);
      for (const [name, inner] of Object.entries(at.shape)) {
        if (!names.includes(name)) names.push(name);
        walk(inner, path === '' ? name : `${path}.${name}`);
      }
    }
  };
  walk(schema, '');
  return places;
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const key of path) at = (at as Record<string, unknown> | null | undefined)?.[key];
  return at;
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}
