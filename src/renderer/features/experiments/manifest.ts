/** A manifest as facts to read. It is versioned and may be of an earlier form: what it does not have is not shown. Pure. */
import { formatBytes } from '../../../shared/units.ts';

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

/** Every leaf by its path, such as `emulation.down.rateBps`. A list is one. */
function leavesOf(value: unknown, path = ''): [string, unknown][] {
  const inner = isFields(value) ? Object.entries(value) : [];
  if (inner.length === 0) return path === '' ? [] : [[path, value]];
  return inner.flatMap(([key, each]) => leavesOf(each, path === '' ? key : `${path}.${key}`));
}

/** An empty list or object is a leaf that says nothing, as is an empty text. */
const says = ([, value]: [string, unknown]): boolean =>
  value !== null && value !== '' && (Array.isArray(value) ? value.length > 0 : typeof value !== 'object');

interface ManifestFacts {
  facts: [name: string, value: string][];
  routes: { id: string | null; name: string; told: [string, unknown][] }[];
  parameters: [string, unknown][];
}

/** Of what would be a bare number. */
const SYSTEM_WORDS: Readonly<Record<string, (value: number) => string>> = {
  cores: (count) => `× ${count},`,
  memoryBytes: (bytes) => formatBytes(bytes),
};

export function manifestFacts(manifest: Fields): ManifestFacts {
  const { app, os, node, seed, schema, routes, parameters } = manifest;
  const text = (value: unknown): string | null =>
    typeof value === 'string' || typeof value === 'number' ? String(value) : null;
  const said: [string, string | null][] = [
    ['RouteLab', isFields(app) ? text(app['version']) : null],
    ['Commit', isFields(app) ? text(app['commit']) : null],
    [
      'System',
      isFields(os)
        ? Object.entries(os)
            .flatMap(([name, each]) => SYSTEM_WORDS[name]?.(Number(each)) ?? text(each) ?? [])
            .join(' ')
        : null,
    ],
    ['Node', text(node)],
    ['Seed', text(seed)],
    ['Schema', text(schema)],
  ];
  return {
    facts: said.flatMap(([name, value]) => (value === null || value === '' ? [] : [[name, value]])),
    routes: (Array.isArray(routes) ? routes : []).filter(isFields).map(({ id, name, ...told }) => ({
      id: typeof id === 'string' ? id : null,
      name: text(name) ?? text(id) ?? 'a route',
      told: leavesOf(told).filter(says),
    })),
    parameters: leavesOf(parameters).filter(says),
  };
}
