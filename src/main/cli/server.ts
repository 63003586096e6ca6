/** `routelab server`: a QUIC server for probes to measure against. */
import { isIP } from 'node:net';
import type { Command } from 'commander';
import { CONTROLLERS, type Controller } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { H3_ALPN } from '../probe/http3-service.ts';
import { ALPN, TCP_ALPN } from '../probe/protocol.ts';
import { type ServedSession, serveSession } from '../probe/service.ts';
import { createCounters, type ServiceCounters } from '../probe/service-limits.ts';
import { listenTcp } from '../probe/tcp-service.ts';
import type { QlogFormat } from '../quic/qlog/trace.ts';
import type { QuicListener, QuicSession } from '../quic/udp/api.ts';
import { nowUs } from '../quic/udp/clock.ts';
import { listenQuic } from '../quic/udp/server.ts';
import { isLoopback } from '../serve/guard.ts';
import { SessionsSource } from '../telemetry/sessions-source.ts';
import { type Address, formatAddress, parseAddress } from './address.ts';
import { untilInterrupted } from './interrupt.ts';
import { keyLogTo } from './key-log.ts';
import { type MetricsFlags, metricsFlags, openMetrics } from './metrics-options.ts';
import {
  chosenController,
  collectList,
  collectParameter,
  parseController,
  parseNumber,
  withDefault,
} from './options.ts';
import { commandName, note, print, printJson, table } from './output.ts';
import { parseQlogFormat, QLOG_FORMAT_HELP, qlogTo } from './qlog-files.ts';
import { ServedSessions, servedRows } from './served-sessions.ts';
import { fecOf, showLive, summary, summaryTable } from './server-summary.ts';
import { type Identity, issueIdentity, readIdentity } from './trust.ts';

interface ServerOptions extends MetricsFlags {
  listen: Address;
  cert?: string;
  key?: string;
  name?: readonly string[];
  alpn?: readonly string[];
  congestion: Controller;
  clientsChoose?: true;
  tcp?: true | number;
  set?: Readonly<Record<string, number>>;
  data?: string;
  mtuDiscovery: boolean;
  earlyData?: true;
  keylog?: string;
  qlog?: string;
  qlogFormat?: QlogFormat;
  json?: true;
}

/** How long responses under way may take when the server is told to end. */
const GOODBYE_MS = 1000;

export function configure(command: Command): void {
  command
    .addOption(
      withDefault(
        '--listen <[host:]port>',
        'UDP address to listen on; port 0 takes a free one',
        { host: '127.0.0.1', port: 4433 },
        '127.0.0.1:4433',
      ).argParser((text) => parseAddress(text, '--listen', { defaultHost: '127.0.0.1', lowestPort: 0 })),
    )
    .option('--cert <file>', 'PEM certificate chain, leaf first (default: one from the lab’s own authority)')
    .option('--key <file>', 'PEM private key of --cert')
    .option('--name <name>', 'further name for the certificate the lab issues; repeatable', collectList)
    .option(
      '--alpn <name>',
      `application protocol; repeatable (default ${ALPN} and ${H3_ALPN}; others: handshake only)`,
      collectList,
    )
    .option(
      '--congestion <name>',
      `controller of what it sends: ${CONTROLLERS.join(', ')}; bbr is bbr3, reno newreno`,
      parseController,
      'cubic',
    )
    .option('--set <Name=value>', 'parameter of the congestion controller; repeatable', collectParameter)
    .option(
      '--clients-choose',
      'follow the --congestion and --set of RouteLab clients in what they are sent (else --congestion here governs downloads)',
    )
    .option(
      '--tcp [port]',
      'serve probe --compare-tcp over TCP and TLS too (default: the port of --listen)',
      (text) => parseNumber(text, '--tcp', { min: 0, max: 65_535, integer: true }),
    )
    .option('--no-mtu-discovery', 'keep datagrams at 1350 bytes instead of finding out what the path carries')
    .option('--early-data', 'take requests ahead of the handshake (0-RTT), which others can repeat')
    .option('--data <dir>', 'data folder with the lab’s authority')
    .option('--keylog <file>', 'append TLS secrets for Wireshark (default SSLKEYLOGFILE, where set)')
    .option('--qlog <dir>', 'write what each connection does as qlog, one file for each')
    .option('--qlog-format <name>', QLOG_FORMAT_HELP, parseQlogFormat)
    .action(run);
  for (const option of metricsFlags()) command.addOption(option);
}

async function run(options: ServerOptions): Promise<void> {
  const { listen, alpn = [ALPN, H3_ALPN] } = options;
  const interrupted = untilInterrupted();
  const identity = await identityOf(options);
  const counters = createCounters();
  const served = new Map<QuicSession, ServedSession>();
  const sessions = new ServedSessions();
  const metrics = await openMetrics(options);
  let source: SessionsSource | null = null;
  const open = (): Promise<QuicListener> =>
    listenQuic({
      ...listen,
      alpn,
      certificate: identity.certificate,
      privateKey: identity.privateKey,
      controller: chosenController(options),
      mtuDiscovery: options.mtuDiscovery,
      earlyData: options.earlyData,
      ...keyLogTo(options.keylog),
      ...qlogTo(options, { one: false }),
      onSession: (session) => {
        sessions.follow(session);
        source?.watch(session);
        const goodbye = serveSession(session, counters, { clientsChoose: options.clientsChoose });
        if (goodbye === null) return;
        served.set(session, goodbye);
        void session.closed.then(() => served.delete(session));
      },
    });
  const { listener, tcp } = await listenOnBoth(open, options, identity, counters);
  const startedAtUs = nowUs();
  const address = { host: listener.address, port: listener.port };
  if (metrics !== null) {
    source = new SessionsSource({
      labels: { server: formatAddress(address), congestion: options.congestion },
      totals: metrics.exporter.totals('server'),
      payload: () => ({ down: counters.bytesDown, up: counters.bytesUp }),
      beside: () => fecOf(counters),
    });
    metrics.exporter.add(source);
  }
  const say = options.json ? note : print;
  say(`listening on ${formatAddress(address)} (UDP), ${alpn.join(', ')}`);
  if (tcp !== null) say(`listening on ${formatAddress(tcp)} (TCP), ${TCP_ALPN}`);
  const intro = introduction(address, options, identity);
  if (metrics !== null) intro.push(['  metrics', metrics.endpoint.url]);
  say(table(intro, ['left', 'left']));

  const live = showLive(counters);
  await interrupted;
  live.stop();
  await sayGoodbye(served);
  await Promise.all([listener.close(), tcp?.close()]);
  source?.end();
  await metrics?.endpoint.close();
  const seconds = (nowUs() - startedAtUs) / 1e6;
  const ended = await sessions.all();
  if (options.json) {
    printJson({
      ...summary(address, alpn, seconds, counters),
      session_counters: ended,
      ...(sessions.leftOut > 0 && { session_counters_left_out: sessions.leftOut }),
    });
    return;
  }
  print(summaryTable(seconds, counters));
  if (ended.length > 0) print(table(servedRows(ended), ['left', 'left', ...Array<'right'>(8).fill('right')]));
}

/** A free port of UDP whose number is free for TCP as well is found at once nearly always. */
const ATTEMPTS = 5;

/** QUIC, and TCP where it is wanted, on the same port's number unless it has one of its own. */
async function listenOnBoth(
  open: () => Promise<QuicListener>,
  { listen, tcp }: ServerOptions,
  { certificate, privateKey }: Identity,
  counters: ServiceCounters,
): Promise<{ listener: QuicListener; tcp: (Address & { close(): Promise<void> }) | null }> {
  for (let attempt = 1; ; attempt++) {
    const listener = await open();
    if (tcp === undefined) return { listener, tcp: null };
    try {
      const port = tcp === true ? listener.port : tcp;
      const beside = await listenTcp({ host: listener.address, port, certificate, privateKey }, counters);
      return {
        listener,
        tcp: { host: beside.address, port: beside.port, close: () => beside.close() },
      };
    } catch (error) {
      await listener.close();
      if (listen.port !== 0 || tcp !== true || attempt === ATTEMPTS) throw error;
    }
  }
}

/** Lets clients that can be told finish what they began (RFC 9114 §5.2), for a moment. */
async function sayGoodbye(served: ReadonlyMap<QuicSession, ServedSession>): Promise<void> {
  const ends = [...served.keys()].map(({ closed }) => closed);
  for (const session of [...served.values()]) session.shutdown();
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(limit.resolve, GOODBYE_MS);
  await Promise.race([Promise.all(ends), limit.promise]);
  clearTimeout(timer);
}

function identityOf(options: ServerOptions): Promise<Identity> | Identity {
  const { cert, key, name, listen } = options;
  if ((cert === undefined) !== (key === undefined)) {
    throw new LabError('RL_USAGE', '--cert and --key belong together');
  }
  if (cert !== undefined && key !== undefined) {
    if (name !== undefined)
      throw new LabError('RL_USAGE', '--name is for certificates the lab issues, not for --cert');
    return readIdentity(cert, key);
  }
  const isWildcard = listen.host === '0.0.0.0' || listen.host === '::';
  const names = ['localhost', '127.0.0.1', '::1', ...(isWildcard ? [] : [listen.host]), ...(name ?? [])];
  return issueIdentity(options.data, [...new Set(names)]);
}

/** What somebody needs to know to probe this server. */
function introduction(address: Address, options: ServerOptions, identity: Identity): string[][] {
  const isWildcard = address.host === '0.0.0.0' || address.host === '::';
  const near = formatAddress(isWildcard ? { host: 'localhost', port: address.port } : address);
  const data = options.data === undefined ? '' : ` --data ${options.data}`;
  const alpn = options.alpn ?? [ALPN, H3_ALPN];
  const hasHttp3 = alpn.includes(H3_ALPN);
  const page = `https://${near}/bytes/1000000`;
  /** What is probed, with the host written as `host`. */
  const target = (host: string): string =>
    alpn.includes(ALPN) ? host : hasHttp3 ? `https://${host}/` : `${host} --mode handshake --alpn ${alpn[0]}`;
  if (identity.authority === null) return [['  probe it', `${commandName()} probe ${target(near)}`]];
  return [
    ['  probe it', `${commandName()} probe ${target(near)}${data}`],
    ...(hasHttp3 ? [['  over HTTP/3', `${commandName()} probe ${page}${data}`]] : []),
    ...(isLoopback(address.host)
      ? []
      : [['  from elsewhere', `routelab probe ${target(`NAME:${address.port}`)} --ca ca.pem`]]),
    ['  authority', identity.authority.path],
    ['  names', identity.authority.names.map((name) => (isIP(name) === 6 ? `[${name}]` : name)).join(', ')],
  ];
}
