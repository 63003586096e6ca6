import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createExporter } from '../../src/main/telemetry/exporter.ts';
import { QUIC_FAMILIES } from '../../src/main/telemetry/quic-families.ts';
import { temporaryDir } from '../lab/open-lab.ts';
import { needs } from './real-prometheus.ts';
import { everything } from './sample-data.ts';

interface Dashboard {
  panels: { id: number; title: string; targets: { expr: string }[] }[];
  templating: { list: { definition?: string }[] };
}

const dashboard: Dashboard = JSON.parse(
  readFileSync(new URL('../../resources/grafana/routelab.json', import.meta.url), 'utf8'),
);
const queries = dashboard.panels.flatMap(({ title, targets }) =>
  targets.map(({ expr }) => [title, expr] as const),
);
const metricsIn = (query: string): string[] => query.match(/\b(?:quic|process|nodejs)_\w+/g) ?? [];

/** Names of samples and their labels, as everything there is exports them. */
async function exported(): Promise<Map<string, Set<string>>> {
  const exporter = createExporter();
  everything(exporter);
  let body = '';
  // The lag is sampled every 10 ms.
  await expect
    .poll(async () => (body = (await exporter.render()).body.toString()), { timeout: 20_000 })
    .toContain('nodejs_eventloop_lag_p99_seconds');
  const names = new Map<string, Set<string>>();
  for (const line of body.split('\n')) {
    const [, name, labels = ''] = /^(\w+)(?:\{(.*)\})? /.exec(line) ?? [];
    if (name === undefined) continue;
    const known = names.get(name) ?? new Set();
    for (const [, label] of labels.matchAll(/(\w+)="/g)) known.add(label!);
    names.set(name, known);
  }
  return names;
}

test('every query of the dashboard names metrics that are exported, by labels that they have', async () => {
  const names = await exported();
  const definitions = dashboard.templating.list.flatMap(({ definition }) => definition ?? []);
  for (const [title, query] of [
    ...queries,
    ...definitions.map((definition) => ['variable', definition] as const),
  ]) {
    const metrics = metricsIn(query);
    expect(metrics.length, title).toBeGreaterThan(0);
    for (const metric of metrics) expect([...names.keys()], title).toContain(metric);
    for (const [, metric, selector] of query.matchAll(/(\w+)\{([^}]*)\}/g)) {
      const labels = [...selector!.matchAll(/(\w+)=/g)].map(([, label]) => label!);
      // Prometheus adds these itself.
      for (const label of labels.filter((each) => each !== 'job'))
        expect([...names.get(metric!)!]).toContain(label);
    }
  }
});

test('every QUIC family that is exported is on the dashboard, and in the documentation', () => {
  const shown = queries.flatMap(([, query]) => metricsIn(query));
  const docs = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  for (const { name, type } of QUIC_FAMILIES) {
    const samples = [name, `${name}_sum`, `${name}_bucket`];
    expect(
      shown.some((metric) => samples.includes(metric)),
      name,
    ).toBe(true);
    expect(docs).toMatch(new RegExp(`\\| \`${name}\` \\| ${type} \\|`));
  }
});

test('promtool takes every query', (context) => {
  needs(context, 'promtool');
  const rules = queries.map(([, query], i) => ({
    record: `panel:${i}`,
    expr: query.replaceAll('$__rate_interval', '1m').replaceAll(/\$\w+/g, '.*'),
  }));
  const file = join(temporaryDir(), 'rules.json');
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules }] }));
  const check = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
  expect([check.status, check.stderr]).toEqual([0, '']);
});

test('panels have numbers of their own', () => {
  const ids = dashboard.panels.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});
