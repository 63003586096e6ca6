/** The options of `routelab probe`: a row each, with the modes it means something in. */
import { Option } from 'commander';
import { CONTROLLERS } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { FEC_SCHEMES } from '../../shared/fec.ts';
import { MOVES } from '../../shared/probe-details.ts';
import { parseBytes, parseDuration, parseRatio } from '../../shared/units.ts';
import { ALPN } from '../probe/protocol.ts';
import { COMPARED_MODES } from '../probe/transport-turns.ts';
import { metricsFlags } from './metrics-options.ts';
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
import { collectHeader, parseMethod } from './probe-http3.ts';
import type { AnyMode, NamedTarget } from './probe-options.ts';
import { MODES } from './probe-result.ts';
import { parseQlogFormat, QLOG_FORMAT_HELP } from './qlog-files.ts';
import { checkSeriesFile } from './series-file.ts';
import { slaLevelFlag } from './sla-options.ts';

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

export const PROBE_FLAGS: readonly Row[] = [
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
    'how long to measure, such as 10s or, in seconds, 10 (default 10s, unless --count or --bytes ends it); with --every, of all repetitions; 0: repeat until stopped',
    (text) => (parseDuration(text, '--duration', 's') === 0 ? 0 : parsePositiveDuration(text, '--duration')),
  ),
  row(
    '--rate <n>',
    'pings per second (default 10), or packets of mode fec (default 100)',
    (text) => parseNumber(text, '--rate', { min: 0.01, max: 10_000 }),
    ['ping', 'responsiveness', 'migration', 'fec'],
  ),
  row('--bytes <size>', 'payload to transfer, of each stream, such as 10mb', parsePayload, [
    'download',
    'upload',
    'bidi',
    'streams',
  ]),
  row(
    '--warm-up <time>',
    'beginning of a transfer that its goodput leaves out, such as 2s',
    (text) => parsePositiveDuration(text, '--warm-up'),
    ['download', 'upload', 'bidi'],
  ),
  row(
    '--streams <n>',
    'concurrent streams (default 4)',
    (text) => parseNumber(text, '--streams', { min: 1, max: 100, integer: true }),
    ['streams'],
  ),
  row(
    '--moves <list>',
    `migrations, in turn: ${MOVES.join(', ')} (default both)`,
    (text) => collectList(text).map((move) => parseChoice(move, '--moves', MOVES)),
    ['migration'],
  ),
  row(
    '--fec [code]',
    `protect packets with FEC: ${FEC_SCHEMES.join(', ')} (default rs)`,
    (text) => parseChoice(text, '--fec', FEC_SCHEMES),
    ['fec'],
  ),
  row(
    '--fec-redundancy <ratio>',
    'repair packets per source packet, such as .10 or 20% (default 20%; at first, with --fec-adaptive, 50%)',
    (text) => parseRatio(text, '--fec-redundancy'),
    ['fec'],
  ),
  row(
    '--fec-group <k>',
    'source packets of a group (default 10)',
    (text) => parseNumber(text, '--fec-group', { min: 1, max: 64, integer: true }),
    ['fec'],
  ),
  row(
    '--fec-adaptive',
    'let redundancy follow the loss, from one repair packet to half of the group',
    undefined,
    ['fec'],
  ),
  row(
    '--packet-size <bytes>',
    'bytes of a source packet, 16 to 1200 (default 200)',
    (text) => parseNumber(text, '--packet-size', { min: 16, max: 1200, integer: true }),
    ['fec'],
  ),
  { option: slaLevelFlag(), modes: ['fec'] },
  row('--route <NAME=HOST:PORT>', 'target with a name; repeatable', collectRoute),
  row('--every <time>', 'repeat the measurement this often (default 30s with --duration 0)', (text) =>
    parsePositiveDuration(text, '--every'),
  ),
  row('--each <time>', 'how long one repetition measures (default 10s, or half of --every)', (text) =>
    parsePositiveDuration(text, '--each'),
  ),
  row('--jitter <ratio>', 'spread of the repetitions about their times, such as 10%', (text) =>
    parseRatio(text, '--jitter'),
  ),
  row(
    '--seed <n>',
    'draws the jitter, and the order of turns with --compare-tcp (default: a random one, shown)',
    (text) => parseNumber(text, '--seed', { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true }),
  ),
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
    'send requests ahead of the handshake (0-RTT; handshake; http3: GET and HEAD, others could repeat them)',
    undefined,
    ['handshake', 'http3'],
  ),
  row('--emulated', 'mark the result as measured over an emulated path'),
  row(
    '--compare-tcp',
    `the same over the kernel’s TCP (server --tcp), in turns: ${COMPARED_MODES.join(', ')} (default download, 5s each)`,
  ),
  // What `compare-tcp` knows of the path it made.
  { option: new Option('--tcp-path <kind>').hideHelp(), modes: null },
  row('--pairs <n>', 'turns of each with --compare-tcp (default 8)', (text) =>
    parseNumber(text, '--pairs', { min: 1, max: 10_000, integer: true }),
  ),
  ...metricsFlags().map((option) => ({ option, modes: null })),
];

function parsePositiveDuration(text: string, field: string): number {
  const us = parseDuration(text, field, 's');
  if (us < 1000 || us > 86_400e6) {
    throw new LabError('RL_INPUT_INVALID', `${field}: ${text} is not from 1 ms to 24 h`, { field });
  }
  return us;
}

/** Collects `--route NAME=HOST:PORT`. */
function collectRoute(text: string, previous: readonly NamedTarget[] = []): readonly NamedTarget[] {
  const at = text.indexOf('=');
  if (at < 1 || at === text.length - 1)
    throw new LabError('RL_INPUT_INVALID', `--route: "${text}" is not NAME=HOST:PORT`, { field: '--route' });
  return [...previous, { label: text.slice(0, at).trim(), target: text.slice(at + 1).trim() }];
}

function parsePayload(text: string): number {
  const bytes = parseBytes(text, '--bytes');
  if (bytes < 1) throw new LabError('RL_INPUT_INVALID', '--bytes: nothing to transfer', { field: '--bytes' });
  return bytes;
}
