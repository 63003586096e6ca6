/** `routelab demo`: the demo lab's six emulated routes, measured for a while in a lab of their own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { LabError } from '../../shared/errors.ts';
import { parseDuration } from '../../shared/units.ts';
import { createLab, type LabClient } from '../lab/index.ts';
import { createLog } from '../telemetry/log.ts';
import { onInterrupt } from './interrupt.ts';
import { type RouteView, routeResult, routeTable, viewsOf } from './lab-view.ts';
import { withDefault } from './options.ts';
import { note, paint, print, printJson, progress } from './output.ts';

interface DemoOptions {
  /** Microseconds. */
  duration: number;
  data?: string;
  json?: true;
}

export function configure(command: Command): void {
  command
    .addOption(
      withDefault('--duration <time>', 'how long to measure, such as 30s', 30e6, '30s').argParser((text) =>
        parseDuration(text, '--duration', 's'),
      ),
    )
    .option(
      '--data <dir>',
      'data folder to keep the measurements in (default: one that is removed afterwards)',
    )
    .action(demo);
}

async function demo(options: DemoOptions): Promise<void> {
  const interrupt = onInterrupt();
  const dataDir = options.data ?? mkdtempSync(join(tmpdir(), 'routelab-demo-'));
  try {
    const lab = await createLab({
      dataDir,
      host: 'headless',
      workerUrl: (name) => new URL(`../workers/${name}.ts`, import.meta.url),
      log: createLog({ level: 'warn', format: process.stderr.isTTY ? 'pretty' : 'json' }),
    });
    try {
      await measure(lab.client, options, interrupt.signal);
    } finally {
      await lab.close();
    }
  } finally {
    if (options.data === undefined) rmSync(dataDir, { recursive: true, force: true });
  }
}

async function measure(client: LabClient, options: DemoOptions, interrupted: AbortSignal): Promise<void> {
  const startedAtMs = Date.now();
  const routes = await client.demo.start();
  note(`${routes.length} emulated routes over loopback; every number below is measured on them.`);
  const elapsedS = (): number => (Date.now() - startedAtMs) / 1000;
  const bar = progress('measuring', options.duration / 1e6);
  const end = AbortSignal.any([interrupted, AbortSignal.timeout(options.duration / 1e3)]);
  for await (const statuses of await client.routes.watch(undefined, { signal: end })) {
    const up = statuses.filter(({ state }) => state === 'up').length;
    bar.update(elapsedS(), `${up} of ${routes.length} routes up`);
  }
  bar.stop();

  const views = await wholeRun(client, startedAtMs);
  if (options.json) {
    printJson({
      started_at: new Date(startedAtMs).toISOString(),
      duration_s: elapsedS(),
      ...(interrupted.aborted && { interrupted: true }),
      routes: views.map(routeResult),
    });
  } else print(routeTable(views, process.stdout.columns || Number.POSITIVE_INFINITY));
  if (views.every(({ ping }) => (ping?.received ?? 0) === 0)) {
    const what = 'Not one ping of the demo was answered';
    throw interrupted.aborted
      ? new LabError('RL_CANCELLED', `${what} before it was stopped`)
      : new LabError('RL_CONNECTION_LOST', what);
  }
  if (options.json) return;
  print(paint('dim', `${elapsedS().toFixed(1)} s, from the store`));
}

/** The demo's routes with their statistics over the whole demo, up to the moment each is resolved. */
async function wholeRun(client: LabClient, startedAtMs: number): Promise<RouteView[]> {
  const demo = (await client.routes.list()).filter((route) => route.demo);
  const views = viewsOf(demo, await client.routes.status());
  return Promise.all(
    views.map(async (view) => {
      if (view.ping === null || view.ping.toMs <= startedAtMs) return view;
      const { id } = view.route;
      return { ...view, ping: await client.routes.stats({ id, fromMs: startedAtMs, toMs: view.ping.toMs }) };
    }),
  );
}
