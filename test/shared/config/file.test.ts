import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseConfigFile } from '../../../src/shared/config/file.ts';
import { Config } from '../../../src/shared/config/schema.ts';
import { effective, emptyLayer, FIELDS, fileLayer } from '../../../src/shared/config/settings.ts';
import { LabError } from '../../../src/shared/errors.ts';

const parsed = (text: string) => effective([fileLayer(parseConfigFile(text, 'lab.yaml'))]).values;

/** The error a text is refused with. */
function refused(text: string): LabError {
  try {
    parseConfigFile(text, 'lab.yaml');
  } catch (thrown) {
    if (thrown instanceof LabError) return thrown;
    throw thrown;
  }
  return expect.unreachable();
}

describe('lab.yaml', () => {
  test('the example is valid, and has every section', () => {
    const text = readFileSync(new URL('../../../resources/lab.example.yaml', import.meta.url), 'utf8');
    const { values } = parseConfigFile(text, 'lab.example.yaml');
    expect(Object.keys(values).toSorted()).toEqual(Object.keys(Config.shape).toSorted());
    // What it says beside lists and tables is what holds without it.
    const { routes, data_sources, xds, lisp, models, ...rest } = parsed(text);
    const defaults = parsed('');
    for (const [section, value] of Object.entries(rest))
      expect(value, section).toEqual(defaults[section as keyof typeof rest]);
    expect(routes).toEqual([
      { id: 'r1', server: 'server.example:4433', via: null, tags: ['example'], cost: 0 },
    ]);
    expect(data_sources[0]!.scrape_interval).toBe(5000);
    expect({ ...xds, clusters: {} }).toEqual(defaults.xds);
    expect({ ...lisp, eid_prefixes: [] }).toEqual(defaults.lisp);
    expect(Object.keys(models)).toEqual(['gpt-4', 'claude-3']);
  });

  test('quantities are read as everywhere else', () => {
    const { probes, lisp, dns, monitoring } = parsed(
      'probes: { interval: 250ms, congestion: reno }\nlisp: { map_cache_ttl: 1h }\ndns: { ttl: 60 }\nmonitoring: { keep: 48h }',
    );
    expect(probes).toEqual({ interval: 250, duration: 0, congestion: 'newreno' });
    expect(lisp.map_cache_ttl).toBe(3600);
    expect(dns.ttl).toBe(60);
    expect(monitoring.keep).toBe(172_800_000);
  });

  test.each([
    ['serverr: {}', 'serverr', 'lab.yaml:1:1: serverr: no such setting; did you mean server?'],
    ['server:\n  port: eighty', 'server.port', 'lab.yaml:2:3: server.port: is "eighty"; expected number'],
    ['store:\n  raw_days: 90\n  rollup_days: 30', 'store.rollup_days', 'lab.yaml:3:3: store.rollup_days'],
    [
      'routes:\n  - id: r1\n    server: nowhere',
      'routes.0.server',
      'lab.yaml:3:5: routes.0.server: is "nowhere"',
    ],
    ['models: { a: { rate_limt: 1 } }', 'models.a.endpoint', 'lab.yaml:1:11: models.a.endpoint: is missing'],
    ['dns: { health: { interval: 1ms } }', 'dns.health.interval', 'not from 1s to 1h'],
    [
      'data_sources: [{ type: prometheus, url: "http://u:p@h", metrics: [up] }]',
      'data_sources.0.url',
      'without a user name',
    ],
    ['routes: [{ id: a, server: "h:1" }, { id: a, server: "h:2" }]', 'routes.1', 'another route is called a'],
  ])('refuses %j with place and field', (text, field, message) => {
    const error = refused(text);
    expect(error).toMatchObject({ code: 'RL_CONFIG_INVALID', field });
    expect(error.message).toContain(message);
  });

  test.each([
    ['server: {', 'lab.yaml:1:'],
    ['server:\n  port: 1\n  port: 2', 'lab.yaml:3:3: Map keys must be unique'],
    ['a: 1\n---\nb: 2', 'multiple documents'],
    ['- server', 'expected sections'],
    ['server: *nothing', 'alias'],
    [`routes: ${'['.repeat(200)}`, 'nested too deeply'],
    [`${'- '.repeat(200)}x`, 'nested too deeply'],
    ['#'.repeat(262_145), 'larger than 256 KiB'],
  ])('refuses what is no lab.yaml', (text, message) => {
    expect(refused(text)).toMatchObject({ code: 'RL_CONFIG_INVALID' });
    expect(refused(text).message).toContain(message);
  });

  test('aliases that multiply are refused before they fill the memory', () => {
    const levels = Array.from({ length: 12 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(10)}]`);
    expect(refused(`l0: &l0 [x]\n${levels.join('\n')}`).message).toContain('Excessive alias count');
  });

  test('a secret that is too short is not repeated in the error', () => {
    const error = refused('auth: { jwt_secret: hunter2 }');
    expect(error.message).toContain('at least 32 characters');
    expect(error.message).not.toContain('hunter2');
  });

  test('whatever the text is, it is a configuration or an error with a place', () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom(
        'server:',
        '  port: 1',
        'routes:',
        '- id: a',
        '? [',
        '&a',
        '*a',
        '<<: *a',
        '!!js',
        '---',
        '{}',
        '%YAML 9',
      ),
      fc
        .constantFrom(...FIELDS.keys())
        .map((path) => `${path.split('.')[0]}: { ${path.split('.').slice(1).join(': { ')}: 1 }`),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        try {
          parseConfigFile(lines.join('\n'), 'f');
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(LabError);
          expect((thrown as LabError).message).toMatch(/^f:\d+:\d+: /);
        }
      }),
    );
  });
});

test('of layers the first that sets a field counts, and says where', () => {
  const file = fileLayer(parseConfigFile('store:\n  raw_days: 7\nserver: { port: 9000 }', 'f'));
  const layer = (kind: 'option' | 'lab', entries: [string, unknown][]) => ({
    ...emptyLayer(kind),
    values: new Map(entries),
    nameOf: () => '--port',
  });
  const { values, list } = effective([
    layer('option', [['server.port', 1]]),
    file,
    layer('lab', [
      ['store.raw_days', 3],
      ['store.rollup_days', 60],
    ]),
  ]);
  expect(values.server.port).toBe(1);
  expect(values.store).toEqual({ raw_days: 7, rollup_days: 60 });
  const of = (path: string) => list.find((setting) => setting.path === path)!;
  expect(of('server.port').source).toEqual({ kind: 'option', name: '--port', line: null });
  expect(of('store.raw_days')).toMatchObject({ source: { kind: 'file', line: 2 }, editable: false });
  expect(of('store.rollup_days')).toMatchObject({ source: { kind: 'lab' }, editable: true, default: 90 });
  expect(of('dns.zone').source.kind).toBe('default');
});
