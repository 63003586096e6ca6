import { expect, it } from 'vitest';
import { collectTable } from '../../src/main/cli/collect-table.ts';
import type { Collected } from '../../src/main/telemetry/collector.ts';

const AT_MS = Date.UTC(2026, 0, 1);
const labels = ['metric', 'congestion', 'instance', 'job', 'route', 'server'];
const series = (route: string): string[] => [
  'quic_congestion_window_bytes',
  'cubic',
  '127.0.0.1:8080',
  'routelab',
  route,
  '127.0.0.1:4433',
];
const collected = {
  table: {
    points: 50,
    columns: ['time', ...labels, 'value'].map((name) => ({ name })),
    *rows() {
      for (const route of ['lte', ''])
        for (let i = 0; i < 25; i++) yield [AT_MS + 5000 * i, ...series(route), i];
    },
  },
} as unknown as Collected;

it('what is collected is a row each where the screen is wide enough', () => {
  const lines = collectTable(collected, 200).split('\n');
  expect(lines[0]).toMatch(/^time +metric +congestion +instance +job +route +server +value$/);
  expect(lines).toHaveLength(1 + 40 + 1);
});

it('and its labels once, with the points below, where it is not', () => {
  const lines = collectTable(collected, 80).split('\n');
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80);
  expect(lines.slice(0, 4)).toEqual([
    'metric quic_congestion_window_bytes  congestion cubic  instance 127.0.0.1:8080',
    '  job routelab  route lte  server 127.0.0.1:4433',
    '    2026-01-01T00:00:00.000Z   0',
    '    2026-01-01T00:00:05.000Z   1',
  ]);
  // A label that a series has not is none of it.
  expect(lines[28]).toBe('  job routelab  server 127.0.0.1:4433');
  expect(lines.at(-1)).toBe('… and 10 more: --format csv has them all');
});
