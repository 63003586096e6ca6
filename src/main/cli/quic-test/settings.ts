/** What the flags of quic-test ask for, checked: nothing that was given is ignored. */
import { type Emulation, LinkSettings } from '../../../shared/domain.ts';
import { LabError } from '../../../shared/errors.ts';
import type { FecInput } from '../../../shared/fec.ts';
import { PATTERNS } from '../../../shared/load.ts';
import { plainPath, SCENARIO_NAMES, scenarioNamed } from '../../../shared/matrix.ts';
import type { GateLimits } from '../../../shared/sla.ts';
import { parseRatio } from '../../../shared/units.ts';
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
import { parseThroughput } from '../sla-options.ts';
import { FLAGS, MODES, type Mode } from './flags.ts';
import { parseGoDuration } from './go-flags.ts';

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
  compareTcp: boolean;
  fec: FecInput | null;
  insecure: boolean;
}

const invalid = (flag: string, message: string, hint?: string): LabError =>
  new LabError('RL_INPUT_INVALID', `--${flag}: ${message}`, { field: `--${flag}`, ...(hint && { hint }) });

/** What of the flags a comparison with TCP heeds, and what of them in either mode. */
const COMPARED = ['compare-tcp', 'mode', 'duration', 'congestion', 'cc', 'enable-datagrams'];
const COMPARED_IN: Readonly<Record<Mode, readonly string[]>> = {
  server: [],
  client: [
    'server',
    'insecure',
    'bbr-probe-bw',
    'bbr-probe-rtt-interval',
    'prometheus-port',
    'prometheus-labels',
    'histogram-buckets',
  ],
  test: ['emulate-loss', 'emulate-latency', 'emulate-dup', 'network-profile'],
};

const CONTROLLER_NAMES: Readonly<Record<string, string>> = { bbrv2: 'bbr2', bbrv3: 'bbr3' };

/** Throws RL_INPUT_INVALID naming the flag. */
export function readSettings(given: ReadonlyMap<string, string>): QuicTestSettings {
  const has = (flag: string): boolean => given.has(flag);
  const isOn = (flag: string): boolean => given.get(flag) === 'true';
  const read = <T>(flag: string, parse: (text: string) => T): T | undefined => {
    const text = given.get(flag);
    return text === undefined ? undefined : parse(text);
  };
  const number = (flag: string, min: number, max: number, integer = true): number | undefined =>
    read(flag, (text) => parseNumber(text, `--${flag}`, { min, max, integer }));
  const milliseconds = (flag: string, min: number, max: number): number | undefined =>
    read(flag, (text) => {
      const ms = parseGoDuration(text, flag) / 1e3;
      if (ms < min || ms > max) throw invalid(flag, `${text} is not from ${min} ms to ${max / 1e3} s`);
      return ms;
    });

  const mode = read('mode', (text) => parseChoice(text, '--mode', MODES)) ?? 'test';
  for (const { name, modes } of FLAGS)
    if (has(name) && !modes.includes(mode)) throw invalid(name, `means nothing in mode ${mode}`);
  refuseMissing(given);

  const name = given.get('scenario');
  const scenario = name === undefined ? undefined : scenarioNamed(name);
  if (name !== undefined && scenario === undefined)
    throw invalid('scenario', `there is no scenario "${name}"`, `Use one of: ${SCENARIO_NAMES.join(', ')}.`);
  const durationMs = milliseconds('duration', 0, 86_400_000);
  const durationS = durationMs === undefined ? (scenario?.load.durationS ?? null) : durationMs / 1e3 || null;
  const compareTcp = isOn('compare-tcp');
  if (compareTcp)
    for (const flag of given.keys())
      if (![...COMPARED, ...COMPARED_IN[mode]].includes(flag))
        throw invalid(
          flag,
          `does not go with --compare-tcp in mode ${mode}, whose transfers send what the path takes`,
        );

  return {
    mode,
    server:
      read('server', (text) => parseAddress(text, '--server', { lowestPort: 1 })) ??
      (mode === 'client' ? missing('server') : null),
    addr: read('addr', listenAddress) ?? (mode === 'server' ? listenAddress(':9000') : null),
    plan: {
      connections: number('connections', 1, 64) ?? scenario?.load.connections ?? 1,
      streams: number('streams', 1, 100) ?? scenario?.load.streams ?? 1,
      ratePerS: number('rate', 0.1, 10_000, false) ?? scenario?.load.ratePerS ?? 100,
      packetBytes: number('packet-size', 16, 65_535) ?? 1200,
      durationS,
      warmUpS: 0,
      coolDownS: 0,
      pattern: read('pattern', (text) => parseChoice(text, '--pattern', PATTERNS)) ?? 'random',
      updateKeys: isOn('enable-key-update'),
      earlyData: isOn('enable-0rtt'),
    },
    emulation: emulationOf(given),
    limits: {
      ...scenario?.limits,
      ...read('sla-rtt-p95', (text) => ({ rttP95Us: parseGoDuration(text, 'sla-rtt-p95') })),
      ...read('sla-loss', (text) => ({ lossRatio: parseRatio(text, '--sla-loss') })),
      ...read('sla-throughput', (text) => ({ goodputBps: parseThroughput(text) })),
      ...read('sla-errors', () => ({ errors: number('sla-errors', 0, 1e9)! })),
    },
    report: given.get('report') ?? null,
    format: read('report-format', (text) => parseChoice(text, '--report-format', FORMATS)) ?? null,
    ...identity(given),
    controller: controllerOf(given),
    metrics: metricsOf(given),
    connect: {
      ...read('max-idle-timeout', () => ({
        idleTimeoutMs: milliseconds('max-idle-timeout', 1000, 600_000)!,
      })),
      ...read('handshake-timeout', () => ({ timeoutMs: milliseconds('handshake-timeout', 100, 600_000)! })),
      ...read('keep-alive', () => ({ keepAliveMs: milliseconds('keep-alive', 100, 600_000)! })),
    },
    earlyData: isOn('enable-0rtt'),
    compareTcp,
    fec: isOn('fec') ? fecOf(number('fec-redundancy', 0.1, 1, false), durationS) : null,
    insecure: isOn('insecure'),
  };
}

/** Groups of ten packets. */
function fecOf(redundancy: number | undefined, durationS: number | null): FecInput {
  if (durationS === null || durationS > 600)
    throw invalid('fec', 'needs a --duration, of at most 10m: what is protected is counted at its end');
  return { scheme: 'rs', k: 10, redundancy: redundancy ?? 0.1, adaptive: false };
}

function missing(flag: string): never {
  throw invalid(flag, 'is missing');
}

/** What RouteLab cannot do, or cannot do otherwise. */
function refuseMissing(given: ReadonlyMap<string, string>): void {
  if (given.has('fec-redundancy') && given.get('fec') !== 'true')
    throw invalid('fec-redundancy', 'is for --fec');
  if (given.get('enable-datagrams') === 'false')
    throw invalid(
      'enable-datagrams',
      'RTT and loss are measured with DATAGRAM frames; they cannot be left out',
    );
  if (given.has('cc') && given.has('congestion') && given.get('cc') !== given.get('congestion'))
    throw invalid('cc', 'says another controller than --congestion');
}

/** `:9000` is every address of this machine. */
const listenAddress = (text: string): Address =>
  parseAddress(text.startsWith(':') ? text.slice(1) : text, '--addr', {
    defaultHost: '0.0.0.0',
    lowestPort: 0,
  });

function identity(given: ReadonlyMap<string, string>): Pick<QuicTestSettings, 'cert' | 'key'> {
  const [cert = null, key = null] = [given.get('cert'), given.get('key')];
  if ((cert === null) !== (key === null))
    throw invalid(cert === null ? 'cert' : 'key', 'is missing beside the other');
  return { cert, key };
}

function emulationOf(given: ReadonlyMap<string, string>): Emulation | null {
  const flags = ['emulate-loss', 'emulate-latency', 'emulate-dup'].filter((flag) => given.has(flag));
  const named = ['scenario', 'network-profile'].filter((flag) => given.has(flag));
  const [first, second] = [...named, ...flags.slice(0, named.length)];
  if (named.length > 0 && second !== undefined) throw invalid(second, `does not go with --${first}`);
  const scenario = given.get('scenario');
  if (scenario !== undefined) return scenarioNamed(scenario)!.emulation;
  const profile = given.get('network-profile');
  if (profile !== undefined) return findProfile(profile, '--network-profile');
  if (flags.length === 0) return null;
  const rttMs = parseGoDuration(given.get('emulate-latency') ?? '0', 'emulate-latency') / 1e3;
  if (!LinkSettings.shape.delayMs.safeParse(rttMs / 2).success)
    throw invalid('emulate-latency', `${given.get('emulate-latency')} is more than 20 s`);
  return plainPath('custom', {
    rttMs,
    lossRatio: parseRatio(given.get('emulate-loss') ?? '0', '--emulate-loss'),
    duplicateRatio: parseRatio(given.get('emulate-dup') ?? '0', '--emulate-dup'),
  });
}

function controllerOf(given: ReadonlyMap<string, string>): QuicTestSettings['controller'] {
  const name = given.get('congestion') ?? given.get('cc');
  const probeBw = given.get('bbr-probe-bw');
  const interval = given.get('bbr-probe-rtt-interval');
  return chosenController({
    ...(name !== undefined && { congestion: parseController(CONTROLLER_NAMES[name] ?? name) }),
    ...(probeBw !== undefined && { bbrProbeBw: parseProbeBw(probeBw) }),
    ...(interval !== undefined && {
      bbrProbeRttInterval: parseProbeRttInterval(
        `${parseGoDuration(interval, 'bbr-probe-rtt-interval') / 1e6}s`,
      ),
    }),
  });
}

function metricsOf(given: ReadonlyMap<string, string>): MetricsFlags {
  const port = given.get('prometheus-port');
  const labels = given.get('prometheus-labels');
  const buckets = given.get('histogram-buckets');
  return {
    ...(port !== undefined && {
      prometheusPort: parseAddress(port.replace(/^:/, ''), '--prometheus-port', {
        defaultHost: '127.0.0.1',
        lowestPort: 0,
      }),
    }),
    ...(labels !== undefined && { prometheusLabels: parseChoice(labels, '--prometheus-labels', LABEL_SETS) }),
    ...(buckets !== undefined && {
      histogramBuckets: parseNumber(buckets, '--histogram-buckets', { ...BUCKETS, integer: true }),
    }),
  };
}
