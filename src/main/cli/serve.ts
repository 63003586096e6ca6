/** `routelab serve`: the headless lab, with what it measures shown as it comes in. */
import { setTimeout as delay } from 'node:timers/promises';
import { isatty } from 'node:tty';
import type { Command } from 'commander';
import type { LevelWithSilent } from 'pino';
import type { Settings } from '../../shared/config/settings.ts';
import { Configuration, type LabClient } from '../lab/index.ts';
import { startHeadless } from '../serve/index.ts';
import { defaultDataDir } from '../store/data-dir.ts';
import { createLog } from '../telemetry/log.ts';
import { onInterrupt } from './interrupt.ts';
import { routeLine, routeResult, routeTable, viewsOf } from './lab-view.ts';
import { MEASURERS } from './measurers.ts';
import { type ExporterFlags, exporterFlags } from './metrics-options.ts';
import { collectOrigin, parseNumber } from './options.ts';
import { note, print, printJson } from './output.ts';
import { Screen } from './screen.ts';

interface ServeOptions extends ExporterFlags {
  config?: string;
  port?: number;
  host?: string;
  data?: string;
  demo?: boolean;
  json?: true;
  corsOrigin?: readonly string[];
}

/** Between two looks at the routes: in place on a terminal, as lines elsewhere. */
const SHOW_MS = { terminal: 1000, lines: 10_000 } as const;
/** Before the first lines there should be something to say. */
const FIRST_LINES_MS = 3000;

export function configure(command: Command): void {
  command
    .option('--config <file>', 'lab.yaml: settings, read again when it changes and on SIGHUP')
    .option(
      '--port <n>',
      'TCP port of the UI, the API and the metrics; 0 takes a free one (default: 8080)',
      (text) => parseNumber(text, '--port', { min: 0, max: 65535, integer: true }),
    )
    .option('--host <address>', 'address to listen on (default: 127.0.0.1)')
    .option('--data <dir>', 'data folder')
    .option(
      '--cors-origin <origin>',
      'origin beside the lab’s own whose pages may call it, such as https://tool.example; repeatable',
      collectOrigin,
    )
    .option(
      '--demo',
      'start the demo lab: six emulated routes (a first run without a display does so by itself)',
    )
    .option('--no-demo', 'do not start the demo lab, and stop its routes where an earlier run left them')
    .action(serve);
  for (const option of exporterFlags()) command.addOption(option);
}

async function serve(options: ServeOptions): Promise<void> {
  const startedAtMs = Date.now();
  const configuration = configurationOf(options);
  const interrupt = onInterrupt(() => {
    // A terminal that was closed is none any more; whoever sends the signal otherwise wants the file read.
    if (!configuration.hasFile || (screen !== null && !isatty(1))) return false;
    configuration.reload();
    return true;
  });
  // With --json standard output belongs to the one object at the end.
  const output = options.json ? process.stderr : process.stdout;
  const screen = output.isTTY ? new Screen(output) : null;
  const say = (line: string): void => {
    if (screen !== null) screen.above(`${line}\n`);
    else (options.json ? note : print)(line);
  };
  const levelOf = ({ server, logging }: Settings): LevelWithSilent => {
    if (server.debug) return 'debug';
    return configuration.isSet('logging.level') || screen === null ? logging.level : 'warn';
  };
  const { logging } = configuration.values;
  const log = createLog({
    level: levelOf(configuration.values),
    format: configuration.isSet('logging.format') || !process.stderr.isTTY ? logging.format : 'pretty',
    ...(screen !== null && process.stderr.isTTY && { stream: { write: (line) => screen.above(line) } }),
  });

  configuration.onChange((now) => {
    log.level = levelOf(now);
  });

  const dataDir = options.data ?? process.env['ROUTELAB_DATA'] ?? defaultDataDir();
  const headless = await startHeadless({
    dataDir,
    host: configuration.values.server.host,
    port: configuration.values.server.port,
    configuration,
    log,
    resumeDemo: options.demo !== false,
    measurers: MEASURERS,
  });
  try {
    const { client } = headless.lab;
    say(`RouteLab runs at ${headless.url}  (data in ${dataDir})`);
    await startDemo(client, options.demo, say);
    if (screen === null) await printLines(client, interrupt.signal, say);
    else await showTable(client, interrupt.signal, screen);
    if (options.json) {
      printJson({
        url: headless.url,
        started_at: new Date(startedAtMs).toISOString(),
        duration_s: (Date.now() - startedAtMs) / 1000,
        routes: (await views(client)).map(routeResult),
      });
    }
  } finally {
    await headless.close();
  }
  // On a line of its own, whatever the terminal wrote for Ctrl-C.
  output.write(screen === null ? 'Stopped.\n' : '\nStopped.\n');
}

function configurationOf(options: ServeOptions): Configuration {
  const { config, host, port, corsOrigin, prometheusLabels, histogramBuckets } = options;
  const given: readonly [path: string, option: string, value: unknown][] = [
    ['server.host', '--host', host],
    ['server.port', '--port', port],
    ['server.cors_origins', '--cors-origin', corsOrigin],
    ['metrics.labels', '--prometheus-labels', prometheusLabels],
    ['metrics.histogram_buckets', '--histogram-buckets', histogramBuckets],
  ];
  const file = config ?? process.env['ROUTELAB_CONFIG'];
  return new Configuration({
    file: file === undefined ? null : { path: file, required: true },
    env: process.env,
    options: new Map(
      given
        .filter(([, , value]) => value !== undefined)
        .map(([path, name, value]) => [path, { value, name }]),
    ),
  });
}

/** Nobody can be asked on a machine without a display: there, a lab that never measured anything begins with the demo. */
async function startDemo(
  client: LabClient,
  wanted: boolean | undefined,
  say: (line: string) => void,
): Promise<void> {
  const isEmpty = (await client.routes.list()).length === 0;
  const isFirstRun = isEmpty && (await client.experiments.list({ limit: 1 })).total === 0;
  const hasDisplay = process.platform !== 'linux' || process.env['DISPLAY'] || process.env['WAYLAND_DISPLAY'];
  if (wanted ?? (isFirstRun && !hasDisplay)) {
    await client.demo.start();
    say('The demo lab runs: six emulated routes over loopback.');
  } else if (isEmpty) {
    say('There are no routes yet: add one in the UI, or try the demo lab with --demo.');
  }
}

const views = async (client: LabClient) => viewsOf(await client.routes.list(), await client.routes.status());

async function showTable(client: LabClient, signal: AbortSignal, screen: Screen): Promise<void> {
  const show = async (): Promise<void> => {
    const current = await views(client);
    // A pseudo-terminal whose size nobody set says 0.
    const width = process.stdout.columns || Number.POSITIVE_INFINITY;
    screen.show(current.length === 0 ? 'no routes' : routeTable(current, width));
  };
  await every(SHOW_MS.terminal, show, signal);
}

async function printLines(
  client: LabClient,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<void> {
  const show = async (): Promise<void> => {
    for (const view of await views(client)) say(routeLine(view));
  };
  await pause(FIRST_LINES_MS, signal);
  await every(SHOW_MS.lines, show, signal);
}

/** Calls `show` at once and every `ms` until `signal` aborts. */
async function every(ms: number, show: () => Promise<void>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await show();
    await pause(ms, signal);
  }
}

/** Resolves after `ms`, or when `signal` aborts. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => {});
