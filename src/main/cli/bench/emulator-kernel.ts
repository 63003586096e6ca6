/** The emulator against a path inside the kernel: the same datagrams over the same path, timed by the same program. */
import type { LinkSettings } from '../../../shared/domain.ts';
import { openRelay } from '../../path/relay/capacity.ts';
import type { Relay } from '../../path/relay/relay.ts';
import { KernelPath, kernelPathMissing } from './kernel-path.ts';
import { Child } from './native.ts';
import { against, figure, missing, type Row } from './rows.ts';
import { type UdpFigures, type UdpLoad, udpFlow } from './udp-flow.ts';

interface Path {
  rateBps: number;
  /** One way. */
  delayMs: number;
  bufferBytes: number;
}

const PATHS: readonly Path[] = [
  { rateBps: 10e6, delayMs: 20, bufferBytes: 100_000 },
  { rateBps: 50e6, delayMs: 20, bufferBytes: 250_000 },
];
const BYTES = 1350;
const IP_BYTES = BYTES + 28;
/** Of the rate: so little that nothing queues, and more than passes. */
const LIGHT = 0.5;
const HEAVY = 1.2;
const WARMUP = 200;
const DRAIN_MS = 300;

/** Milliseconds, and parts of the rate. */
const REACH = { p50: { max: 0.3 }, p99: { max: 2 }, rate: { min: 0.98, max: 1.02 } } as const;

export async function emulatorAgainstKernel(durationS: number): Promise<Row[]> {
  const why = kernelPathMissing();
  const rows: Row[] = [];
  for (const path of PATHS) {
    const title = `${path.rateBps / 1e6} Mbit/s, ${path.delayMs} ms`;
    if (why !== null) {
      rows.push(missing(`${title}: relay against kernel path`, 'ms', why));
      continue;
    }
    const load = (share: number): UdpLoad => ({
      rateBps: share * path.rateBps,
      bytes: BYTES,
      warmup: WARMUP,
      durationS,
      drainMs: path.delayMs + (path.bufferBytes * 8e3) / path.rateBps + DRAIN_MS,
    });
    const delayUs = path.delayMs * 1e3;
    // A packet that finds the token bucket full passes at once: tbf delays no single packet by its transmission.
    const carriers = [
      [
        'relay',
        delayUs + (IP_BYTES * 8e6) / path.rateBps,
        await throughRelay(path, [load(LIGHT), load(HEAVY)]),
      ],
      ['kernel path', delayUs, await throughKernel(path, [load(LIGHT), load(HEAVY)])],
    ] as const;
    for (const [name, idealUs, [light]] of carriers) {
      for (const quantile of ['p50', 'p99'] as const) {
        const row = `${title}: one-way delay error ${quantile}, ${name}`;
        const reach = name === 'relay' ? REACH[quantile] : null;
        if (light!.delayUs === undefined)
          rows.push({ ...missing(row, 'ms', 'nothing arrived', reach), ok: false });
        else rows.push(figure(row, Math.abs(light!.delayUs[quantile] - idealUs) / 1e3, 'ms', reach));
      }
    }
    const [[, , [, relay]], [, , [, kernel]]] = carriers;
    rows.push(
      against(
        `${title}: rate, relay`,
        relay!.rateBps / 1e6,
        'Mbit/s',
        `kernel path (${(kernel!.rateBps / 1e6).toFixed(2)})`,
        relay!.rateBps / kernel!.rateBps,
        REACH.rate,
      ),
    );
  }
  return rows;
}

async function throughKernel(
  { rateBps, delayMs, bufferBytes }: Path,
  loads: readonly UdpLoad[],
): Promise<UdpFigures[]> {
  const kernel = await KernelPath.open({ rateBps, rttMs: 2 * delayMs, bufferBytes, lossRatio: 0, seed: 1 });
  try {
    const figures: UdpFigures[] = [];
    for (const load of loads) figures.push(await kernel.udp(load));
    return figures;
  } finally {
    await kernel.close();
  }
}

async function throughRelay(
  { rateBps, delayMs, bufferBytes }: Path,
  loads: readonly UdpLoad[],
): Promise<UdpFigures[]> {
  const link: LinkSettings = { rateBps, delayMs, jitterMs: 0, lossRatio: 0, bufferBytes };
  const here = (command: string, args: readonly string[]): Child => new Child(command, args);
  const figures: UdpFigures[] = [];
  for (const load of loads) {
    let relay: Relay | null = null;
    const via = async (port: number): Promise<{ host: string; port: number }> => {
      relay = await openRelay({
        listen: { host: '127.0.0.1', port: 0 },
        to: { host: '127.0.0.1', port },
        emulation: { profile: 'bench', up: link, down: link, flap: null },
        seed: 1,
      });
      return relay;
    };
    try {
      figures.push(await udpFlow({ near: here, far: here, listen: '127.0.0.1', via }, load));
    } finally {
      await (relay as Relay | null)?.close();
    }
  }
  return figures;
}
