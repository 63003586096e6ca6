import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDir } from '../lab/open-lab.ts';
import { run, start } from './run.ts';

const SMALL = [
  '--rates',
  '50',
  '--loss',
  '0',
  '--rtt',
  '5ms',
  '--warm-up',
  '0',
  '--cool-down',
  '0',
  '--repeat',
  '1',
];

test('a matrix is measured, judged and reported; a missed gate says limit and measured value', async () => {
  const data = temporaryDir();
  const report = join(data, 'm.csv');
  const { code, stderr, stdout } = await run([
    'matrix',
    ...SMALL,
    ...['--connections', '1,2', '--duration', '0.5s', '--sla-throughput', '900', '--sla-errors', '0'],
    ...['--data', data, '--report', report, '--json'],
  ]);
  expect({ code, stderr }).toMatchObject({ code: 1 });
  expect(stderr).toMatch(/missed 50\/s × 1, loss 0 %, RTT 5 ms: Goodput: at least 900 Mbit\/s, measured \d/);
  const told = JSON.parse(stdout);
  expect(told.cells).toHaveLength(2);
  expect(told.gates.map(({ passed }: { passed: boolean }) => passed)).toEqual([false, true, false, true]);
  expect(readFileSync(report, 'utf8')).toMatch(/^gates,".*Goodput",at least,900,/m);
});

test('a matrix that was killed is gone on with', async () => {
  const data = temporaryDir();
  const args = ['matrix', ...SMALL, '--connections', '1,2', '--data', data];
  const killed = start([...args, '--duration', '60s']);
  await killed.line(/^experiment 1/);
  killed.child.kill('SIGKILL');
  await killed.finished;
  const cancelled = start(['matrix', '--resume', '--data', data]);
  await cancelled.line(/^experiment 1/);
  cancelled.child.kill('SIGINT');
  const { code, stderr } = await cancelled.finished;
  expect({ code, stderr }).toMatchObject({ code: 130, stderr: expect.stringContaining('matrix --resume 1') });
});

test('what cannot be is refused with its field, before a lab is opened', async () => {
  const data = temporaryDir();
  for (const [args, message] of [
    [['--rates', '0'], '--rates: 0 is not from 0.1 to 10000'],
    [['--rtt', '5ms,5ms'], '--rtt: "5ms,5ms" names a value twice'],
    [['--loss', '95%'], '--loss: 95% is more than 90%'],
    [['--sla-loss', ''], '--sla-loss: "" is not a quantity'],
    [['--sla', 'hard'], '--sla: "hard" is none of default, strict, lenient'],
    [['--duration', '1h'], '--duration: 1h is not from 0.5 s to 580 s'],
    [['--resume', '1', '--light'], '--resume goes on with a matrix as it was begun'],
    [['--report-format', 'md'], '--report-format is for the file of --report'],
  ] as const) {
    const { code, stderr } = await run(['matrix', ...args, '--data', data]);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  }
});

test('scenarios are listed, and judged by limits of their own', async () => {
  const { stdout } = await run(['scenario', '--list', '--json']);
  expect(JSON.parse(stdout).scenarios).toHaveLength(7);
  const told = await run(['scenario', 'lte', '--duration', '0.5s', '--data', temporaryDir(), '--json']);
  expect(JSON.parse(told.stdout).gates.map(({ title }: { title: string }) => title)).toEqual([
    'RTT p95',
    'Loss',
    'Goodput',
    'Errors',
  ]);
});
