import { expect, onTestFinished, test } from 'vitest';
import { serveExporter } from '../../src/main/serve/metrics-endpoint.ts';
import { createExporter } from '../../src/main/telemetry/exporter.ts';

async function served(): Promise<string> {
  const endpoint = await serveExporter(createExporter(), { host: '127.0.0.1', port: 0, option: '--p' });
  onTestFinished(() => endpoint.close());
  return endpoint.url;
}

test('the metrics are there, whether asked for by their format or not', async () => {
  const url = await served();
  for (const query of ['', '?', '?format=prometheus']) {
    const response = await fetch(`${url}${query}`);
    expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('process_cpu')]);
  }
});

test.each([
  ['format=json', 'format'],
  ['format=csv&route=r', 'format'],
  ['start_time=0', 'start_time'],
  ['format=prometheus&route=r', 'route'],
])('what only a lab with a store can answer is refused by name: %s', async (query, field) => {
  const response = await fetch(`${await served()}?${query}`);
  expect([response.status, await response.json()]).toMatchObject([422, { code: 'RL_INPUT_INVALID', field }]);
});
