/** `routelab interop`: every interop case with every peer that is installed, as a matrix. */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CASES } from './interop/cases.ts';
import { matrixPage, matrixRows, PEERS, type Result, runMatrix } from './interop/matrix.ts';
import { onInterrupt } from './interrupt.ts';
import { note, paint, print, printJson, progress, table } from './output.ts';

interface InteropOptions {
  case?: string[];
  peer?: string[];
  concurrency: number;
  page?: string;
  json?: true;
}

export function configure(command: Command): void {
  command
    .addOption(new Option('--case <name...>', 'only these cases').choices(CASES.map(({ name }) => name)))
    .addOption(new Option('--peer <name...>', 'only these peers').choices(PEERS.map(({ name }) => name)))
    .addOption(
      new Option('--concurrency <n>', 'cases at once')
        .default(Math.max(1, availableParallelism() - 1))
        .argParser(parseCount),
    )
    .option('--page <file>', 'write the matrix as a page of documentation')
    .action((options: InteropOptions) => run(options));
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 16) throw new InvalidArgumentError('1 to 16');
  return count;
}

async function run(options: InteropOptions): Promise<void> {
  const peers = PEERS.filter(({ name }) => options.peer?.includes(name) ?? true);
  const cases = CASES.filter(({ name }) => options.case?.includes(name) ?? true);
  for (const { name, missing } of peers) {
    const what = missing();
    if (what !== null) note(`${name} is left out: it needs ${what}`);
  }
  const { signal, dispose } = onInterrupt();
  const roles = peers.flatMap(({ serve, fetch }) => [serve, fetch]).filter(Boolean).length;
  const bar = progress('interop', roles * cases.length);
  let done = 0;
  const results = await runMatrix({
    peers,
    cases,
    concurrency: options.concurrency,
    signal,
    onResult: (result) => bar.update(++done, `${result.case} ${result.peer}`),
  });
  bar.stop();
  dispose();
  if (options.page !== undefined) writeFileSync(options.page, matrixPage(results));
  if (options.json) printJson({ results });
  else printMatrix(results);
  if (results.some(({ outcome }) => outcome === 'fail')) process.exitCode = 1;
}

function printMatrix(results: readonly Result[]): void {
  const rows = matrixRows(results);
  print(table(rows, ['left', ...rows[0]!.slice(1).map(() => 'left' as const)]));
  print('');
  for (const { case: name, peer, role, outcome, detail, seconds } of results) {
    if (outcome === 'pass') continue;
    const ours = role === 'client' ? 'our client with' : 'our server with';
    const colour = outcome === 'fail' ? 'red' : 'dim';
    print(`${paint(colour, outcome)}  ${name}, ${ours} ${peer}: ${detail} (${seconds.toFixed(1)} s)`);
  }
  const count = (outcome: Result['outcome']): number =>
    results.filter((result) => result.outcome === outcome).length;
  print(`${count('pass')} passed, ${count('fail')} failed, ${count('n/a')} not applicable`);
}
