/** `routelab probe HOST:PORT`, or an https URL: one measurement of one server. */
import type { Command } from 'commander';
import { LabError, toLabError } from '../../shared/errors.ts';
import { Measurement } from '../probe/measurement.ts';
import { ALPN } from '../probe/protocol.ts';
import type { ConnectOptions } from '../quic/udp/api.ts';
import { formatAddress, parseAddress } from './address.ts';
import { onInterrupt } from './interrupt.ts';
import { keyLogTo } from './key-log.ts';
import { chosenController, isControllerChosen } from './options.ts';
import { note, paint, print, printError, printJson, progress } from './output.ts';
import { isUrl, parseUrl, probeHttp3 } from './probe-http3.ts';
import { type ProbeMetrics, probeMetrics } from './probe-metrics.ts';
import { addOptions, checkOptions, type ProbeOptions } from './probe-options.ts';
import {
  controllerNote,
  type ProbeFields,
  type ProbeHead,
  probeFields,
  resultTable,
} from './probe-result.ts';
import { qlogTo } from './qlog-files.ts';
import { SeriesFile } from './series-file.ts';
import { readTrust } from './trust.ts';

const LOOK_EVERY_MS = 100;
const SERIES_EVERY_US = 1000;

export function configure(command: Command): void {
  addOptions(
    command.argument(
      '<target>',
      'server to measure: host:port, an IPv6 address in brackets, or an https URL',
    ),
  ).action(run);
}

const HTTPS_HINT = 'Write HOST:PORT, an IPv6 address in brackets, or for HTTP/3 https://HOST[:PORT]/PATH.';

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
  const controller = chosenController(options);
  const shown = formatAddress(address);
  const metrics = await probeMetrics(options, { target: shown, congestion: controller.name });
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
    onConnected: metrics?.onConnected,
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
  if (mode === 'http3' && options.body === undefined && isControllerChosen(options))
    note(
      `${paint('yellow', 'note', process.stderr)} responses come with the controller of the server, not with ${controller.name}`,
    );
  try {
    if (mode === 'http3') error = await probeHttp3(url!, options, connect, base);
    else {
      const { name, parameters } = controller;
      const head: ProbeHead = {
        target: shown,
        mode,
        ...base,
        ...(isControllerChosen(options) && { asked: { congestion: name, parameters } }),
      };
      error = await measure(head, options, { connect, metrics, signal: interrupt.signal });
    }
  } finally {
    await metrics?.close();
  }
  if (error === null) return;
  process.exitCode = error.exitCode;
  printError(error);
}

/** Measures and prints. Returns why it is no success, beside what was measured all the same. */
async function measure(
  head: ProbeHead,
  options: ProbeOptions,
  {
    connect,
    metrics,
    signal,
  }: { connect: ConnectOptions; metrics: ProbeMetrics | null; signal: AbortSignal },
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
  metrics?.follow(measurement);
  const bar = progress(mode, 1);
  const look = setInterval(() => {
    bar.update(measurement.progress().part, measurement.newest);
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
