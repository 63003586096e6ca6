/** The flags of quic-test, and what they do here. docs/quic-test.md has the same table. */
import type { GoFlag } from './go-flags.ts';

export const MODES = ['server', 'client', 'test'] as const;
export type Mode = (typeof MODES)[number];

/** Where quic-test serves its metrics. */
export const METRICS_PORTS: Readonly<Record<Mode, number>> = { server: 2113, client: 2112, test: 2112 };

interface Flag extends GoFlag {
  /** What stands for its value; null of a boolean. */
  readonly value: string | null;
  readonly about: string;
  /** Where it means something; elsewhere it is refused. */
  readonly modes: readonly Mode[];
  /** What it is another name of. */
  readonly sameAs?: string;
  /** Why it is refused, unless it asks for what quic-test does without it. */
  readonly refusal?: string;
}

const ALL = MODES;
const SENDS = ['client', 'test'] as const;
const SERVES = ['server', 'test'] as const;

const text = (name: string, value: string, modes: readonly Mode[], about: string): Flag => ({
  name,
  kind: 'text',
  value,
  modes,
  about,
});
const bool = (name: string, modes: readonly Mode[], about: string): Flag => ({
  name,
  kind: 'bool',
  value: null,
  modes,
  about,
});

const also = (name: string, of: Flag): Flag => ({
  ...of,
  name,
  sameAs: of.name,
  about: `the same as --${of.name}`,
});
/** quic-test has it, RouteLab has not. */
const refused = (name: string, value: string | null, refusal: string): Flag => ({
  name,
  kind: value === null ? 'bool' : 'text',
  value,
  modes: ALL,
  about: `refused: ${refusal}`,
  refusal,
});

const FEC = bool(
  'fec',
  SENDS,
  'beside the load, as many packets of one stream with forward error correction (Reed–Solomon)',
);
const FEC_REDUNDANCY = text(
  'fec-redundancy',
  'ratio',
  SENDS,
  'repair packets for each packet, 0.05 to 1 (default 0.1)',
);
const CONGESTION = text('congestion', 'name', ALL, 'newreno, cubic, bbr, bbrv2, bbrv3 (default cubic)');

export const FLAGS: readonly Flag[] = [
  text('mode', 'name', ALL, `${MODES.join(', ')}: test is both in one process (default test)`),
  text('server', 'host:port', ['client'], 'server to send to (default that of --addr)'),
  text(
    'addr',
    'host:port',
    ALL,
    'address to listen on, without a host all of them (default :9000, of test a free port); of client, to send to (default :9000 of this machine)',
  ),
  text('streams', 'n', SENDS, 'streams of each connection (default 1)'),
  text('connections', 'n', SENDS, 'connections (default 1)'),
  text('duration', 'time', ALL, 'how long, such as 1m30s; 0 until it is stopped (default 0)'),
  text('packet-size', 'bytes', SENDS, 'payload of a message (default 1200)'),
  text('rate', 'n', SENDS, 'messages per second of each stream (default 100)'),
  text('report', 'file', SENDS, 'write a report there'),
  text('report-format', 'name', SENDS, 'csv, md or json (default md); without --report it is printed'),
  text('cert', 'file', SERVES, 'PEM certificate chain (default: of the lab’s own authority)'),
  text('key', 'file', SERVES, 'its PEM private key'),
  text('pattern', 'name', SENDS, 'what messages are made of: random, zeroes, increment (default random)'),
  text('prometheus-port', 'port', ALL, 'serve /metrics on 127.0.0.1 meanwhile'),
  bool(
    'prometheus',
    ALL,
    `the same on quic-test’s port: ${METRICS_PORTS.client}, of mode server ${METRICS_PORTS.server}`,
  ),
  text('prometheus-labels', 'set', ALL, 'full or minimal (default full)'),
  text('histogram-buckets', 'n', ALL, 'buckets of the handshake histogram'),
  text('emulate-loss', 'ratio', SENDS, 'loss of the round trip over an emulated path, such as 0.05'),
  text('emulate-latency', 'time', SENDS, 'its round trip, half of it each way, such as 20ms'),
  text('emulate-dup', 'ratio', SENDS, 'packets of the round trip that come twice'),
  FEC,
  also('enable-fec', FEC),
  FEC_REDUNDANCY,
  also('fec-rate', FEC_REDUNDANCY),
  CONGESTION,
  also('cc', CONGESTION),
  text(
    'bbr-probe-bw',
    'x',
    ALL,
    'how much more BBR probes for, 0.05 to 0.5: UP gain 1 + x, DOWN gain 1 - 0.4 x',
  ),
  text('bbr-probe-rtt-interval', 'time', ALL, 'time after which BBR looks for a lower RTT, 2s to 20s'),
  text('sla', 'level', SENDS, 'gates of a level: default, strict, lenient; those below change it'),
  text('sla-rtt-p95', 'time', SENDS, 'gate: p95 of the RTT at most'),
  text('sla-loss', 'ratio', SENDS, 'gate: loss at most'),
  text(
    'sla-throughput',
    'rate',
    SENDS,
    'gate: goodput at least, in kB/s as quic-test has it, or with a unit such as 500kbit',
  ),
  text('sla-errors', 'n', SENDS, 'gate: failed connections and streams at most'),
  bool(
    'enable-0rtt',
    ['server', 'client', 'test'],
    'server: take early data; else: connections resume with it',
  ),
  bool('enable-key-update', SENDS, 'update keys each second (RFC 9001 §6)'),
  bool(
    'enable-datagrams',
    ALL,
    'true, always: RTT and loss are measured with DATAGRAM frames; false is refused',
  ),
  text('max-streams', 'n', SENDS, 'streams of a connection at most: fewer than --streams are refused'),
  text('max-idle-timeout', 'time', SENDS, 'max_idle_timeout offered (default 30s)'),
  text('handshake-timeout', 'time', SENDS, 'give up connecting after so long (default 10s)'),
  text('keep-alive', 'time', SENDS, 'a PING on idle connections so often'),
  text('scenario', 'name', ['test'], 'a named load over a named path, with its limits as gates'),
  bool('list-scenarios', ALL, 'list them'),
  text('network-profile', 'name', SENDS, 'an emulated path by name'),
  bool('list-profiles', ALL, 'list them'),
  bool('compare-tcp', SENDS, 'compare with the kernel’s TCP instead'),
  bool('insecure', SENDS, 'accept any certificate; marked'),
  bool('version', ALL, 'the version of RouteLab'),
  bool('help', ALL, 'this'),
  refused(
    'no-tls',
    null,
    'QUIC has no other way than TLS (RFC 9001); --insecure leaves the certificate unchecked',
  ),
  refused('max-stream-data', 'bytes', 'receive windows grow with the path, and cannot be set'),
  refused(
    'max-incoming-streams',
    'n',
    'a server takes 101 streams of a connection at once, which cannot be set',
  ),
  refused('max-incoming-uni-streams', 'n', 'nothing here is sent on unidirectional streams'),
  refused('quic-bottom', null, 'routelab serve shows what is measured'),
  refused(
    'pqc',
    null,
    'quic-test makes it up with a pause; handshakes here are what they are measured to be',
  ),
  refused('pqc-algorithm', 'name', 'it is of --pqc'),
];
