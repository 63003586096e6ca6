/** `routelab emulate`: a UDP path with the rate, delay, jitter and loss of a network one wants to have. */
import { randomInt } from 'node:crypto';
import type { Command } from 'commander';
import type { Emulation } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { parseDuration } from '../../shared/units.ts';
import { openRelay } from '../path/relay/capacity.ts';
import type { Relay } from '../path/relay/relay.ts';
import { StreamRelay } from '../path/relay/stream-relay.ts';
import { nowUs } from '../quic/udp/clock.ts';
import { isLoopback } from '../serve/guard.ts';
import { type Address, formatAddress, parseAddress } from './address.ts';
import { describePath, linkFields } from './emulate/describe.ts';
import { configurePath, emulationOf, type PathOptions } from './emulate/path-options.ts';
import { counterFields, showLive, summaryTable } from './emulate/report.ts';
import { onInterrupt } from './interrupt.ts';
import { parseNumber } from './options.ts';
import { commandName, note, print, printJson } from './output.ts';

interface EmulateOptions extends PathOptions {
  listen: Address;
  to: Address;
  seed?: number;
  /** Microseconds. */
  duration?: number;
  tcp?: true | number;
  data?: string;
  json?: true;
}

export function configure(command: Command): void {
  command
    .requiredOption(
      '--listen <[host:]port>',
      'UDP address clients send to; port 0 takes a free one',
      (text) => parseAddress(text, '--listen', { defaultHost: '127.0.0.1', lowestPort: 0 }),
    )
    .requiredOption('--to <host:port>', 'where the path leads', (text) =>
      parseAddress(text, '--to', { lowestPort: 1 }),
    );
  configurePath(command);
  command
    .option('--seed <n>', 'the same seed loses the same packets (default: a random one, shown)', (text) =>
      parseNumber(text, '--seed', { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true }),
    )
    .option(
      '--tcp [port]',
      'carry TCP through the same links too, losses modelled: docs/tcp-baseline.md (default: the port of --listen)',
      (text) => parseNumber(text, '--tcp', { min: 0, max: 65_535, integer: true }),
    )
    .option('--duration <time>', 'end after, such as 30s (default: on Ctrl-C)', parseEnd)
    .option('--data <dir>', 'data folder of the server, for the probe command that is shown')
    .addHelpText(
      'after',
      '\nOptions of the path hold for both directions; up=… and down=… give one its own: --loss up=1%,down=0',
    )
    .action(run);
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
  const seed = options.seed ?? randomInt(2 ** 32);
  const interrupt = onInterrupt();
  const relay = await open(options, emulation, seed);
  const tcp = await openTcp(relay, options);
  const startedAt = new Date();
  const startedAtUs = nowUs();
  const listen = formatAddress(relay);
  const to = formatAddress(options.to);
  const say = options.json ? note : print;
  say(`${listen} to ${to} (UDP): ${describePath(emulation)}, seed ${seed}`);
  // A server's certificate has names; an address of this machine is one of them only by chance.
  if (tcp !== null) say(`${formatAddress(tcp)} to ${to} (TCP): the same links, losses modelled`);
  const name = isLoopback(options.to.host) ? 'localhost' : options.to.host;
  const data = options.data === undefined ? '' : ` --data ${options.data}`;
  say(`  probe it  ${commandName()} probe ${listen} --server-name ${name}${data} --emulated`);

  const live = showLive(relay);
  const ends =
    options.duration === undefined
      ? interrupt.signal
      : AbortSignal.any([interrupt.signal, AbortSignal.timeout(options.duration / 1e3)]);
  if (!ends.aborted) await new Promise((resolve) => ends.addEventListener('abort', resolve));
  live.stop();
  const counters = relay.counters();
  const streams = tcp?.counters();
  const seconds = (nowUs() - startedAtUs) / 1e6;
  await tcp?.close();
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
      ...(streams && {
        tcp: {
          connections: streams.connections,
          refused: streams.refused,
          retransmitted: streams.retransmitted,
        },
      }),
      up: { ...linkFields(emulation.up), ...counterFields(counters.up) },
      down: { ...linkFields(emulation.down), ...counterFields(counters.down) },
    });
  } else {
    print(summaryTable(counters, seconds));
    if (streams)
      print(`TCP: ${streams.connections} connections, ${streams.retransmitted} segments sent again`);
  }
}

/** TCP beside it, where it is wanted; without it the relay is closed again. */
async function openTcp(relay: Relay, { tcp, to }: EmulateOptions): Promise<StreamRelay | null> {
  if (tcp === undefined) return null;
  try {
    const listen = { host: relay.host, port: tcp === true ? relay.port : tcp };
    return await StreamRelay.open({ listen, to, relay });
  } catch (error) {
    await relay.close();
    throw error;
  }
}

/** Opens the relay; an error about one of its settings names the option that sets it. */
async function open(options: EmulateOptions, emulation: Emulation, seed: number): Promise<Relay> {
  try {
    return await openRelay({ listen: options.listen, to: options.to, emulation, seed });
  } catch (error) {
    if (!(error instanceof LabError) || error.field === undefined) throw error;
    const flag = error.field === 'rate' ? rateFlag(options) : `--${error.field}`;
    throw new LabError(error.code, `${flag}: ${error.message}`, {
      field: flag,
      hint: error.hint,
      cause: error.cause,
    });
  }
}

/** The option that a rate beyond this machine came from. */
function rateFlag({ trace, rateSchedule, rate }: EmulateOptions): string {
  if (trace !== undefined) return '--trace';
  if (rateSchedule !== undefined) return '--rate-schedule';
  return rate === undefined ? '--profile' : '--rate';
}
