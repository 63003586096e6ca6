/** The emulator against a path inside the kernel: the same datagrams over the same path, timed by the same program. */
import { loadavg } from 'node:os';
import type { LinkSettings } from '../../../shared/domain.ts';
import { Endpoints } from './context.ts';
import type { Endpoint } from './endpoint.ts';
import { KernelPath, kernelPathMissing } from './kernel-path.ts';
import { Child } from './native.ts';
import { against, figure, missing, type Row } from './rows.ts';
import type { RelayMethods } from './stacks/relay.ts';
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
  const endpoints = new Endpoints();
  try {
    return await onEachPath(await endpoints.start<RelayMethods>('relay'), durationS);
  } finally {
    endpoints.stop();
  }
}

async function onEachPath(relay: Endpoint<RelayMethods>, durationS: number): Promise<Row[]> {
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
        await throughRelay(relay, path, [load(LIGHT), load(HEAVY)]),
      ],
      ['kernel path', delayUs, await throughKernel(path, [load(LIGHT), load(HEAVY)])],
    ] as const;
    for (const [name, idealUs, [light]] of carriers) {
      for (const quantile of ['p50', 'p99'] as const) {
        const row = `${title}: one-way delay error ${quantile}, ${name}`;
        const reach = name === 'relay' ? REACH[quantile] : null;
        if (light!.delayUs === undefined)
          rows.push({ ...missing(row, 'ms', 'nothing arrived', reach), ok: false });
        else
          rows.push({
            ...figure(row, Math.abs(light!.delayUs[quantile] - idealUs) / 1e3, 'ms', reach),
            note: `load ${loadavg()[0]!.toFixed(1)}`,
          });
      }
    }
    const [[, , [, ours]], [, , [, kernel]]] = carriers;
    rows.push(
      against(
        `${title}: rate, relay`,
        ours!.rateBps / 1e6,
        'Mbit/s',
        `kernel path (${(kernel!.rateBps / 1e6).toFixed(2)})`,
        ours!.rateBps / kernel!.rateBps,
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
  relay: Endpoint<RelayMethods>,
  { rateBps, delayMs, bufferBytes }: Path,
  loads: readonly UdpLoad[],
): Promise<UdpFigures[]> {
  const link: LinkSettings = { rateBps, delayMs, jitterMs: 0, lossRatio: 0, bufferBytes };
  const emulation = { profile: 'bench', up: link, down: link, flap: null };
  const here = (command: string, args: readonly string[]): Child => new Child(command, args);
  const via = async (port: number): Promise<{ host: string; port: number }> => {
    const [through] = await relay.ask('open', { ports: [port], emulation, seed: 1 });
    return { host: '127.0.0.1', port: through! };
  };
  const figures: UdpFigures[] = [];
  for (const load of loads)
    figures.push(await udpFlow({ near: here, far: here, listen: '127.0.0.1', via }, load));
  return figures;
}
