/** The options of `routelab probe`: a row each, with the modes it means something in. */
import { type Command, Option } from 'commander';
import { CONTROLLERS, type Controller } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { parseBytes, parseDuration } from '../../shared/units.ts';
import { ALPN } from '../probe/protocol.ts';
import type { QlogFormat } from '../quic/qlog/trace.ts';
import { type MetricsFlags, metricsFlags } from './metrics-options.ts';
import {
  BBR_PROBE_BW_HELP,
  BBR_PROBE_RTT_HELP,
  collectList,
  collectParameter,
  DEFAULT_CONTROLLER,
  parseChoice,
  parseController,
  parseNumber,
  parseProbeBw,
  parseProbeRttInterval,
  withDefault,
} from './options.ts';
import { collectHeader, type Http3Options, parseMethod } from './probe-http3.ts';
import { MODES, type Mode } from './probe-result.ts';
import { parseQlogFormat, QLOG_FORMAT_HELP } from './qlog-files.ts';
import { checkSeriesFile } from './series-file.ts';

export type AnyMode = Mode | 'http3';

export interface ProbeOptions extends Http3Options, MetricsFlags {
  mode?: AnyMode;
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
}

interface Row {
  option: Option;
  /** Where it means something; it is refused, not ignored, in the others. Null: in all. */
  modes: readonly AnyMode[] | null;
}

/** An option of all modes, or of some. */
function row(
  flags: string,
  about: string,
  parse?: (text: string, previous: never) => unknown,
  modes: Row['modes'] = null,
): Row {
  const option = new Option(flags, about);
  if (parse !== undefined) option.argParser(parse as (text: string, previous: unknown) => unknown);
  return { option, modes };
}

const SESSION_MODES = MODES.filter((mode) => mode !== 'handshake');

const ROWS: readonly Row[] = [
  row(
    '--mode <mode>',
    `what to measure: ${MODES.join(', ')} (default ping), or of an https URL http3`,
    (text) => parseChoice(text, '--mode', [...MODES, 'http3']),
  ),
  row(
    '--count <n>',
    'pings, handshakes or requests to make (handshake: default 10, http3: default 1)',
    (text) => parseNumber(text, '--count', { min: 1, max: 10_000_000, integer: true }),
    ['ping', 'handshake', 'http3'],
  ),
  row(
    '--duration <time>',
    'how long to measure, such as 10s or, in seconds, 10 (default 10s, unless --count or --bytes ends it)',
    (text) => parsePositiveDuration(text, '--duration'),
    MODES,
  ),
  row(
    '--rate <n>',
    'pings per second (default 10)',
    (text) => parseNumber(text, '--rate', { min: 0.01, max: 10_000 }),
    ['ping'],
  ),
  row('--bytes <size>', 'payload to transfer, such as 10mb', parsePayload, ['download', 'upload', 'bidi']),
  row('--method <name>', 'method of a request (default GET, or POST with --body)', parseMethod, ['http3']),
  row('--body <file>', 'content of a request', undefined, ['http3']),
  row('--header <name:value>', 'header field of a request; repeatable', collectHeader, ['http3']),
  row(
    '--congestion <name>',
    `congestion controller: ${CONTROLLERS.join(', ')} (default ${DEFAULT_CONTROLLER}); bbr is bbr3, reno newreno; of a download only with a server of --clients-choose`,
    parseController,
  ),
  row('--set <Name=value>', 'parameter of the congestion controller; repeatable', collectParameter),
  row('--bbr-probe-bw <x>', BBR_PROBE_BW_HELP, parseProbeBw),
  row('--bbr-probe-rtt-interval <time>', BBR_PROBE_RTT_HELP, parseProbeRttInterval),
  row(
    '--series <file>',
    'write what the congestion controller did, as .csv or .json',
    checkSeriesFile,
    SESSION_MODES,
  ),
  row('--server-name <name>', 'name in the certificate, where it is not the host'),
  row('--ca <file>', 'PEM file of an authority to trust; repeatable', collectList),
  row('--insecure', 'accept any certificate; marked on the result'),
  row(
    '--alpn <name>',
    `application protocol to offer (default ${ALPN}; others: handshake only)`,
    collectList,
    MODES,
  ),
  {
    option: withDefault('--timeout <time>', 'give up connecting after', 10e6, '10s').argParser((text) =>
      parsePositiveDuration(text, '--timeout'),
    ),
    modes: null,
  },
  row('--no-mtu-discovery', 'keep datagrams at 1350 bytes instead of finding out what the path carries'),
  row('--data <dir>', 'data folder of the lab whose authority to trust'),
  row('--keylog <file>', 'append TLS secrets for Wireshark (default SSLKEYLOGFILE, where set)'),
  row('--qlog <file|dir>', 'write what the connection does as qlog; a folder takes one file for each'),
  row('--qlog-format <name>', QLOG_FORMAT_HELP, parseQlogFormat),
  row('--resume', 'resume sessions: what a returning client gets (handshake, http3)', undefined, [
    'handshake',
    'http3',
  ]),
  row(
    '--early-data',
    'send requests ahead of the handshake (0-RTT; http3, GET and HEAD: others could repeat them)',
    undefined,
    ['http3'],
  ),
  row('--emulated', 'mark the result as measured over an emulated path'),
  ...metricsFlags().map((option) => ({ option, modes: null })),
];

export function addOptions(command: Command): Command {
  for (const { option } of ROWS) command.addOption(option);
  return command;
}

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

/** Refuses options that mean nothing in this mode. @throws LabError RL_USAGE */
export function checkOptions(mode: AnyMode, options: ProbeOptions): void {
  for (const { option, modes } of ROWS) {
    const isGiven = options[option.attributeName() as keyof ProbeOptions] !== undefined;
    if (isGiven && modes !== null && !modes.includes(mode))
      throw new LabError('RL_USAGE', `${option.long} does not apply to --mode ${mode}`);
  }
  if (mode !== 'handshake' && options.alpn?.some((name) => name !== ALPN)) {
    throw new LabError('RL_USAGE', `--mode ${mode} needs a RouteLab server (ALPN ${ALPN})`, {
      hint: 'Measure a server of another protocol with --mode handshake, HTTP/3 with an https URL.',
    });
  }
}
