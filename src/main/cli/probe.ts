/** `routelab probe HOST:PORT`, or an https URL: one measurement of one server. */
import { type Command, Option } from 'commander';
import { CONTROLLERS, type Controller } from '../../shared/domain.ts';
import { LabError, toLabError } from '../../shared/errors.ts';
import { goodputBps } from '../../shared/samples.ts';
import { formatBytes, formatDuration, formatRate, parseBytes, parseDuration } from '../../shared/units.ts';
import { Measurement } from '../probe/measurement.ts';
import { ALPN } from '../probe/protocol.ts';
import { COMPARED_MODES, type ComparedMode } from '../probe/transport-turns.ts';
import type { QlogFormat } from '../quic/qlog/trace.ts';
import type { ConnectOptions } from '../quic/udp/api.ts';
import { formatAddress, parseAddress } from './address.ts';
import { type CompareSetting, compareTcp } from './compare-tcp.ts';
import type { TcpPath } from './comparison-result.ts';
import { onInterrupt } from './interrupt.ts';
import { keyLogTo } from './key-log.ts';
import {
  BBR_PROBE_BW_HELP,
  BBR_PROBE_RTT_HELP,
  chosenController,
  collectList,
  collectParameter,
  DEFAULT_CONTROLLER,
  isControllerChosen,
  parseChoice,
  parseController,
  parseNumber,
  parseProbeBw,
  parseProbeRttInterval,
  withDefault,
} from './options.ts';
import { note, paint, print, printError, printJson, progress } from './output.ts';
import { collectHeader, type Http3Options, isUrl, parseMethod, parseUrl, probeHttp3 } from './probe-http3.ts';
import {
  controllerNote,
  MODES,
  type Mode,
  type ProbeFields,
  type ProbeHead,
  probeFields,
  resultTable,
} from './probe-result.ts';
import { parseQlogFormat, QLOG_FORMAT_HELP, qlogTo } from './qlog-files.ts';
import { checkSeriesFile, SeriesFile } from './series-file.ts';
import { readTrust } from './trust.ts';

const LOOK_EVERY_MS = 100;
const SERIES_EVERY_US = 1000;

interface ProbeOptions extends Http3Options {
  mode?: Mode | 'http3';
  /** Microseconds. */
  duration?: number;
  rate?: number;
  bytes?: number;
  congestion?: Controller;
  set?: Readonly<Record<string, number>>;
  bbrProbeBw?: number;
  /** Microseconds. */
  bbrProbeRttInterval?: number;
  series?: string;
  serverName?: string;
  ca?: readonly string[];
  insecure?: true;
  alpn?: readonly string[];
  timeout: number;
  data?: string;
  mtuDiscovery: boolean;
  keylog?: string;
  qlog?: string;
  qlogFormat?: QlogFormat;
  resume?: true;
  emulated?: true;
  compareTcp?: true;
  pairs?: number;
  seed?: number;
  tcpPath?: TcpPath;
}

export function configure(command: Command): void {
  command
    .argument('<target>', 'server to measure: host:port, an IPv6 address in brackets, or an https URL')
    .option(
      '--mode <mode>',
      `what to measure: ${MODES.join(', ')} (default ping), or of an https URL http3`,
      (text) => parseChoice(text, '--mode', [...MODES, 'http3']),
    )
    .option(
      '--count <n>',
      'pings, handshakes or requests to make (handshake: default 10, http3: default 1)',
      (text) => parseNumber(text, '--count', { min: 1, max: 10_000_000, integer: true }),
    )
    .option(
      '--duration <time>',
      'how long to measure, such as 10s or, in seconds, 10 (default 10s, unless --count or --bytes ends it)',
      (text) => parsePositiveDuration(text, '--duration'),
    )
    .option('--rate <n>', 'pings per second (default 10)', (text) =>
      parseNumber(text, '--rate', { min: 0.01, max: 10_000 }),
    )
    .option('--bytes <size>', 'payload to transfer, such as 10mb', parsePayload)
    .option('--method <name>', 'method of a request (default GET, or POST with --body)', parseMethod)
    .option('--body <file>', 'content of a request')
    .option('--header <name:value>', 'header field of a request; repeatable', collectHeader)
    .option(
      '--congestion <name>',
      `congestion controller: ${CONTROLLERS.join(', ')} (default ${DEFAULT_CONTROLLER}); bbr is bbr3, reno newreno; of a download only with a server of --clients-choose`,
      parseController,
    )
    .option('--set <Name=value>', 'parameter of the congestion controller; repeatable', collectParameter)
    .option('--bbr-probe-bw <x>', BBR_PROBE_BW_HELP, parseProbeBw)
    .option('--bbr-probe-rtt-interval <time>', BBR_PROBE_RTT_HELP, parseProbeRttInterval)
    .option('--series <file>', 'write what the congestion controller did, as .csv or .json', checkSeriesFile)
    .option('--server-name <name>', 'name in the certificate, where it is not the host')
    .option('--ca <file>', 'PEM file of an authority to trust; repeatable', collectList)
    .option('--insecure', 'accept any certificate; marked on the result')
    .option(
      '--alpn <name>',
      `application protocol to offer (default ${ALPN}; others: handshake only)`,
      collectList,
    )
    .addOption(
      withDefault('--timeout <time>', 'give up connecting after', 10e6, '10s').argParser((text) =>
        parsePositiveDuration(text, '--timeout'),
      ),
    )
    .option('--no-mtu-discovery', 'keep datagrams at 1350 bytes instead of finding out what the path carries')
    .option('--data <dir>', 'data folder of the lab whose authority to trust')
    .option('--keylog <file>', 'append TLS secrets for Wireshark (default SSLKEYLOGFILE, where set)')
    .option('--qlog <file|dir>', 'write what the connection does as qlog; a folder takes one file for each')
    .option('--qlog-format <name>', QLOG_FORMAT_HELP, parseQlogFormat)
    .option('--resume', 'resume sessions: what a returning client gets (handshake, http3)')
    .option(
      '--early-data',
      'send requests ahead of the handshake (0-RTT; http3, GET and HEAD: others could repeat them)',
    )
    .option('--emulated', 'mark the result as measured over an emulated path')
    .option(
      '--compare-tcp',
      `the same over the kernel’s TCP (server --tcp), in turns: ${COMPARED_MODES.join(', ')} (default download, 5s each)`,
    )
    // What `compare-tcp` knows of the path it made.
    .addOption(new Option('--tcp-path <kind>').hideHelp())
    .option('--pairs <n>', 'turns of each with --compare-tcp (default 8)', (text) =>
      parseNumber(text, '--pairs', { min: 1, max: 10_000, integer: true }),
    )
    .option(
      '--seed <n>',
      'draws the order of turns with --compare-tcp (default: a random one, shown)',
      (text) => parseNumber(text, '--seed', { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true }),
    )
    .action(run);
}

const HTTPS_HINT = 'Write HOST:PORT, an IPv6 address in brackets, or for HTTP/3 https://HOST[:PORT]/PATH.';

function parsePositiveDuration(text: string, field: string): number {
  const us = parseDuration(text, field, 's');
  if (us < 1000 || us > 86_400e6) {
    throw new LabError('RL_INPUT_INVALID', `${field}: ${text} is not from 1 ms to 24 h`, { field });
  }
  return us;
}

function parsePayload(text: string): number {
  const bytes = parseBytes(text, '--bytes');
  if (bytes < 1) throw new LabError('RL_INPUT_INVALID', '--bytes: nothing to transfer', { field: '--bytes' });
  return bytes;
}

/** Which options mean something in which mode; the others are refused, not ignored. */
const APPLIES = {
  count: ['ping', 'handshake', 'http3'],
  duration: MODES,
  rate: ['ping'],
  bytes: ['download', 'upload', 'bidi'],
  series: ['ping', 'download', 'upload', 'bidi'],
  alpn: MODES,
  method: ['http3'],
  body: ['http3'],
  header: ['http3'],
  resume: ['handshake', 'http3'],
  earlyData: ['http3'],
} as const satisfies Partial<Record<keyof ProbeOptions, readonly (Mode | 'http3')[]>>;

function checkOptions(mode: Mode | 'http3', options: ProbeOptions): void {
  for (const [name, modes] of Object.entries(APPLIES)) {
    if (options[name as keyof typeof APPLIES] !== undefined && !modes.some((other) => other === mode)) {
      const option = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
      throw new LabError('RL_USAGE', `--${option} does not apply to --mode ${mode}`);
    }
  }
  if (mode !== 'handshake' && options.alpn?.some((name) => name !== ALPN)) {
    throw new LabError('RL_USAGE', `--mode ${mode} needs a RouteLab server (ALPN ${ALPN})`, {
      hint: 'Measure a server of another protocol with --mode handshake, HTTP/3 with an https URL.',
    });
  }
}

/** Null where nothing is compared. */
function comparedMode(mode: Mode | 'http3', options: ProbeOptions): ComparedMode | null {
  if (!options.compareTcp) {
    for (const name of ['pairs', 'seed'] as const)
      if (options[name] !== undefined) throw new LabError('RL_USAGE', `--${name} goes with --compare-tcp`);
    return null;
  }
  for (const name of ['count', 'resume', 'series', 'alpn'] as const)
    if (options[name] !== undefined)
      throw new LabError('RL_USAGE', `--${name} does not go with --compare-tcp`);
  return parseChoice(mode, '--mode', COMPARED_MODES);
}

async function run(target: string, options: ProbeOptions): Promise<void> {
  const url = isUrl(target) ? parseUrl(target) : null;
  const mode = options.mode ?? (url !== null ? 'http3' : options.compareTcp ? 'download' : 'ping');
  if ((mode === 'http3') !== (url !== null)) {
    throw new LabError('RL_USAGE', `--mode ${mode} does not go with "${target}"`, {
      hint: 'Mode http3 is for https://HOST[:PORT]/PATH, the others are for HOST:PORT.',
    });
  }
  const address =
    url === null
      ? parseAddress(target, 'target', { lowestPort: 1, hint: HTTPS_HINT })
      : { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 443 : Number(url.port) };
  checkOptions(mode, options);
  const compared = comparedMode(mode, options);
  const trust = readTrust(options);
  if (options.insecure) {
    note(`${paint('yellow', 'warning', process.stderr)} --insecure: the server’s certificate is not checked`);
  }
  const controller = chosenController(options);
  const interrupt = onInterrupt();
  const connect: ConnectOptions = {
    ...address,
    serverName: options.serverName,
    alpn: options.alpn ?? [ALPN],
    trust,
    controller,
    timeoutMs: options.timeout / 1000,
    mtuDiscovery: options.mtuDiscovery,
    signal: interrupt.signal,
    ...keyLogTo(options.keylog),
    ...qlogTo(options, { one: options.mode !== 'handshake' }),
  };
  const base = {
    congestion: controller.name as string,
    ...(options.emulated && { emulated: true as const }),
    started_at: new Date().toISOString(),
    ...(options.insecure && { insecure: true as const }),
  };
  let error: LabError | null;
  if (compared !== null) {
    const setting: CompareSetting = {
      target: formatAddress(address),
      mode: compared,
      tcpPath: options.tcpPath ?? (options.emulated ? 'stream relay' : 'direct'),
      emulated: options.emulated ?? false,
      wish: isControllerChosen(options) ? controller : null,
    };
    error = await compareTcp(setting, options, connect, interrupt.signal);
    if (error !== null) process.exitCode = error.exitCode;
    return;
  }
  if (mode === 'http3' && options.body === undefined && isControllerChosen(options))
    note(
      `${paint('yellow', 'note', process.stderr)} responses come with the controller of the server, not with ${controller.name}`,
    );
  if (mode === 'http3') error = await probeHttp3(url!, options, connect, base);
  else {
    const { name, parameters } = controller;
    const head: ProbeHead = {
      target: formatAddress(address),
      mode,
      ...base,
      ...(isControllerChosen(options) && { asked: { congestion: name, parameters } }),
    };
    error = await measure(head, options, connect, interrupt.signal);
  }
  if (error === null) return;
  process.exitCode = error.exitCode;
  printError(error);
}

/** Measures and prints. Returns why it is no success, beside what was measured all the same. */
async function measure(
  head: ProbeHead,
  options: ProbeOptions,
  connect: ConnectOptions,
  signal: AbortSignal,
): Promise<LabError | null> {
  const { mode } = head;
  const series = options.series === undefined ? null : new SeriesFile(options.series);
  const measurement = new Measurement(
    connect,
    {
      mode,
      count: options.count,
      durationMs: options.duration === undefined ? undefined : options.duration / 1000,
      ratePerS: options.rate,
      bytes: options.bytes,
      resume: options.resume,
      everyUs: series === null ? null : SERIES_EVERY_US,
      wish: isControllerChosen(options) ? chosenController(options) : null,
    },
    signal,
  );
  const bar = progress(mode, 1);
  const look = setInterval(() => {
    bar.update(measurement.progress().part, shortly(measurement, mode));
    for (const part of measurement.takeSeries()) series?.add(part);
  }, LOOK_EVERY_MS);
  let error: LabError | null = null;
  try {
    await measurement.run();
  } catch (thrown) {
    error = toLabError(thrown);
  } finally {
    clearInterval(look);
    bar.stop();
  }
  for (const part of measurement.takeSeries()) series?.add(part);
  const measured = measurement.result();
  // Nothing was measured: the error is the whole answer.
  if (error !== null && measured.handshakeUs === null) throw error;
  for (const remark of measurement.remarks) note(remark);
  series?.write();
  const result = probeFields(
    head,
    measured,
    {
      ...(options.resume && { resumed: measurement.resumed }),
      ...(signal.aborted && { interrupted: true as const }),
      ...(error !== null && { error: error.toBody() }),
    },
    measurement.followed,
  );
  const remark = controllerNote(result, measured);
  if (remark !== null) note(`${paint('yellow', 'note', process.stderr)} ${remark}`);
  if (options.json) printJson(result);
  else printResult(result);
  return error;
}

/** What a progress bar says beside how far it is. */
function shortly({ newestUs, lostPings, received }: Measurement, mode: Mode): string {
  if (mode === 'ping') return `rtt ${formatDuration(newestUs)}  lost ${lostPings}`;
  if (mode === 'handshake') return formatDuration(newestUs);
  return `${formatBytes(received.bytes)}  ${formatRate(received.durationUs > 0 ? goodputBps(received) : null)}`;
}

function printResult(result: ProbeFields): void {
  const marks = [
    ...(result.emulated ? ['emulated'] : []),
    ...(result.insecure ? ['insecure: certificate not checked'] : []),
    ...(result.interrupted ? ['interrupted'] : []),
  ];
  const head = [
    paint('bold', result.target),
    result.mode,
    result.congestion ?? 'the server’s own controller, which it does not tell',
    ...marks.map((m) => paint('yellow', m)),
  ];
  print(`${head.join('  ')}\n${resultTable(result)}`);
}
