/**
 * A tunnel through the emulator: two network namespaces, each with a TUN interface whose IP packets pass a relay's links one by one.
 * Whatever runs in them, the kernel's TCP or our QUIC, meets the same emulated path packet by packet. Linux, as root; namespaces and
 * interfaces end with the processes that hold them, and those with this one.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { Emulation } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { openRelay } from '../path/relay/capacity.ts';
import type { Relay } from '../path/relay/relay.ts';
import { holdNamespace, within } from './bench/kernel-path.ts';
import { build, Child, canStart } from './bench/native.ts';

const NEAR = '10.77.0.1';
const FAR = '10.77.0.2';
const DEFAULT_MTU = 1500;
/** More than any burst of the kernel: only the path drops. */
const QUEUE_PACKETS = 20_000;
/** Ample for every window, and nothing remembered from one connection to the next. */
const SYSTEM = [
  'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6',
  'echo "4096 131072 67108864" > /proc/sys/net/ipv4/tcp_rmem',
  'echo "4096 131072 67108864" > /proc/sys/net/ipv4/tcp_wmem',
  'echo 1 > /proc/sys/net/ipv4/tcp_no_metrics_save',
];

/** Null where a tunnel can be made, else the reason why not. */
export function tunnelMissing(): string | null {
  if (process.platform !== 'linux') return 'network namespaces: Linux only';
  if (process.getuid?.() !== 0) return 'network namespaces: need root';
  for (const program of ['ip', 'unshare', 'nsenter', 'cc'])
    if (!canStart(program)) return `${program} is not installed`;
  return existsSync('/dev/net/tun') ? null : '/dev/net/tun is not there';
}

const CONTROL = '/proc/sys/net/ipv4/tcp_congestion_control';

/** What the kernel lets TCP be controlled by in a namespace of its own: what a machine allows everybody. */
export const kernelControls = (): string[] =>
  readFileSync('/proc/sys/net/ipv4/tcp_allowed_congestion_control', 'latin1').trim().split(/\s+/);

export class Tunnel {
  /** Of the far end, as the near one reaches it. */
  readonly host = FAR;
  readonly relay: Relay;
  readonly #holders: { near: Child; far: Child };
  readonly #ends: readonly Child[];

  private constructor(relay: Relay, holders: { near: Child; far: Child }, ends: readonly Child[]) {
    this.relay = relay;
    this.#holders = holders;
    this.#ends = ends;
  }

  /**
   * `up` of the emulation is from the near end to the far one. `tcpCongestion` is what the kernel's TCP is controlled by at both
   * ends; null leaves it the machine's. Throws RL_INPUT_INVALID, of `--tcp-congestion`, for one that the kernel does not have.
   */
  static async open(emulation: Emulation, seed: number, tcpCongestion: string | null): Promise<Tunnel> {
    if (tcpCongestion !== null && !kernelControls().includes(tcpCongestion)) {
      const allowed = kernelControls().join(', ');
      throw new LabError(
        'RL_INPUT_INVALID',
        `--tcp-congestion: "${tcpCongestion}" is none of ${allowed}, which this machine allows`,
        {
          field: '--tcp-congestion',
          hint: 'Allow more in the sysctl net.ipv4.tcp_allowed_congestion_control.',
        },
      );
    }
    const program = build('tun-end.c', 'cc');
    const near = await holdNamespace();
    const far = await holdNamespace();
    const ends: Child[] = [];
    let relay: Relay | null = null;
    const join = async (holder: Child, peer: number): Promise<number> => {
      const end = new Child(program, [String(holder.pid), 'tun0', String(peer)]);
      ends.push(end);
      return Number((await end.ready()).split(' ')[1]);
    };
    try {
      const port = await join(far, 0);
      relay = await openRelay({
        listen: { host: '127.0.0.1', port: 0 },
        to: { host: '127.0.0.1', port },
        emulation,
        seed,
        isTunnel: true,
      });
      await join(near, relay.port);
      const mtu = emulation.mtuBytes ?? DEFAULT_MTU;
      for (const [{ pid }, address] of [
        [near, NEAR],
        [far, FAR],
      ] as const) {
        const setUp = [
          ...SYSTEM,
          ...(tcpCongestion === null ? [] : [`echo ${tcpCongestion} > ${CONTROL}`]),
          'ip link set lo up',
          `ip addr add ${address}/24 dev tun0`,
          `ip link set tun0 mtu ${mtu} txqueuelen ${QUEUE_PACKETS} up`,
        ];
        await within(pid, 'sh', '-c', setUp.join(' && ')).end();
      }
      return new Tunnel(relay, { near, far }, ends);
    } catch (error) {
      await relay?.close();
      for (const child of [...ends, near, far]) await child.end().catch(() => {});
      throw error instanceof LabError
        ? error
        : new LabError('RL_INTERNAL', `No tunnel: ${String(error)}`, { cause: error });
    }
  }

  /** The command that runs `command` at an end. */
  at(end: 'near' | 'far', command: readonly string[]): [string, ...string[]] {
    return ['nsenter', `--net=/proc/${this.#holders[end].pid}/ns/net`, ...command];
  }

  async close(): Promise<void> {
    await this.relay.close();
    for (const child of [...this.#ends, this.#holders.near, this.#holders.far]) await child.end();
  }
}
