/**
 * A path inside the kernel, to hold what we emulate and simulate against: three anonymous network namespaces in a row,
 * `near` — `wire` — `far`, joined by veth pairs. In `wire` a busy-polling delay line (resources/bench/delay-line.c) takes
 * every frame, loses some on the way to `far`, holds it for half the round trip and sends it on, to `far` through a
 * droptail token bucket (tbf). Namespaces and interfaces end with the processes that hold them, and those with this one.
 */
import { spawnSync } from 'node:child_process';
import { programEnv } from '../interop/peer.ts';
import { build, Child, canStart } from './native.ts';
import { type UdpFigures, type UdpLoad, udpFlow } from './udp-flow.ts';

export interface KernelPathSettings {
  /** Of the way to `far`, counted in IP packets; null for as fast as it goes. The way back is as fast as it goes. */
  rateBps: number | null;
  /** Propagation there and back. */
  rttMs: number;
  /** Queue before the bottleneck. */
  bufferBytes: number;
  /** Of frames on the way to `far`, before the queue. */
  lossRatio: number;
  seed: number;
}

export interface TcpFigures {
  /** Acknowledged payload. */
  goodputBps: number;
  /** The smallest, and mean and median of the smoothed one. */
  rttUs: { min: number; mean: number; p50: number };
  /** Segments sent again over segments sent. */
  retransmitRatio: number;
  /** Payload bytes of a segment. */
  mss: number;
}

/** What the delay line counted: frames, and how late they left. */
interface DelayLineReport {
  /** To `far` and back. */
  carried: [number, number];
  lost: number;
  /** Dropped by the full queue. */
  refused: number;
  /** Frames no wire would carry, and frames it had no room for: none, or the measurement is void. */
  oversized: number;
  missed: number;
  lateUs: { p50: number; p99: number; p999: number; max: number };
}

/** Longest that anything here runs when nobody ends it. */
const LIFETIME_S = 600;
const NEAR = '10.0.0.1';
const FAR = '10.0.0.2';
const TCP_PORT = 5001;
/** Not counted by `rateBps` and `bufferBytes`, which are in IP packets. */
const ETHERNET_HEADER = 14;
/** The bucket holds this much time, for the kernel's timer to be late, and at least so many packets. */
const BUCKET_S = 1e-3;
const MTU = 1500;
const MIN_BUCKET_BYTES = 3 * MTU;
/** Ample for every window of a path here. */
const TCP_MEMORY = '4096 131072 67108864';

const tbf = (rateBps: number, bucketBytes: number, bufferBytes: number): string[] =>
  `tbf rate ${Math.round(rateBps)}bit burst ${Math.ceil(bucketBytes)} limit ${Math.round(bufferBytes)}`.split(
    ' ',
  );

/** Null where a kernel path can be made, else the reason why not. */
export function kernelPathMissing(): string | null {
  if (process.platform !== 'linux') return 'network namespaces: Linux only';
  if (process.getuid?.() !== 0) return 'network namespaces: need root';
  for (const program of ['ip', 'tc', 'unshare', 'nsenter', 'cc'])
    if (!canStart(program)) return `${program} is not installed`;
  const trial = ['--net', 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', ...tbf(1e6, MTU, MTU)];
  const { status, stderr } = spawnSync('unshare', trial, { env: programEnv, encoding: 'utf8' });
  return status === 0 ? null : `network namespaces with tbf: ${stderr.trim()}`;
}

/** Runs a program in the network namespace that process `pid` holds. */
export const within = (pid: number, command: string, ...args: string[]): Child =>
  new Child('nsenter', [`--net=/proc/${pid}/ns/net`, command, ...args]);

/** A process that does nothing but hold a network namespace of its own. */
export async function holdNamespace(): Promise<Child> {
  const holder = new Child('unshare', ['--net', 'sh', '-c', 'echo ready; exec cat']);
  await holder.ready();
  return holder;
}

export class KernelPath {
  readonly #near: Child;
  readonly #wire: Child;
  readonly #far: Child;
  #delayLine: Child | null = null;

  static async open(settings: KernelPathSettings): Promise<KernelPath> {
    const path = new KernelPath(await holdNamespace(), await holdNamespace(), await holdNamespace());
    try {
      await path.#setUp(settings);
    } catch (error) {
      await path.#leave();
      throw error;
    }
    return path;
  }

  private constructor(near: Child, wire: Child, far: Child) {
    this.#near = near;
    this.#wire = wire;
    this.#far = far;
  }

  async #setUp({ rateBps, rttMs, bufferBytes, lossRatio, seed }: KernelPathSettings): Promise<void> {
    const delayLine = build('delay-line.c', 'cc');
    const [near, wire, far] = [this.#near.pid, this.#wire.pid, this.#far.pid];
    const ip = (pid: number, args: string) => within(pid, 'ip', ...args.split(' ')).end();
    await ip(wire, 'link add near0 type veth peer name wire0');
    await ip(wire, 'link add far0 type veth peer name wire1');
    await within(wire, delayLine, 'plain', 'near0', 'wire0', 'wire1', 'far0').end();
    for (const [pid, name, address] of [
      [near, 'near0', NEAR],
      [far, 'far0', FAR],
    ] as const) {
      await ip(wire, `link set ${name} netns ${pid}`);
      await ip(pid, `addr add ${address}/24 dev ${name}`);
      await ip(pid, `link set ${name} up`);
      await within(pid, 'sh', '-c', this.#tcpSettings).end();
    }
    for (const name of ['wire0', 'wire1']) await ip(wire, `link set ${name} up`);
    if (rateBps !== null) {
      const bucketBytes = Math.max(MIN_BUCKET_BYTES, (rateBps / 8) * BUCKET_S);
      const inIpPackets = ['stab', 'overhead', String(-ETHERNET_HEADER)];
      const queue = [...inIpPackets, ...tbf(rateBps, bucketBytes, Math.max(MTU, bufferBytes))];
      await within(wire, 'tc', 'qdisc', 'add', 'dev', 'wire1', 'root', ...queue).end();
    }
    const delayUs = (rttMs * 1e3) / 2;
    const args = [delayUs, lossRatio, seed, LIFETIME_S].map(String);
    this.#delayLine = within(wire, delayLine, 'run', 'wire0', 'wire1', ...args);
    await this.#delayLine.ready();
  }

  /** Windows as large as the path wants, and nothing remembered from one flow to the next. */
  readonly #tcpSettings = [
    `echo "${TCP_MEMORY}" > /proc/sys/net/ipv4/tcp_rmem`,
    `echo "${TCP_MEMORY}" > /proc/sys/net/ipv4/tcp_wmem`,
    'echo 1 > /proc/sys/net/ipv4/tcp_no_metrics_save',
  ].join(' && ');

  /** One flow of the kernel's TCP from `near` to `far`, controlled by what the kernel calls `control`. */
  async tcp(
    control: 'reno' | 'cubic' | 'bbr',
    { warmupS, durationS }: { warmupS: number; durationS: number },
  ): Promise<TcpFigures> {
    const program = build('tcp-flow.c', 'cc');
    const sink = within(this.#far.pid, program, 'receive', String(TCP_PORT), String(LIFETIME_S));
    await sink.ready();
    try {
      const args = [FAR, TCP_PORT, control, warmupS, durationS].map(String);
      return JSON.parse(await within(this.#near.pid, program, 'send', ...args).finish()) as TcpFigures;
    } finally {
      await sink.end();
    }
  }

  /** Datagrams from `near` to `far`. */
  udp(load: UdpLoad): Promise<UdpFigures> {
    return udpFlow(
      {
        near: (command, args) => within(this.#near.pid, command, ...args),
        far: (command, args) => within(this.#far.pid, command, ...args),
        listen: FAR,
        via: async (port) => ({ host: FAR, port }),
      },
      load,
    );
  }

  /** Takes the path down. */
  async close(): Promise<DelayLineReport> {
    try {
      const said = await this.#delayLine!.end();
      return JSON.parse(said.slice(said.indexOf('\n'))) as DelayLineReport;
    } finally {
      this.#delayLine = null;
      await this.#leave();
    }
  }

  async #leave(): Promise<void> {
    await this.#delayLine?.end().catch(() => {});
    for (const holder of [this.#near, this.#wire, this.#far]) await holder.end();
  }
}
