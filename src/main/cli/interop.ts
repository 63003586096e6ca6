/** `routelab interop`: every interop case with every peer that is installed, as a matrix. */
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CASES } from './interop/cases.ts';
import { matrixPage, matrixRows, PEERS, type Result, runMatrix } from './interop/matrix.ts';
import { onInterrupt } from './interrupt.ts';
import { note, paint, print, printJson, progress, table } from './output.ts';
import { checkFile } from './writable.ts';

const GRACE_MS = 2000;

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
  if (options.page !== undefined) checkFile(options.page, '--page');
  const { signal, dispose } = onInterrupt();
  const roles = peers.flatMap(({ serve, fetch }) => [serve, fetch]).filter(Boolean).length;
  const bar = progress('interop', roles * cases.length);
  let done = 0;
  const seen: Result[] = [];
  const running = runMatrix({
    peers,
    cases,
    concurrency: options.concurrency,
    signal,
    onResult: (result) => {
      seen.push(result);
      bar.update(++done, `${result.case} ${result.peer}`);
    },
  });
  // What peers have under way may take its time to end: nobody waits for that after Ctrl-C.
  const results = await Promise.race([running, called(signal).then(() => seen)]);
  bar.stop();
  dispose();
  const total = roles * cases.length;
  const interrupted = results.length < total ? { interrupted: true, cases: total } : null;
  if (options.page !== undefined && !interrupted) writeFileSync(options.page, matrixPage(results));
  if (options.json) printJson({ results, ...countsOf(results), ...interrupted });
  else printMatrix(results);
  if (interrupted) note(`interrupted: ${results.length} of ${total} cases were run`);
  if (interrupted || results.some(({ outcome }) => outcome === 'fail')) process.exitCode = 1;
  if (interrupted) process.exit();
}

/** Resolves a moment after the run was called off. */
const called = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => setTimeout(resolve, GRACE_MS), { once: true });
  });

function countsOf(results: readonly Result[]): { passed: number; failed: number; not_applicable: number } {
  const count = (outcome: Result['outcome']): number =>
    results.filter((result) => result.outcome === outcome).length;
  return { passed: count('pass'), failed: count('fail'), not_applicable: count('n/a') };
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
  const { passed, failed, not_applicable } = countsOf(results);
  print(`${passed} passed, ${failed} failed, ${not_applicable} not applicable`);
}
