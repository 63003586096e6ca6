/** `routelab emulate`: a UDP path with the rate, delay, jitter and loss of a network one wants to have. */
import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import { type Emulation, LinkSettings } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import {
  formatBytes,
  formatPercent,
  formatRate,
  parseBytes,
  parseDuration,
  parseRate,
  parseRatio,
} from '../../shared/units.ts';
import { findProfile } from '../path/profiles.ts';
import { openRelay } from '../path/relay/capacity.ts';
import type { DirectionCounters, Relay, RelayCounters } from '../path/relay/relay.ts';
import { nowUs } from '../quic/udp/clock.ts';
import { type Address, formatAddress, parseAddress } from './address.ts';
import { onInterrupt } from './interrupt.ts';
import { parseNumber } from './options.ts';
import { commandName, note, print, printJson, table } from './output.ts';

interface EmulateOptions {
  listen: Address;
  to: Address;
  profile?: string;
  /** Of each direction: bits per second, milliseconds, milliseconds, 0 to 1, bytes. */
  rate?: number;
  delay?: number;
  jitter?: number;
  loss?: number;
  buffer?: number;
  /** Bytes. */
  mtu?: number;
  seed?: number;
  /** Microseconds. */
  duration?: number;
  json?: true;
}

const CLEAR: LinkSettings = { rateBps: null, delayMs: 0, jitterMs: 0, lossRatio: 0, bufferBytes: null };
const LIVE_MS = { terminal: 250, log: 10_000 } as const;

export function configure(command: Command): void {
  command
    .requiredOption(
      '--listen <[host:]port>',
      'UDP address clients send to; port 0 takes a free one',
      (text) => parseAddress(text, '--listen', { defaultHost: '127.0.0.1', lowestPort: 0 }),
    )
    .requiredOption('--to <host:port>', 'where the path leads', (text) =>
      parseAddress(text, '--to', { lowestPort: 1 }),
    )
    .option('--profile <name>', 'a named network; the options below change it in both directions')
    .option('--rate <rate>', 'bottleneck, such as 20mbit', (text) =>
      within('rateBps', '--rate', parseRate(text, '--rate'), 'bit/s'),
    )
    .option('--delay <time>', 'one-way delay, such as 40ms or, in milliseconds, 40', (text) =>
      within('delayMs', '--delay', parseDuration(text, '--delay', 'ms') / 1e3, 'ms'),
    )
    .option('--jitter <time>', 'uniform variation of the delay, plus or minus, such as 2ms', (text) =>
      within('jitterMs', '--jitter', parseDuration(text, '--jitter', 'ms') / 1e3, 'ms'),
    )
    .option('--loss <ratio>', 'random loss, such as 1% or 0.01', (text) => parseRatio(text, '--loss'))
    .option('--buffer <size>', 'droptail queue, such as 64kb (default 1 BDP, at least 64kb)', (text) =>
      within('bufferBytes', '--buffer', parseBytes(text, '--buffer'), 'bytes'),
    )
    .option(
      '--mtu <bytes>',
      'largest IP packet that passes; larger ones are dropped (default 1500)',
      (text) => parseNumber(text, '--mtu', { min: 1280, max: 65_535, integer: true }),
    )
    .option('--seed <n>', 'the same seed loses the same packets (default: a random one, shown)', (text) =>
      parseNumber(text, '--seed', { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true }),
    )
    .option('--duration <time>', 'end after, such as 30s (default: on Ctrl-C)', parseEnd)
    .action(run);
}

/** The value, once the domain accepts it for that setting. */
function within(setting: keyof LinkSettings, flag: string, value: number, unit: string): number {
  const { success, error } = LinkSettings.shape[setting].safeParse(value);
  if (success) return value;
  throw new LabError('RL_INPUT_INVALID', `${flag}: ${error.issues[0]!.message} ${unit}`, { field: flag });
}

function parseEnd(text: string): number {
  const us = parseDuration(text, '--duration', 's');
  if (us < 1000 || us > 86_400e6) {
    throw new LabError('RL_INPUT_INVALID', `--duration: ${text} is not from 1 ms to 24 h`, {
      field: '--duration',
    });
  }
  return us;
}

async function run(options: EmulateOptions): Promise<void> {
  const emulation = emulationOf(options);
  if (!LinkSettings.safeParse(emulation.up).success || !LinkSettings.safeParse(emulation.down).success) {
    throw new LabError('RL_INPUT_INVALID', '--jitter: is more than the delay that it varies', {
      field: '--jitter',
    });
  }
  const seed = options.seed ?? randomInt(2 ** 32);
  const interrupt = onInterrupt();
  const relay = await open(options, emulation, seed);
  const startedAt = new Date();
  const startedAtUs = nowUs();
  const listen = formatAddress(relay);
  const to = formatAddress(options.to);
  const say = options.json ? note : print;
  say(`${listen} to ${to} (UDP): ${describePath(emulation)}, seed ${seed}`);
  say(`  probe it  ${commandName()} probe ${listen} --server-name ${options.to.host} --emulated`);

  const live = showLive(relay);
  const ends =
    options.duration === undefined
      ? interrupt.signal
      : AbortSignal.any([interrupt.signal, AbortSignal.timeout(options.duration / 1e3)]);
  if (!ends.aborted) await new Promise((resolve) => ends.addEventListener('abort', resolve));
  live.stop();
  const counters = relay.counters();
  const seconds = (nowUs() - startedAtUs) / 1e6;
  await relay.close();
  interrupt.dispose();

  if (options.json) {
    printJson({
      listen,
      to,
      profile: emulation.profile,
      seed,
      duration_s: Math.round(seconds * 1000) / 1000,
      started_at: startedAt.toISOString(),
      clients: counters.clients,
      refused: counters.refused,
      socket_errors: counters.socketErrors,
      up: directionFields(emulation.up, counters.up),
      down: directionFields(emulation.down, counters.down),
    });
  } else {
    print(summaryTable(counters, seconds));
  }
}

function emulationOf(options: EmulateOptions): Emulation {
  const base: Emulation =
    options.profile === undefined
      ? { profile: 'custom', up: CLEAR, down: CLEAR, flap: null }
      : findProfile(options.profile, '--profile');
  const changes: Partial<LinkSettings> = {
    ...(options.rate === undefined ? {} : { rateBps: options.rate }),
    ...(options.delay === undefined ? {} : { delayMs: options.delay }),
    ...(options.jitter === undefined ? {} : { jitterMs: options.jitter }),
    ...(options.loss === undefined ? {} : { lossRatio: options.loss }),
    ...(options.buffer === undefined ? {} : { bufferBytes: options.buffer }),
  };
  return {
    profile: Object.keys(changes).length === 0 ? base.profile : 'custom',
    up: { ...base.up, ...changes },
    down: { ...base.down, ...changes },
    flap: base.flap,
    ...(options.mtu === undefined ? {} : { mtuBytes: options.mtu }),
  };
}

/** Opens the relay; an error about one of its settings names the option that sets it. */
async function open(options: EmulateOptions, emulation: Emulation, seed: number): Promise<Relay> {
  try {
    return await openRelay({ listen: options.listen, to: options.to, emulation, seed });
  } catch (error) {
    if (!(error instanceof LabError) || error.field === undefined) throw error;
    const flag = error.field === 'rate' && options.rate === undefined ? '--profile' : `--${error.field}`;
    throw new LabError(error.code, `${flag}: ${error.message}`, {
      field: flag,
      hint: error.hint,
      cause: error.cause,
    });
  }
}

/** A path in one line. */
function describePath({ profile, up, down, flap }: Emulation): string {
  const name = profile === 'custom' ? '' : `${profile}, `;
  const ways =
    JSON.stringify(up) === JSON.stringify(down)
      ? `each way ${describeLink(up)}`
      : `up ${describeLink(up)}; down ${describeLink(down)}`;
  const cut = flap === null ? '' : `, cut for ${flap.downMs / 1e3} s in every ${flap.periodMs / 1e3} s`;
  return `${name}${ways}${cut}`;
}

function describeLink(link: LinkSettings): string {
  const exact = (value: number): string => String(Number(value.toPrecision(4)));
  return [
    link.rateBps === null ? 'unlimited rate' : `${exact(link.rateBps / 1e6)} Mbit/s`,
    `${exact(link.delayMs)} ms${link.jitterMs === 0 ? '' : ` ± ${exact(link.jitterMs)} ms`}`,
    `${exact(link.lossRatio * 100)} % loss`,
    ...(link.bufferBytes === null ? [] : [`buffer ${formatBytes(link.bufferBytes)}`]),
  ].join(', ');
}

/** Of the packets that the path has room for: larger ones, such as probes of its MTU, are told apart. */
function dropRatio({ packetsIn, tooLarge, ...drops }: DirectionCounters): number | null {
  const fitting = packetsIn - tooLarge;
  if (fitting === 0) return null;
  return (drops.lost + drops.queueDrops + drops.outageDrops + drops.overloadDrops) / fitting;
}

/** Counters as they grow, a line for each direction: rewritten in place on a terminal, now and then elsewhere. */
function showLive(relay: Relay): { stop: () => void } {
  const { stderr } = process;
  let shown = '';
  let before = relay.counters();
  let beforeUs = nowUs();
  const show = (): void => {
    const counters = relay.counters();
    const now = nowUs();
    const way = (name: 'up' | 'down'): string => {
      const { packetsIn, deliveredBytes, tooLarge } = counters[name];
      const rateBps = ((deliveredBytes - before[name].deliveredBytes) * 8e6) / (now - beforeUs);
      return (
        `${name.padEnd(4)} ${String(packetsIn).padStart(9)} packets` +
        ` ${formatPercent(dropRatio(counters[name])).padStart(7)} dropped ${formatRate(rateBps).padStart(13)}` +
        (tooLarge === 0 ? '' : `, ${tooLarge} too large`)
      );
    };
    const lines = `${way('up')}\n${way('down')}`;
    before = counters;
    beforeUs = now;
    if (lines === shown) return;
    shown = lines;
    // Back to the start of the first of the two lines, ready to be overwritten.
    stderr.write(stderr.isTTY ? `${lines.replace('\n', '\x1b[K\n')}\x1b[K\x1b[1A\r` : `${lines}\n`);
  };
  const timer = setInterval(show, stderr.isTTY ? LIVE_MS.terminal : LIVE_MS.log);
  return {
    stop: () => {
      clearInterval(timer);
      if (stderr.isTTY) stderr.write('\r\x1b[J');
    },
  };
}

function directionFields(link: LinkSettings, counters: DirectionCounters): object {
  return {
    rate_bps: link.rateBps,
    delay_ms: link.delayMs,
    jitter_ms: link.jitterMs,
    loss_ratio: link.lossRatio,
    buffer_bytes: link.bufferBytes,
    packets: counters.packetsIn,
    delivered: counters.delivered,
    delivered_bytes: counters.deliveredBytes,
    lost: counters.lost,
    queue_drops: counters.queueDrops,
    outage_drops: counters.outageDrops,
    overload_drops: counters.overloadDrops,
    too_large: counters.tooLarge,
  };
}

function summaryTable({ up, down, refused, socketErrors }: RelayCounters, seconds: number): string {
  const rows: [string, (way: DirectionCounters) => string][] = [
    ['packets', (way) => String(way.packetsIn)],
    ['delivered', (way) => String(way.delivered)],
    ['lost', (way) => String(way.lost)],
    ['queue full', (way) => String(way.queueDrops)],
    ['path cut', (way) => String(way.outageDrops)],
    ['larger than the MTU', (way) => String(way.tooLarge)],
    ['relay overloaded', (way) => String(way.overloadDrops)],
    ['dropped', (way) => formatPercent(dropRatio(way), 2)],
    ['payload', (way) => formatBytes(way.deliveredBytes)],
    ['mean rate', (way) => formatRate((way.deliveredBytes * 8) / seconds)],
  ];
  const directions = table(
    [['', 'up', 'down'], ...rows.map(([name, of]) => [name, of(up), of(down)])],
    ['left', 'right', 'right'],
  );
  const trouble = [
    ...(refused > 0 ? [`${refused} packets of clients beyond the relay’s bound were dropped`] : []),
    ...(socketErrors > 0 ? [`${socketErrors} socket errors: does anything listen at the target?`] : []),
  ];
  return [directions, ...trouble, `${seconds.toFixed(1)} s`].join('\n');
}
