/**
 * The command line. Each command is a file of its own and is loaded only when it is called. Whatever goes wrong
 * ends here: as one line with its code and hint, and the exit code of the catalogue.
 */
import { Command, CommanderError } from 'commander';
import packageJson from '../../../package.json' with { type: 'json' };
import { LabError, toLabError } from '../../shared/errors.ts';
import { printError, printJson } from './output.ts';

interface CommandFile {
  /** Adds arguments, options and the action to the command. */
  configure(command: Command): void;
}

const COMMANDS: Record<string, { summary: string; load: () => Promise<CommandFile> }> = {
  serve: { summary: 'the headless lab: UI, API and metrics', load: () => import('./serve.ts') },
  demo: { summary: 'six emulated routes, measured for a while', load: () => import('./demo.ts') },
  server: { summary: 'QUIC server: echo, sink, source, HTTP/3', load: () => import('./server.ts') },
  probe: {
    summary: 'measure a server: RTT, loss, handshake, throughput, HTTP/3',
    load: () => import('./probe.ts'),
  },
  emulate: {
    summary: 'a UDP path with rate, delay, jitter and loss',
    load: () => import('./emulate.ts'),
  },
  collect: { summary: 'read metrics back from a Prometheus', load: () => import('./collect.ts') },
  'compare-tcp': {
    summary: 'QUIC against the kernel’s TCP over one emulated path',
    load: () => import('./compare.ts'),
  },
  fairness: {
    summary: 'controllers that share one emulated bottleneck',
    load: () => import('./fairness.ts'),
  },
  matrix: { summary: 'many loads over many emulated paths', load: () => import('./matrix.ts') },
  scenario: {
    summary: 'a named load over a named path, and whether it keeps its limits',
    load: () => import('./scenario.ts'),
  },
  'quic-test': {
    summary: 'quic-test’s flags: server, client and test',
    load: () => import('./quic-test.ts'),
  },
  sim: { summary: 'one simulated scenario', load: () => import('./sim.ts') },
  run: { summary: 'measure an experiment again, from its manifest', load: () => import('./run.ts') },
  report: { summary: 'what an experiment came to, or which there are', load: () => import('./report.ts') },
  export: {
    summary: 'an experiment as csv, jsonl, parquet, qlog, html or md',
    load: () => import('./export.ts'),
  },
  import: {
    summary: 'take in what export wrote, iperf3 JSON or qlog',
    load: () => import('./import.ts'),
  },
  bench: { summary: 'measure RouteLab itself', load: () => import('./bench.ts') },
  interop: { summary: 'talk to other QUIC stacks, case by case', load: () => import('./interop.ts') },
  controllers: {
    summary: 'congestion controllers and their parameters',
    load: () => import('./controllers.ts'),
  },
  token: { summary: 'a bearer token for a lab that wants one', load: () => import('./token.ts') },
  doctor: { summary: 'check what this machine offers', load: () => import('./doctor.ts') },
};

const argv = process.argv.slice(2);
const hasFlag = (flag: string): boolean => argv.includes(flag);

function fail(thrown: unknown): void {
  const error = toLabError(thrown);
  if (hasFlag('--json')) printJson(error.toBody());
  printError(error);
  if (hasFlag('--debug'))
    process.stderr.write(`${(error.cause as Error | undefined)?.stack ?? error.stack}\n`);
  process.exitCode = error.exitCode;
}

// `routelab … | head` closes the pipe: that is the reader's right, not an error.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit();
    throw error;
  });
}
process.on('uncaughtException', (error) => {
  fail(error);
  process.exit();
});

const program = new Command('routelab')
  .description('Measures routes with real QUIC.')
  .version(packageJson.version)
  .helpCommand(false)
  .showSuggestionAfterError()
  .exitOverride()
  .configureOutput({ outputError: () => {} });

const wanted = argv.find((argument) => !argument.startsWith('-'));
try {
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    const command = program.command(name).description(summary);
    if (name === wanted) (await load()).configure(command);
    command
      .option('--json', 'one JSON object on standard output, at the end')
      .option('--debug', 'show where an error came from');
  }
  await program.parseAsync(argv, { from: 'user' });
} catch (thrown) {
  if (!(thrown instanceof CommanderError)) fail(thrown);
  else if (thrown.exitCode !== 0) {
    // Without a command commander has already shown the help.
    if (thrown.code === 'commander.help') process.exitCode = 2;
    else fail(new LabError('RL_USAGE', thrown.message.replace(/^error: /, ''), { cause: thrown }));
  }
}
