/** `routelab probe HOST:PORT`, or an https URL: one measurement of one server. */
import type { Command } from 'commander';
import { CONTROLLERS, type Controller } from '../../shared/domain.ts';
import { LabError, toLabError } from '../../shared/errors.ts';
import { goodputBps, type HandshakeSample, type PingSample } from '../../shared/samples.ts';
import { formatBytes, formatDuration, formatRate, parseBytes, parseDuration } from '../../shared/units.ts';
import { connectionEnded } from '../probe/ended.ts';
import { runHandshakes } from '../probe/handshake.ts';
import { Pinger } from '../probe/ping.ts';
import { ALPN } from '../probe/protocol.ts';
import { download, upload } from '../probe/throughput.ts';
import type { QlogFormat } from '../quic/qlog/trace.ts';
import type { CloseInfo, ConnectOptions, QuicSession } from '../quic/udp/api.ts';
import { connectQuic } from '../quic/udp/client.ts';
import { nowUs } from '../quic/udp/clock.ts';
import { formatAddress, parseAddress } from './address.ts';
import { onInterrupt } from './interrupt.ts';
import { keyLogTo } from './key-log.ts';
import {
  chosenController,
  collectList,
  collectParameter,
  parseChoice,
  parseController,
  parseNumber,
  withDefault,
} from './options.ts';
import { note, paint, print, printError, printJson, progress } from './output.ts';
import { collectHeader, type Http3Options, isUrl, parseMethod, parseUrl, probeHttp3 } from './probe-http3.ts';
import {
  handshakeFields,
  inOrder,
  MODES,
  type Mode,
  negotiatedFields,
  type ProbeResult,
  pingFields,
  resultTable,
  transportFields,
} from './probe-result.ts';
import { parseQlogFormat, QLOG_FORMAT_HELP, qlogTo } from './qlog-files.ts';
import { readTrust } from './trust.ts';

interface ProbeOptions extends Http3Options {
  mode?: Mode | 'http3';
  /** Microseconds. */
  duration?: number;
  rate?: number;
  bytes?: number;
  congestion: Controller;
  set?: Readonly<Record<string, number>>;
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
      `congestion controller: ${CONTROLLERS.join(', ')}`,
      parseController,
      'cubic',
    )
    .option('--set <Name=value>', 'parameter of the congestion controller; repeatable', collectParameter)
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
  bytes: ['download', 'upload'],
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

/** A measurement under way: the samples of each mode end up in `result`. */
interface Measurement {
  connect: ConnectOptions;
  options: ProbeOptions;
  mode: Mode;
  signal: AbortSignal;
  result: ProbeResult;
}

async function run(target: string, options: ProbeOptions): Promise<void> {
  const url = isUrl(target) ? parseUrl(target) : null;
  const mode = options.mode ?? (url === null ? 'ping' : 'http3');
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
  const trust = readTrust(options);
  if (options.insecure) {
    note(`${paint('yellow', 'warning', process.stderr)} --insecure: the server’s certificate is not checked`);
  }
  const interrupt = onInterrupt();
  const connect: ConnectOptions = {
    ...address,
    serverName: options.serverName,
    alpn: options.alpn ?? [ALPN],
    trust,
    controller: chosenController(options),
    timeoutMs: options.timeout / 1000,
    mtuDiscovery: options.mtuDiscovery,
    signal: interrupt.signal,
    ...keyLogTo(options.keylog),
    ...qlogTo(options, { one: options.mode !== 'handshake' }),
  };
  const base = {
    congestion: options.congestion,
    ...(options.emulated && { emulated: true as const }),
    started_at: new Date().toISOString(),
    ...(options.insecure && { insecure: true as const }),
  };
  let error: LabError | null;
  if (mode === 'http3') error = await probeHttp3(url!, options, connect, base);
  else {
    const result: ProbeResult = { target: formatAddress(address), mode, duration_s: 0, ...base };
    error = await measure({ connect, options, mode, signal: interrupt.signal, result });
  }
  if (error === null) return;
  process.exitCode = error.exitCode;
  printError(error);
}

/** Measures and prints. Returns why it is no success, beside what was measured all the same. */
async function measure(measurement: Measurement): Promise<LabError | null> {
  const { mode, options, signal, result } = measurement;
  const startedAtUs = nowUs();
  let error: LabError | null = null;
  try {
    if (mode === 'handshake') await measureHandshakes(measurement);
    else await measureSession(mode, measurement);
  } catch (thrown) {
    if (!signal.aborted) error = toLabError(thrown);
  }
  // Nothing was measured: the error is the whole answer.
  if (error !== null && result.handshake_ms === undefined) throw error;
  result.duration_s = Math.round((nowUs() - startedAtUs) / 1000) / 1000;
  if (signal.aborted) result.interrupted = true;
  if (error !== null) result.error = error.toBody();
  if (options.json) printJson(inOrder(result));
  else printResult(result);
  return error ?? (signal.aborted ? null : nothingMeasured(result));
}

/** A measurement that ran to its end without a single answer is no success. */
function nothingMeasured({ mode, sent, received, goodput_bps }: ProbeResult): LabError | null {
  if (mode === 'ping' && received === 0)
    return new LabError('RL_CONNECTION_LOST', `None of ${sent} pings was answered`);
  if ((mode === 'download' || mode === 'upload') && goodput_bps === undefined)
    return new LabError('RL_CONNECTION_LOST', `The ${mode} moved too little to derive a rate`);
  return null;
}

function printResult(result: ProbeResult): void {
  const marks = [
    ...(result.emulated ? ['emulated'] : []),
    ...(result.insecure ? ['insecure: certificate not checked'] : []),
    ...(result.interrupted ? ['interrupted'] : []),
  ];
  const head = [
    paint('bold', result.target),
    result.mode,
    result.congestion,
    ...marks.map((m) => paint('yellow', m)),
  ];
  print(`${head.join('  ')}\n${resultTable(result)}`);
}

async function measureHandshakes({ connect, options, signal, result }: Measurement): Promise<void> {
  const samples: HandshakeSample[] = [];
  let resumed = 0;
  const durationMs = options.duration === undefined ? undefined : options.duration / 1000;
  const count = options.count ?? (durationMs === undefined ? 10 : undefined);
  const startedAtUs = nowUs();
  const bar = progress('handshakes', count ?? durationMs!);
  try {
    await runHandshakes(connect, {
      count,
      durationMs,
      resume: options.resume,
      signal,
      onHandshake: (sample, info) => {
        samples.push(sample);
        if (info) result.negotiated = negotiatedFields(info);
        if (info?.resumed) resumed++;
        const done = count === undefined ? (nowUs() - startedAtUs) / 1000 : samples.length;
        bar.update(done, formatDuration(sample.durationUs));
      },
    });
  } finally {
    bar.stop();
    result.sent = samples.length;
    result.received = samples.filter((sample) => sample.durationUs !== null).length;
    if (options.resume) result.resumed = resumed;
    Object.assign(result, handshakeFields(samples));
  }
}

async function measureSession(mode: Exclude<Mode, 'handshake'>, measurement: Measurement): Promise<void> {
  const { connect, result } = measurement;
  const session = await connectQuic(connect);
  let ended: CloseInfo | null = null;
  void session.closed.then((info) => {
    ended = info;
  });
  Object.assign(result, handshakeFields([session.handshake]));
  result.negotiated = negotiatedFields(session.handshake);
  try {
    if (mode === 'ping') await measurePings(session, measurement);
    else await measureTransfer(session, mode, measurement);
    await Promise.resolve();
    if (ended !== null) throw connectionEnded(ended, mode);
  } finally {
    const stats = session.stats();
    result.transport = transportFields(stats);
    if (mode !== 'download') {
      result.cwnd_bytes = stats.cwndBytes;
      if (stats.pacingBps !== null) result.pacing_bps = Math.round(stats.pacingBps);
    }
    if (mode === 'upload' && stats.streamBytesSent > 0) {
      result.retransmit_ratio = stats.streamBytesRetransmitted / stats.streamBytesSent;
    }
    await session.close();
  }
}

async function measurePings(session: QuicSession, { options, signal, result }: Measurement): Promise<void> {
  const ratePerS = options.rate ?? 10;
  const duration = options.duration ?? (options.count === undefined ? 10e6 : undefined);
  const samples: PingSample[] = [];
  let newestUs: number | null = null;
  const total = Math.min(
    options.count ?? Number.POSITIVE_INFINITY,
    duration === undefined ? Number.POSITIVE_INFINITY : Math.ceil((duration / 1e6) * ratePerS),
  );
  const bar = progress('pings', total);
  let pinger: Pinger;
  try {
    pinger = new Pinger(session, {
      ratePerS,
      count: options.count,
      durationMs: duration === undefined ? undefined : duration / 1000,
      onPing: (ping) => {
        samples.push(ping);
        newestUs = ping.rttUs ?? newestUs;
        bar.update(samples.length, `rtt ${formatDuration(newestUs)}  lost ${pinger.ledger.lost}`);
      },
    });
    const stop = (): void => pinger.stop();
    signal.addEventListener('abort', stop);
    await pinger.finished;
    signal.removeEventListener('abort', stop);
  } finally {
    bar.stop();
  }
  Object.assign(result, pingFields(samples));
  const { late, duplicates } = pinger.ledger;
  if (late > 0) note(`${late} echoes came after their ping had been counted as lost`);
  if (duplicates > 0) note(`${duplicates} echoes came more than once`);
  if (pinger.skipped > 0)
    note(`${pinger.skipped} pings were not sent: this machine or the connection was too busy`);
}

async function measureTransfer(
  session: QuicSession,
  mode: 'download' | 'upload',
  { options, signal, result }: Measurement,
): Promise<void> {
  const duration = options.duration ?? (options.bytes === undefined ? 10e6 : undefined);
  const bar = progress(mode, options.bytes ?? duration! / 1000);
  const received = await (mode === 'download' ? download : upload)(session, {
    bytes: options.bytes,
    durationMs: duration === undefined ? undefined : duration / 1000,
    signal,
    onProgress: (now) => {
      const done = options.bytes === undefined ? now.durationUs / 1000 : now.bytes;
      bar.update(
        done,
        `${formatBytes(now.bytes)}  ${formatRate(now.durationUs > 0 ? goodputBps(now) : null)}`,
      );
    },
  }).finally(() => bar.stop());
  result.bytes = received.bytes;
  if (received.durationUs > 0) {
    result.goodput_bps = { [mode === 'download' ? 'down' : 'up']: Math.round(goodputBps(received)) };
  } else if (!signal.aborted) note('too little was transferred to derive a rate; raise --bytes');
}
