import { readFileSync, writeFileSync } from 'node:fs';
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
  const refused = [
    [['matrix', '--rates', '0'], '--rates: 0 is not from 0.1 to 10000'],
    [['matrix', '--rtt', '5ms,5ms'], '--rtt: "5ms,5ms" names a value twice'],
    [['matrix', '--loss', '95%'], '--loss: 95% is more than 90%'],
    [['matrix', '--sla-loss', ''], '--sla-loss: "" is not a quantity'],
    [['matrix', '--sla', 'hard'], '--sla: "hard" is none of default, strict, lenient'],
    [['matrix', '--duration', '1h'], '--duration: 1h is not from 0.5 s to 580 s'],
    [['matrix', '--resume', '1', '--light'], '--resume goes on with a matrix as it was begun'],
    [['matrix', '--resume', '1', '--sla', 'strict'], 'its settings and gates cannot be changed'],
    [
      ['matrix', '--streams', '100', '--connections', '1,8'],
      '--streams: times the most connections is over 512',
    ],
    [['matrix', '--report-format', 'md'], '--report-format is for the file of --report'],
    [['scenario', '--resume', '1', '--duration', '1s'], '--resume goes on with a scenario as it was begun'],
    [['run', '--resume', '1', '--repetitions', '2'], '--resume goes on with an experiment as it was begun'],
    [['run'], 'Which manifest?'],
  ] as const;
  const ended = await Promise.all(refused.map(([args]) => run([...args, '--data', data])));
  for (const [i, { code, stderr }] of ended.entries())
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(refused[i]![1]) });
});

test('scenarios are listed, and judged by limits of their own wherever they are told or measured again', async () => {
  const { stdout } = await run(['scenario', '--list', '--json']);
  expect(JSON.parse(stdout).scenarios).toHaveLength(7);
  const data = temporaryDir();
  const measured = await run(['scenario', 'lte', '--duration', '0.5s', '--data', data, '--json']);
  const titlesOf = (gates: { title: string }[]) => gates.map(({ title }) => title);
  const own = ['RTT p95', 'Loss', 'Goodput', 'Errors'];
  expect(titlesOf(JSON.parse(measured.stdout).gates)).toEqual(own);

  const report = join(data, 'lte.json');
  await run(['report', '1', '--format', 'json', '--out', report, '--data', data]);
  const told = JSON.parse(readFileSync(report, 'utf8'));
  expect(titlesOf(told.gates)).toEqual(own);
  told.manifest.parameters.limits = { goodputBps: 1e12 };
  writeFileSync(report, JSON.stringify(told));
  const again = await run(['run', report, '--data', data, '--json']);
  expect(again.code).toBe(1);
  expect(again.stderr).toContain('missed Goodput: at least 1000000 Mbit/s');
  expect(JSON.parse(again.stdout).gates).toMatchObject([{ title: 'Goodput', passed: false }]);

  const refused = [
    [['scenario', 'wifi', '--resume', '1'], '--resume: experiment 1 is of lte, not of wifi'],
    [['matrix', '--resume', '1'], '--resume: experiment 1 is of kind scenario'],
  ] as const;
  for (const [args, message] of refused) {
    const { code, stderr } = await run([...args, '--data', data]);
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining(message) });
  }
});

test('how one goes on that was cancelled is told as a command that does it', async () => {
  const data = temporaryDir();
  const path = ['--flows', 'cubic,newreno', '--rate', '8mbit', '--rtt', '20ms', '--buffer', '1bdp'];
  const times = ['--duration', '1s', '--warmup', '200ms', '--repeat', '2'];
  const begun = start(['fairness', ...path, ...times, '--data', data]);
  await begun.line(/^experiment 1/);
  begun.child.kill('SIGINT');
  const { code, stderr } = await begun.finished;
  expect(code).toBe(1);
  const [, command] = /measured by: routelab (.*)/.exec(stderr)!;
  const { stdout } = await run([...command!.split(' '), '--data', data, '--json']);
  expect(JSON.parse(stdout).runs.map(({ state }: { state: string }) => state)).toEqual(['done', 'done']);
});
