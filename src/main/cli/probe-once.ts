/** One measurement of one target with the options of `routelab probe`. */
import { LabError, toLabError } from '../../shared/errors.ts';
import { probeMetrics } from '../../shared/metrics.ts';
import type { ProbeDetail } from '../../shared/probe-details.ts';
import type { ProbeResult } from '../../shared/probes.ts';
import type { Gate } from '../../shared/report.ts';
import { fecLimits, judge, type SlaLevel, withOccasion } from '../../shared/sla.ts';
import { Measurement } from '../probe/measurement.ts';
import { ALPN } from '../probe/protocol.ts';
import { warmUp } from '../probe/warm-up.ts';
import type { ConnectOptions, TrustOptions } from '../quic/udp/api.ts';
import { formatAddress, parseAddress } from './address.ts';
import { keyLogTo } from './key-log.ts';
import { chosenController, isControllerChosen } from './options.ts';
import { note, paint, progress } from './output.ts';
import { isUrl, parseUrl, probeHttp3 } from './probe-http3.ts';
import type { Http3Result } from './probe-http3-result.ts';
import type { ProbeMetrics, TargetMetrics } from './probe-metrics.ts';
import { type AnyMode, fecOf, type ProbeOptions } from './probe-options.ts';
import { controllerNote, type Mode, type ProbeFields, type ProbeHead, probeFields } from './probe-result.ts';
import { qlogTo } from './qlog-files.ts';
import { SeriesFile } from './series-file.ts';

const LOOK_EVERY_MS = 100;
const SERIES_EVERY_US = 1000;
/** Modes that make more than one connection. */
const MANY_CONNECTIONS: readonly AnyMode[] = ['handshake', 'responsiveness'];

export interface ProbeTarget {
  /** Of one among several, or named by a person. */
  label?: string;
  mode: AnyMode;
  address: { host: string; port: number };
  /** Of mode http3. */
  url: URL | null;
}

/** What came of it; `error` is why it is no success, beside what was measured all the same. */
export interface Outcome {
  result: ProbeFields | Http3Result;
  detail: ProbeDetail | null;
  error: LabError | null;
}

const HTTPS_HINT = 'Write HOST:PORT, an IPv6 address in brackets, or for HTTP/3 https://HOST[:PORT]/PATH.';

/** @throws LabError RL_INPUT_INVALID, RL_USAGE */
export function parseTarget(text: string, given: AnyMode | undefined, label?: string): ProbeTarget {
  const url = isUrl(text) ? parseUrl(text) : null;
  const mode = given ?? (url === null ? 'ping' : 'http3');
  if ((mode === 'http3') !== (url !== null)) {
    throw new LabError('RL_USAGE', `--mode ${mode} does not go with "${text}"`, {
      hint: 'Mode http3 is for https://HOST[:PORT]/PATH, the others are for HOST:PORT.',
    });
  }
  const address =
    url === null
      ? parseAddress(text, 'target', { lowestPort: 1, hint: HTTPS_HINT })
      : { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 443 : Number(url.port) };
  return { ...(label !== undefined && { label }), mode, address, url };
}

/** How this target is written. */
export const nameOf = ({ url, address }: ProbeTarget): string => url?.href ?? formatAddress(address);

/** Settings of one measurement that are not options: how long it takes, and whether it is shown as it goes. */
export interface OnceOptions {
  durationMs: number | undefined;
  trust: TrustOptions;
  signal: AbortSignal;
  isAlone: boolean;
  metrics: ProbeMetrics | null;
}

/** How a target is connected to. */
export function connectTo(
  target: ProbeTarget,
  options: ProbeOptions,
  { signal, isAlone, trust, metrics }: Omit<OnceOptions, 'durationMs'>,
): ConnectOptions {
  const { mode, address } = target;
  return {
    ...address,
    serverName: options.serverName,
    alpn: options.alpn ?? [ALPN],
    trust,
    controller: chosenController(options),
    timeoutMs: options.timeout / 1000,
    mtuDiscovery: options.mtuDiscovery,
    signal,
    onConnected: metricsOf(target, options, metrics)?.onConnected,
    ...keyLogTo(options.keylog),
    ...qlogTo(options, { one: isAlone && !MANY_CONNECTIONS.includes(mode) }),
  };
}

/** What is exported of a target: told apart by its label, or what it is written as. */
function metricsOf(
  target: ProbeTarget,
  options: ProbeOptions,
  metrics: ProbeMetrics | null,
): TargetMetrics | null {
  const route = target.label ?? nameOf(target);
  const server = formatAddress(target.address);
  return metrics?.of({ route, server, congestion: chosenController(options).name }) ?? null;
}

/** Measures. Rejects with a LabError where nothing could be. */
export async function probeOnce(
  target: ProbeTarget,
  options: ProbeOptions,
  once: OnceOptions,
): Promise<Outcome> {
  const { mode, address, url, label } = target;
  const { isAlone } = once;
  // Of one handshake, or one request, the computing of a cold process would be the larger part.
  await warmUp();
  const connect = connectTo(target, options, once);
  const controller = chosenController(options);
  const base = {
    ...(label !== undefined && { label }),
    congestion: controller.name as string,
    ...(options.emulated && { emulated: true as const }),
    started_at: new Date().toISOString(),
    ...(options.insecure && { insecure: true as const }),
  };
  if (url !== null || mode === 'http3') {
    if (isAlone && options.body === undefined && isControllerChosen(options))
      note(
        `${paint('yellow', 'note', process.stderr)} responses come with the controller of the server, not with ${controller.name}`,
      );
    return { ...(await probeHttp3(url!, options, connect, base)), detail: null };
  }
  const { name, parameters } = controller;
  const head: ProbeHead = {
    target: formatAddress(address),
    mode,
    ...base,
    ...(isControllerChosen(options) && { asked: { congestion: name, parameters } }),
  };
  return measure(head, options, { connect, metrics: metricsOf(target, options, once.metrics) }, once);
}

/** Of mode fec: how much was added, and how much of what was lost it gave back, both ways together. */
function fecGates(level: SlaLevel, result: ProbeResult): Gate[] {
  const { detail } = result;
  const ways = detail?.kind === 'fec' ? [detail.up, detail.down].filter((way) => way !== null) : [];
  const sent = ways.reduce((all, way) => all + way.sentSource, 0);
  const lost = ways.reduce((all, way) => all + way.erasures, 0);
  return judge(withOccasion(fecLimits(level), { sent, lost }), probeMetrics(result));
}

async function measure(
  head: ProbeHead & { mode: Mode },
  options: ProbeOptions,
  { connect, metrics }: { connect: ConnectOptions; metrics: TargetMetrics | null },
  { durationMs, signal, isAlone }: OnceOptions,
): Promise<Outcome> {
  const { mode } = head;
  const series = options.series === undefined ? null : new SeriesFile(options.series);
  const measurement = new Measurement(
    connect,
    {
      mode,
      count: options.count,
      durationMs,
      ratePerS: options.rate,
      bytes: options.bytes,
      warmUpMs: options.warmUp === undefined ? undefined : options.warmUp / 1000,
      handshake: options.earlyData ? '0-rtt' : options.resume ? 'resumed' : 'cold',
      streams: options.streams,
      moves: options.moves,
      fec: fecOf(options),
      packetBytes: options.packetSize,
      everyUs: series === null ? null : SERIES_EVERY_US,
      wish: isControllerChosen(options) ? chosenController(options) : null,
    },
    signal,
  );
  metrics?.follow(measurement);
  const bar = isAlone ? progress(mode, 1) : null;
  const look = setInterval(() => {
    bar?.update(measurement.progress().part, measurement.newest);
    for (const part of measurement.takeSeries()) series?.add(part);
  }, LOOK_EVERY_MS);
  let error: LabError | null = null;
  try {
    await measurement.run();
  } catch (thrown) {
    error = toLabError(thrown);
  } finally {
    clearInterval(look);
    bar?.stop();
  }
  for (const part of measurement.takeSeries()) series?.add(part);
  const measured = measurement.result();
  // Nothing was measured: the error is the whole answer.
  if (error !== null && measured.handshakeUs === null) throw error;
  series?.write();
  const { detail } = measured;
  const result = probeFields(
    head,
    measured,
    {
      ...(detail?.kind === 'handshake' && detail.start !== 'cold' && { resumed: detail.resumed }),
      ...(options.sla !== undefined && { gates: fecGates(options.sla, measured) }),
      ...(signal.aborted && { interrupted: true as const }),
      ...(error !== null && { error: error.toBody() }),
    },
    measurement.followed,
  );
  if (isAlone) {
    for (const remark of measurement.remarks) note(remark);
    const remark = controllerNote(result, measured);
    if (remark !== null) note(`${paint('yellow', 'note', process.stderr)} ${remark}`);
  }
  return { result, detail, error };
}
