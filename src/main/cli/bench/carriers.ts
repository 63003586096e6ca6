/**
 * One path, three carriers: `Link` in virtual time, our QUIC through the UDP relay in real time, and the kernel's TCP through
 * a path inside the kernel. IP packets of 1500 bytes everywhere, and goodput as the part of what each protocol's payload
 * could have of the link, so that headers make no difference. What does: Linux's CUBIC has HyStart rather than HyStart++, its
 * RTTs are smoothed and hold the delay of acknowledgements, and senders in real time are late now and then.
 */
import { availableParallelism } from 'node:os';
import { CONTROLLERS, type Controller, type LinkSettings } from '../../../shared/domain.ts';
import { parseScenario } from '../../../shared/scenario.ts';
import { openRelay } from '../../path/relay/capacity.ts';
import { Simulation } from '../../simulate/simulation.ts';
import { Endpoints, type Quic } from './context.ts';
import type { Identity } from './endpoint.ts';
import { KernelPath, kernelPathMissing } from './kernel-path.ts';
import { against, missing, type Reach, type Row } from './rows.ts';

interface Path {
  name: string;
  rateBps: number;
  rttMs: number;
  bufferBytes: number;
  lossRatio: number;
}

const MBIT = 1e6;
/** A thousand packets, as of case S09. */
const DEEP_BYTES = 1_514_000;
const path = (mbit: number, rttMs: number, buffer: '1 BDP' | 'deep', lossRatio = 0): Path => ({
  name: `${mbit} Mbit/s, ${rttMs} ms, ${buffer}${lossRatio > 0 ? `, ${100 * lossRatio} % loss` : ''}`,
  rateBps: mbit * MBIT,
  rttMs,
  bufferBytes: buffer === 'deep' ? DEEP_BYTES : (mbit * MBIT * rttMs) / 8e3,
  lossRatio,
});
const PATHS: readonly Path[] = [
  path(10, 40, '1 BDP'),
  path(20, 40, '1 BDP'),
  path(10, 40, 'deep'),
  path(50, 20, '1 BDP'),
  path(100, 10, '1 BDP'),
  path(10, 100, '1 BDP', 0.01),
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
/** With fewer cores the real carriers take turns. */
const CORES_FOR_BOTH = 4;

const REACH: Record<'quic' | 'tcp', Record<'goodput' | 'rtt', Reach>> = {
  quic: { goodput: { min: 0.95, max: 1.05 }, rtt: { min: 0.9, max: 1.1 } },
  tcp: { goodput: { min: 0.9, max: 1.1 }, rtt: { min: 0.8, max: 1.25 } },
};

interface CarriersOptions {
  warmupS: number;
  durationS: number;
  identity: Identity & { ca: string };
  step: (now: string) => void;
}

interface Figures {
  /** Of the link's rate, what the packets have whose payload arrived. */
  share: number;
  rttMs: number;
}
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
      const quic = (): Promise<Figures> => emulate(at, controller, near, port, options);
      const tcp = async (): Promise<Figures | null> =>
        withoutKernel === null ? inKernel(at, controller, options) : null;
      const [real, kernel] =
        availableParallelism() >= CORES_FOR_BOTH
          ? await Promise.all([quic(), tcp()])
          : [await quic(), await tcp()];
      rows.push(
        ...rowsOf(at, controller, simulated, 'QUIC', REACH.quic, real, null),
        ...rowsOf(at, controller, simulated, 'kernel TCP', REACH.tcp, kernel, withoutKernel),
      );
      step(`${at.name}, ${controller}`);
    }
    return rows;
  } finally {
    endpoints.stop();
  }
}

function rowsOf(
  { name, rateBps }: Path,
  controller: Controller,
  simulated: Figures,
  carrier: string,
  reach: Record<'goodput' | 'rtt', Reach>,
  real: Figures | null,
  why: string | null,
): Row[] {
  const goodput = `${name}, ${controller}: goodput, ${carrier}`;
  const rtt = `${name}, ${controller}: mean RTT, ${carrier}`;
  if (real === null)
    return [missing(goodput, 'Mbit/s', why!, reach.goodput), missing(rtt, 'ms', why!, reach.rtt)];
  // Headers counted: what the carriers' packets have in common.
  const mbit = ({ share }: Figures): number => (share * rateBps) / MBIT;
  const peer = (value: number): string => `simulation (${value.toFixed(1)})`;
  return [
    against(
      goodput,
      mbit(real),
      'Mbit/s',
      peer(mbit(simulated)),
      real.share / simulated.share,
      reach.goodput,
    ),
    against(rtt, real.rttMs, 'ms', peer(simulated.rttMs), real.rttMs / simulated.rttMs, reach.rtt),
  ];
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
  near: Quic,
  port: number,
  { identity: { ca }, warmupS, durationS }: CarriersOptions,
): Promise<Figures> {
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
    };
  } finally {
    await relay.close();
  }
}

async function inKernel(
  { rateBps, rttMs, bufferBytes, lossRatio }: Path,
  controller: Controller,
  { warmupS, durationS }: CarriersOptions,
): Promise<Figures> {
  const kernel = await KernelPath.open({ rateBps, rttMs, bufferBytes, lossRatio, seed: 1 });
  try {
    const control = KERNEL_CONTROLS[controller]!;
    const { goodputBps, rttUs, mss } = await kernel.tcp(control, { warmupS, durationS });
    return {
      share: (goodputBps * (mss + TCP_HEADERS)) / mss / rateBps,
      rttMs: rttUs.mean / 1e3,
    };
  } finally {
    await kernel.close();
  }
}
