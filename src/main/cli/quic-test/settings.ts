/** What the flags of quic-test ask for, checked: nothing that was given is ignored. */
import { type Emulation, LinkSettings } from '../../../shared/domain.ts';
import type { FecInput } from '../../../shared/fec.ts';
import { PATTERNS } from '../../../shared/load.ts';
import { plainPath, SCENARIO_NAMES, scenarioNamed } from '../../../shared/matrix.ts';
import { type GateLimits, levelLimits, SLA_LEVELS } from '../../../shared/sla.ts';
import { parseRate, parseRatio } from '../../../shared/units.ts';
import { findProfile } from '../../path/profiles.ts';
import type { LoadPlan } from '../../probe/load.ts';
import { LABEL_SETS } from '../../telemetry/exporter.ts';
import { BUCKETS } from '../../telemetry/histogram.ts';
import { type Address, parseAddress } from '../address.ts';
import type { MetricsFlags } from '../metrics-options.ts';
import {
  chosenController,
  parseChoice,
  parseController,
  parseNumber,
  parseProbeBw,
  parseProbeRttInterval,
} from '../options.ts';
import { type ComparisonPlan, comparisonPlan } from './comparison-plan.ts';
import { fecInput } from './fec-group.ts';
import { METRICS_PORTS, MODES, type Mode } from './flags.ts';
import { Given } from './given.ts';
import { invalid, parseGoDuration } from './go-flags.ts';

const FORMATS = ['csv', 'md', 'json'] as const;

export interface QuicTestSettings {
  mode: Mode;
  /** Of mode client. */
  server: Address | null;
  /** Null where a free port of loopback will do. */
  addr: Address | null;
  plan: LoadPlan;
  /** Null: the network as it is. */
  emulation: Emulation | null;
  limits: GateLimits;
  report: string | null;
  format: (typeof FORMATS)[number] | null;
  cert: string | null;
  key: string | null;
  controller: ReturnType<typeof chosenController>;
  metrics: MetricsFlags;
  connect: { idleTimeoutMs?: number; timeoutMs?: number; keepAliveMs?: number };
  earlyData: boolean;
  /** Null: the load is sent. */
  comparison: ComparisonPlan | null;
  fec: FecInput | null;
  insecure: boolean;
}

const CONTROLLER_NAMES: Readonly<Record<string, string>> = { bbrv2: 'bbr2', bbrv3: 'bbr3' };

/** Throws RL_INPUT_INVALID naming the flag. */
export function readSettings(texts: ReadonlyMap<string, string>): QuicTestSettings {
  const given = new Given(texts);
  const mode = given.read('mode', (text) => parseChoice(text, '--mode', MODES)) ?? 'test';
  given.check(mode);
  if (given.text('enable-datagrams') === 'false')
    throw invalid(
      'enable-datagrams',
      'RTT and loss are measured with DATAGRAM frames; they cannot be left out',
    );
  const name = given.text('scenario');
  const scenario = name === null ? undefined : scenarioNamed(name);
  if (name !== null && scenario === undefined)
    throw invalid('scenario', `there is no scenario "${name}"`, `Use one of: ${SCENARIO_NAMES.join(', ')}.`);
  const durationMs = given.milliseconds('duration', 0, 86_400_000) ?? null;
  const durationS =
    durationMs === null && !given.has('duration')
      ? (scenario?.load.durationS ?? null)
      : durationMs && durationMs / 1e3;
  const streams = given.number('streams', 1, 100) ?? scenario?.load.streams ?? 1;
  if (streams > (given.number('max-streams', 0, 1e9) || Number.POSITIVE_INFINITY))
    throw invalid('max-streams', `${given.text('max-streams')} are fewer than --streams ${streams}`);
  const ratePerS = given.number('rate', 0.1, 10_000, false) ?? scenario?.load.ratePerS ?? 100;
  const redundancy = given.number('fec-redundancy', 0.05, 1, false);
  const isProtected = given.isOn('fec');
  if (redundancy !== undefined && !isProtected) throw invalid('fec-redundancy', 'is for --fec');
  return {
    mode,
    server: mode === 'client' ? serverAddress(given) : null,
    addr:
      mode === 'client'
        ? null
        : (given.read('addr', listenAddress) ?? (mode === 'server' ? listenAddress(':9000') : null)),
    plan: {
      connections: given.number('connections', 1, 64) ?? scenario?.load.connections ?? 1,
      streams,
      ratePerS,
      packetBytes: given.number('packet-size', 16, 65_535) ?? 1200,
      durationS,
      warmUpS: 0,
      coolDownS: 0,
      pattern: given.read('pattern', (text) => parseChoice(text, '--pattern', PATTERNS)) ?? 'random',
      updateKeys: given.isOn('enable-key-update'),
      earlyData: given.isOn('enable-0rtt'),
    },
    emulation: emulationOf(given),
    limits: limitsOf(given, scenario?.limits ?? {}, isProtected),
    report: given.text('report'),
    format: given.read('report-format', (text) => parseChoice(text, '--report-format', FORMATS)) ?? null,
    ...identity(given),
    controller: controllerOf(given),
    metrics: metricsOf(given, mode),
    connect: connectionOf(given),
    earlyData: given.isOn('enable-0rtt'),
    comparison: comparisonPlan(given, mode, durationMs),
    fec: isProtected ? fecInput(redundancy ?? 0.1, ratePerS) : null,
    insecure: given.isOn('insecure'),
  };
}

/** quic-test has one flag for where to listen and where to send to; `:9000` is this machine then. */
function serverAddress(given: Given): Address {
  const server = given.read('server', (text) => parseAddress(text, '--server', { lowestPort: 1 }));
  const addr = given.read('addr', (text) =>
    parseAddress(text.replace(/^:/, ''), '--addr', { defaultHost: '127.0.0.1', lowestPort: 1 }),
  );
  if (server && addr && (server.host !== addr.host || server.port !== addr.port))
    throw invalid('addr', 'says another server than --server');
  return server ?? addr ?? { host: '127.0.0.1', port: 9000 };
}

/** In quic-test's unit. */
const parseThroughput = (text: string): number =>
  /^\s*[\d.]+\s*$/.test(text)
    ? parseNumber(text, '--sla-throughput', { min: 0, max: 1e8 }) * 8e3
    : parseRate(text, '--sla-throughput');

function limitsOf(given: Given, base: GateLimits, fec: boolean): GateLimits {
  const level = given.read('sla', (text) => parseChoice(text, '--sla', SLA_LEVELS));
  return {
    ...(level === undefined ? base : levelLimits(level, { fec })),
    ...given.read('sla-rtt-p95', (text) => ({ rttP95Us: parseGoDuration(text, 'sla-rtt-p95') })),
    ...given.read('sla-loss', (text) => ({ lossRatio: parseRatio(text, '--sla-loss') })),
    ...given.read('sla-throughput', (text) => ({ goodputBps: parseThroughput(text) })),
    ...given.read('sla-errors', () => ({ errors: given.number('sla-errors', 0, 1e9)! })),
  };
}

function connectionOf(given: Given): QuicTestSettings['connect'] {
  const idleTimeoutMs = given.milliseconds('max-idle-timeout', 1000, 600_000);
  const timeoutMs = given.milliseconds('handshake-timeout', 100, 600_000);
  const keepAliveMs = given.milliseconds('keep-alive', 100, 600_000);
  return {
    ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(keepAliveMs !== undefined && { keepAliveMs }),
  };
}

/** `:9000` is every address of this machine. */
const listenAddress = (text: string): Address =>
  parseAddress(text.startsWith(':') ? text.slice(1) : text, '--addr', {
    defaultHost: '0.0.0.0',
    lowestPort: 0,
  });

function identity(given: Given): Pick<QuicTestSettings, 'cert' | 'key'> {
  const [cert, key] = [given.text('cert'), given.text('key')];
  if ((cert === null) !== (key === null))
    throw invalid(cert === null ? 'cert' : 'key', 'is missing beside the other');
  return { cert, key };
}

function emulationOf(given: Given): Emulation | null {
  const flags = ['emulate-loss', 'emulate-latency', 'emulate-dup'].filter((flag) => given.has(flag));
  const named = ['scenario', 'network-profile'].filter((flag) => given.has(flag));
  const [first, second] = [...named, ...flags.slice(0, named.length)];
  if (named.length > 0 && second !== undefined) throw invalid(second, `does not go with --${first}`);
  const scenario = given.text('scenario');
  if (scenario !== null) return scenarioNamed(scenario)!.emulation;
  const profile = given.text('network-profile');
  if (profile !== null) return findProfile(profile, '--network-profile');
  if (flags.length === 0) return null;
  const rttMs = parseGoDuration(given.text('emulate-latency') ?? '0', 'emulate-latency') / 1e3;
  if (!LinkSettings.shape.delayMs.safeParse(rttMs / 2).success)
    throw invalid('emulate-latency', `${given.text('emulate-latency')} is more than 20 s`);
  return plainPath('custom', {
    rttMs,
    lossRatio: parseRatio(given.text('emulate-loss') ?? '0', '--emulate-loss'),
    duplicateRatio: parseRatio(given.text('emulate-dup') ?? '0', '--emulate-dup'),
  });
}

function controllerOf(given: Given): QuicTestSettings['controller'] {
  const name = given.text('congestion');
  const probeBw = given.text('bbr-probe-bw');
  const interval = given.text('bbr-probe-rtt-interval');
  return chosenController({
    ...(name !== null && { congestion: parseController(CONTROLLER_NAMES[name] ?? name) }),
    ...(probeBw !== null && { bbrProbeBw: parseProbeBw(probeBw) }),
    ...(interval !== null && {
      bbrProbeRttInterval: parseProbeRttInterval(
        `${parseGoDuration(interval, 'bbr-probe-rtt-interval') / 1e6}s`,
      ),
    }),
  });
}

function metricsOf(given: Given, mode: Mode): MetricsFlags {
  const port =
    given.text('prometheus-port') ?? (given.isOn('prometheus') ? String(METRICS_PORTS[mode]) : null);
  const labels = given.text('prometheus-labels');
  const buckets = given.text('histogram-buckets');
  return {
    ...(port !== null && {
      prometheusPort: parseAddress(port.replace(/^:/, ''), '--prometheus-port', {
        defaultHost: '127.0.0.1',
        lowestPort: 0,
      }),
    }),
    ...(labels !== null && { prometheusLabels: parseChoice(labels, '--prometheus-labels', LABEL_SETS) }),
    ...(buckets !== null && {
      histogramBuckets: parseNumber(buckets, '--histogram-buckets', { ...BUCKETS, integer: true }),
    }),
  };
}
