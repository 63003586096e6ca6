/**
 * One path, three carriers: `Link` in virtual time, our QUIC through the UDP relay in real time, and the kernel's TCP through
 * a path inside the kernel. IP packets of 1500 bytes everywhere, and goodput as the part of what each protocol's payload
 * could have of the link, so that headers make no difference. What does: Linux's CUBIC has HyStart rather than HyStart++, its
 * RTTs are smoothed and hold the delay of acknowledgements, and senders in real time are late now and then.
 */
import { CONTROLLERS, type Controller, type LinkSettings } from '../../../shared/domain.ts';
import { parseScenario } from '../../../shared/scenario.ts';
import { openRelay } from '../../path/relay/capacity.ts';
import { Simulation } from '../../simulate/simulation.ts';
import { Endpoints, type Quic } from './context.ts';
import { judged, type Transfer } from './disturbed.ts';
import type { Identity } from './endpoint.ts';
import { KernelPath, kernelPathMissing, type TcpFigures } from './kernel-path.ts';
import { against, missing, type Reach, type Row } from './rows.ts';
import { stallWatch } from './stalls.ts';

interface Path {
  name: string;
  rateBps: number;
  rttMs: number;
  bufferBytes: number;
  lossRatio: number;
}

const MBIT = 1e6;
const path = (mbit: number, rttMs: number, bufferBdp: number, lossRatio = 0): Path => ({
  name: `${mbit} Mbit/s, ${rttMs} ms, ${bufferBdp} BDP${lossRatio > 0 ? `, ${100 * lossRatio} % loss` : ''}`,
  rateBps: mbit * MBIT,
  rttMs,
  bufferBytes: (bufferBdp * mbit * MBIT * rttMs) / 8e3,
  lossRatio,
});
/** A buffer deeper than 4 BDP takes Reno longer to fill than any of this lasts. */
const PATHS: readonly Path[] = [
  path(10, 40, 1),
  path(20, 40, 1),
  path(10, 40, 4),
  path(50, 20, 1),
  path(100, 10, 1),
  path(10, 100, 1, 0.01),
];

type KernelControl = Parameters<KernelPath['tcp']>[0];
/** What the kernel calls the controllers that it has of ours. */
const KERNEL_CONTROLS: Readonly<Record<string, KernelControl>> = {
  newreno: 'reno',
  cubic: 'cubic',
  bbr1: 'bbr',
};

const IP_BYTES = 1500;
const DATAGRAM_BYTES = IP_BYTES - 28;
/** Of a QUIC packet with one STREAM frame, as in the simulator. */
const PACKET_OVERHEAD_BYTES = 35;
/** IPv4, and TCP with timestamps. */
const TCP_HEADERS = 52;
/** Runs in virtual time whose mean counts. */
const SEEDS = 10;

type Reaches = Record<'goodput' | 'rtt', Reach>;
const REACH: Record<'quic' | 'tcp', Reaches> = {
  quic: { goodput: { min: 0.95, max: 1.05 }, rtt: { min: 0.9, max: 1.1 } },
  tcp: { goodput: { min: 0.95, max: 1.05 }, rtt: { min: 0.85, max: 1.15 } },
};
/** Of some 20 losses a transfer has, a fifth more or fewer is chance, and goodput goes with the root of it. */
const LOSSY_GOODPUT: Reach = { min: 0.7, max: 1.3 };

interface CarriersOptions {
  warmupS: number;
  durationS: number;
  identity: Identity & { ca: string };
  step: (now: string) => void;
}

type Figures = Omit<Transfer, 'stalledMs'>;
/** Link bytes for each byte of payload, of packets full of it. */
const QUIC_OVERHEAD = IP_BYTES / (DATAGRAM_BYTES - PACKET_OVERHEAD_BYTES);

/** Every path under every controller that the kernel has too; with `quick` the first. */
export const pairsOf = (quick: boolean): [Path, Controller][] => {
  const pairs = PATHS.flatMap((each) =>
    CONTROLLERS.filter((name) => name in KERNEL_CONTROLS).map((name): [Path, Controller] => [each, name]),
  );
  return quick ? pairs.slice(0, 1) : pairs;
};

export async function compareCarriers(
  pairs: readonly [Path, Controller][],
  options: CarriersOptions,
): Promise<Row[]> {
  const { identity, step } = options;
  const withoutKernel = kernelPathMissing();
  const endpoints = new Endpoints();
  try {
    const far: Quic = await endpoints.start('quic');
    const near: Quic = await endpoints.start('quic');
    const { port } = await far.listen({ ...identity, discover: false });
    const rows: Row[] = [];
    for (const [at, controller] of pairs) {
      const simulated = simulate(at, controller, options);
      const compare = (carrier: string, reaches: Reaches, run: () => Promise<Transfer>): Promise<Row[]> =>
        compareWith(simulated, { at, controller, carrier, reaches, run });
      // In turn: both want cores of their own.
      rows.push(
        ...(await compare('QUIC', REACH.quic, () => emulate(at, controller, { near, far, port }, options))),
        ...(withoutKernel === null
          ? await compare('kernel TCP', REACH.tcp, () => inKernel(at, controller, options))
          : FIGURES.map(([figure, unit]) =>
              missing(`${at.name}, ${controller}: ${figure}, kernel TCP`, unit, withoutKernel),
            )),
      );
      step(`${at.name}, ${controller}`);
    }
    return rows;
  } finally {
    endpoints.stop();
  }
}
const FIGURES = [
  ['goodput', 'Mbit/s'],
  ['mean RTT', 'ms'],
] as const;

function compareWith(
  simulated: Figures,
  transfer: {
    at: Path;
    controller: Controller;
    carrier: string;
    reaches: Reaches;
    run: () => Promise<Transfer>;
  },
): Promise<Row[]> {
  const { at, controller, carrier, reaches, run } = transfer;
  // Headers counted: what the carriers' packets have in common.
  const mbit = ({ share }: Figures): number => (share * at.rateBps) / MBIT;
  const peer = (value: number): string => `simulation (${value.toFixed(1)})`;
  const name = (figure: string): string => `${at.name}, ${controller}: ${figure}, ${carrier}`;
  const goodputReach = at.lossRatio > 0 ? LOSSY_GOODPUT : reaches.goodput;
  return judged(run, (real) => [
    against(
      name('goodput'),
      mbit(real),
      'Mbit/s',
      peer(mbit(simulated)),
      real.share / simulated.share,
      goodputReach,
    ),
    against(
      name('mean RTT'),
      real.rttMs,
      'ms',
      peer(simulated.rttMs),
      real.rttMs / simulated.rttMs,
      reaches.rtt,
    ),
  ]);
}

function simulate(at: Path, controller: Controller, { warmupS, durationS }: CarriersOptions): Figures {
  let share = 0;
  let rttMs = 0;
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { flows } = new Simulation(
      parseScenario({
        seed,
        duration_s: durationS,
        warmup_s: warmupS,
        datagram_bytes: DATAGRAM_BYTES,
        bottleneck: { rate_bps: at.rateBps, buffer_bytes: at.bufferBytes },
        loss: at.lossRatio > 0 ? { model: 'iid', rate: at.lossRatio } : { model: 'none' },
        flows: [{ controller, rtt_ms: at.rttMs }],
      }),
    )
      .run()
      .figures();
    const [flow] = flows;
    share += (flow!.goodput_bps * QUIC_OVERHEAD) / at.rateBps / SEEDS;
    rttMs += flow!.rtt_ms.mean! / SEEDS;
  }
  return { share, rttMs };
}

async function emulate(
  at: Path,
  controller: Controller,
  { near, far, port }: { near: Quic; far: Quic; port: number },
  { identity: { ca }, warmupS, durationS }: CarriersOptions,
): Promise<Transfer> {
  const { rateBps, rttMs, bufferBytes, lossRatio } = at;
  const back: LinkSettings = {
    rateBps: null,
    delayMs: rttMs / 2,
    jitterMs: 0,
    lossRatio: 0,
    bufferBytes: null,
  };
  const relay = await openRelay({
    listen: { host: '127.0.0.1', port: 0 },
    to: { host: '127.0.0.1', port },
    emulation: { profile: at.name, up: { ...back, rateBps, bufferBytes, lossRatio }, down: back, flap: null },
    seed: 1,
  });
  const relayStalledMs = stallWatch();
  await Promise.all([near.stalledMs(), far.stalledMs()]);
  try {
    const { goodputBps, rttUs } = await near.ask('flow', {
      port: relay.port,
      ca,
      controller,
      datagramBytes: DATAGRAM_BYTES,
      warmupMs: warmupS * 1000,
      durationMs: durationS * 1000,
    });
    return {
      share: (goodputBps * QUIC_OVERHEAD) / rateBps,
      rttMs: rttUs.mean / 1e3,
      stalledMs: Math.max(relayStalledMs(), await near.stalledMs(), await far.stalledMs()),
    };
  } finally {
    await relay.close();
  }
}

async function inKernel(
  { rateBps, rttMs, bufferBytes, lossRatio }: Path,
  controller: Controller,
  { warmupS, durationS }: CarriersOptions,
): Promise<Transfer> {
  const kernel = await KernelPath.open({ rateBps, rttMs, bufferBytes, lossRatio, seed: 1 });
  let tcp: TcpFigures;
  try {
    tcp = await kernel.tcp(KERNEL_CONTROLS[controller]!, { warmupS, durationS });
  } catch (error) {
    await kernel.close();
    throw error;
  }
  const { lateUs } = await kernel.close();
  return {
    share: (tcp.goodputBps * (tcp.mss + TCP_HEADERS)) / tcp.mss / rateBps,
    rttMs: tcp.rttUs.mean / 1e3,
    stalledMs: lateUs.max / 1e3,
  };
}
