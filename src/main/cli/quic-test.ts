/** `routelab quic-test`: quic-test's flags, measured by RouteLab. */
import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import { LabError } from '../../shared/errors.ts';
import type { FecInput } from '../../shared/fec.ts';
import { formatCell, type Report } from '../../shared/report.ts';
import { formatDuration, formatRate } from '../../shared/units.ts';
import { PROFILES } from '../path/profiles.ts';
import { requireEmulable } from '../path/relay/capacity.ts';
import { Load, type LoadPlan } from '../probe/load.ts';
import { Measurement } from '../probe/measurement.ts';
import type { ProbePlan } from '../probe/modes/mode.ts';
import { ALPN } from '../probe/protocol.ts';
import { warmUp } from '../probe/warm-up.ts';
import type { ConnectOptions } from '../quic/udp/api.ts';
import { reportCsv, reportJson, reportMarkdown } from '../report/text.ts';
import { SessionsSource } from '../telemetry/sessions-source.ts';
import { ask, Threads } from '../workers/ask.ts';
import type { EndpointWorkerMethods, RelayWorkerMethods } from '../workers/protocol.ts';
import { type Address, formatAddress } from './address.ts';
import { AtomicFile } from './atomic-file.ts';
import { describePath } from './emulate/describe.ts';
import { onInterrupt } from './interrupt.ts';
import { openMetrics } from './metrics-options.ts';
import { note, paint, print, table } from './output.ts';
import { compareTcp, serve } from './quic-test/delegate.ts';
import { FLAGS } from './quic-test/flags.ts';
import { parseGoFlags } from './quic-test/go-flags.ts';
import { quicTestReport } from './quic-test/result.ts';
import { type QuicTestSettings, readSettings } from './quic-test/settings.ts';
import { list } from './scenario.ts';
import { gatesLine, tellGates } from './sla-options.ts';
import { issueIdentity, readIdentity, readTrust } from './trust.ts';

const HOST = '127.0.0.1';
const RENDERERS = { md: reportMarkdown, csv: reportCsv, json: reportJson } as const;
const LIVE_MS = 1000;

export function configure(command: Command): void {
  command
    .helpOption(false)
    .allowUnknownOption()
    .allowExcessArguments()
    .action(() => run(process.argv.slice(process.argv.indexOf('quic-test') + 1)));
}

async function run(args: readonly string[]): Promise<void> {
  const own = args.filter((arg) => arg !== '--json' && arg !== '--debug');
  if (own.includes('-h')) return help();
  const given = parseGoFlags(own, FLAGS);
  if (given.get('help') === 'true') return help();
  if (given.get('list-scenarios') === 'true') return list(args.includes('--json'));
  if (given.get('list-profiles') === 'true') return listProfiles();
  const settings = readSettings(given);
  if (settings.mode === 'server') return serve(settings);
  if (settings.compareTcp) return compareTcp(settings);
  await send(settings, args.includes('--json'));
}

function help(): void {
  print(
    'Usage: routelab quic-test [flags]\n\nFlags may have one dash or two, and their value behind = or after them.\n',
  );
  print(
    table(
      FLAGS.map(({ name, value, about }) => [`  --${name}${value === null ? '' : ` <${value}>`}`, about]),
      ['left', 'left'],
    ),
  );
}

function listProfiles(): void {
  print(
    table(
      PROFILES.map(({ name, emulation }) => [name, describePath({ ...emulation, profile: 'custom' })]),
      ['left', 'left'],
    ),
  );
}

/** Modes client and test. */
async function send(settings: QuicTestSettings, asJson: boolean): Promise<void> {
  const { emulation, plan, report: path, controller } = settings;
  if (emulation !== null) await requireEmulable(emulation);
  const file = path === null ? null : new AtomicFile(path, '--report');
  const interrupt = onInterrupt();
  const threads = new Threads();
  const metrics = await openMetrics(settings.metrics);
  try {
    const { to, ...target } = await targetOf(settings, threads);
    const at = emulation === null ? to : await openPath(threads, to, emulation);
    await warmUp();
    const connect: ConnectOptions = { ...settings.connect, ...target, ...at, alpn: [ALPN], controller };
    let source: SessionsSource | null = null;
    const load: Load = new Load(
      { ...connect, onConnected: (session) => source?.watch(session) },
      plan,
      interrupt.signal,
    );
    const protecting =
      settings.fec && new Measurement(connect, fecPlan(plan, settings.fec), interrupt.signal);
    const server = formatAddress(to);
    if (metrics !== null) {
      source = new SessionsSource({
        labels: { route: server, server, congestion: controller.name },
        totals: metrics.exporter.totals('client'),
        beside: () => {
          const { rttUs, jitterUs, lossRatio, goodputBps } = load.result();
          return { rttUs, jitterUs, lossRatio, goodputBps: { up: goodputBps } };
        },
      });
      metrics.exporter.add(source);
      note(`metrics at ${metrics.endpoint.url}`);
    }
    note(
      `sending to ${server}${plan.durationS === null ? ' until it is stopped' : ` for ${plan.durationS} s`}`,
    );
    const live = setInterval(() => tellNewest(load), LIVE_MS);
    try {
      await Promise.all([load.run(), protecting?.run()]);
    } finally {
      clearInterval(live);
      source?.end();
    }
    const detail = protecting?.result().detail ?? null;
    const fec = detail?.kind === 'fec' ? detail.up : null;
    const report = quicTestReport(settings, server, { result: load.result(), fec }, Date.now());
    const text = RENDERERS[settings.format ?? (asJson ? 'json' : 'md')](report);
    file?.write(text);
    file?.commit();
    if (file !== null) note(`The report is in ${path}`);
    if (asJson || (file === null && settings.format !== null)) process.stdout.write(text);
    else print([resultTable(report), ...gatesLine(report.gates)].join('\n'));
    tellGates(report.gates);
  } finally {
    file?.discard();
    interrupt.dispose();
    await Promise.all([threads.end(), metrics?.endpoint.close()]);
  }
}

/** What fits a DATAGRAM frame of every path, with what FEC adds. */
const MOST_PROTECTED_BYTES = 1100;

const fecPlan = ({ durationS, ratePerS, packetBytes }: LoadPlan, fec: FecInput): ProbePlan => ({
  mode: 'fec',
  durationMs: durationS! * 1000,
  ratePerS,
  packetBytes: Math.min(packetBytes, MOST_PROTECTED_BYTES),
  fec,
  everyUs: null,
  wish: null,
});

function tellNewest(load: Load): void {
  const newest = load.result().intervals.at(-1);
  if (newest === undefined || !process.stderr.isTTY) return;
  const { fromS, goodputBps, rttP50Us, lost } = newest;
  note(`${fromS + 1} s  ${formatRate(goodputBps)}  rtt ${formatDuration(rttP50Us)}  lost ${lost}`);
}

/** The server, of mode test one on a thread of its own, and whom to trust there. */
async function targetOf(
  { mode, server, addr, cert, key, insecure }: QuicTestSettings,
  threads: Threads,
): Promise<{ to: Address } & Pick<ConnectOptions, 'serverName' | 'trust'>> {
  const trust = readTrust(insecure ? { insecure } : {});
  if (mode === 'client') return { to: server!, serverName: server!.host, trust };
  const identity =
    cert !== null && key !== null
      ? readIdentity(cert, key)
      : await issueIdentity(undefined, ['localhost', HOST]);
  const { host, port } = addr ?? { host: HOST, port: 0 };
  const { certificate, privateKey } = identity;
  const listening = await ask<EndpointWorkerMethods, 'listen'>(threads.start('endpoint'), 'listen', {
    host,
    port,
    certificate,
    privateKey,
  });
  const to = { host: host === '0.0.0.0' ? HOST : host, port: listening.port };
  return { to, serverName: 'localhost', trust: readTrust(insecure ? { insecure } : {}) };
}

async function openPath(
  threads: Threads,
  to: Address,
  emulation: NonNullable<QuicTestSettings['emulation']>,
): Promise<Address> {
  const seed = randomInt(2 ** 32);
  note(`${describePath(emulation)}, seed ${seed}`);
  const relay = threads.start('relay');
  const { host, port } = await ask<RelayWorkerMethods, 'open'>(relay, 'open', {
    id: 'path',
    to,
    emulation,
    seed,
  });
  return { host, port };
}

function resultTable({ title, facts, tables }: Report): string {
  const [result] = tables;
  if (result === undefined) throw new LabError('RL_INTERNAL', 'a report without a result');
  const rows = result.rows.map(([name, value, unit]) => [
    String(name),
    formatCell(value ?? null, { digits: null }, '–'),
    String(unit ?? ''),
  ]);
  return [
    paint('bold', title),
    ...facts.map(([name, value]) => paint('dim', `${name}: ${value}`)),
    table(rows, ['left', 'right', 'unit']),
  ].join('\n');
}
