/** What a relay can carry on this machine, measured: a profile beyond it would emulate the relay, not the path. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Emulation, LinkSettings } from '../../../shared/domain.ts';
import { LabError } from '../../../shared/errors.ts';
import { formatRate } from '../../../shared/units.ts';
import { meanRateBps } from '../timeline.ts';
import { Relay, type RelayOptions } from './relay.ts';

/** Below this no measurement is worth its time: every machine that runs a desktop carries it. */
const UNQUESTIONED_BPS = 100e6;
const PAYLOAD_BYTES = 1350;
const IP_PACKET_BYTES = PAYLOAD_BYTES + 28;
/** The best of a few slices counts: the first ones warm up, and others may share the machine. */
const SLICES = 5;
const SLICE_MS = 60;
/** Datagrams under way at a time: enough to keep the relay busy, few enough for any socket buffer. */
const WINDOW = 64;

const CLEAR: LinkSettings = { rateBps: null, delayMs: 0, jitterMs: 0, lossRatio: 0, bufferBytes: null };

/**
 * Source and sink of the measurement, on a thread of their own as a relay's real peers are: each datagram that
 * arrives sends the next. The thread is given this function as text, so it uses nothing from outside itself.
 */
function traffic(): void {
  const { createSocket } = process.getBuiltinModule('node:dgram');
  const { parentPort } = process.getBuiltinModule('node:worker_threads');
  const source = createSocket('udp4');
  const sink = createSocket('udp4');
  sink.bind(0, '127.0.0.1', () => parentPort!.postMessage(sink.address().port));
  parentPort!.once('message', ({ port, bytes, window, slices, sliceMs }) => {
    const payload = Buffer.alloc(bytes);
    let carried = 0;
    sink.on('message', () => {
      carried++;
      source.send(payload);
    });
    source.connect(port, '127.0.0.1', () => {
      for (let i = 0; i < window; i++) source.send(payload);
      const perMs: number[] = [];
      let since = performance.now();
      const timer = setInterval(() => {
        const now = performance.now();
        perMs.push(carried / (now - since));
        carried = 0;
        since = now;
        if (perMs.length < slices) return;
        parentPort!.postMessage(Math.max(...perMs));
        clearInterval(timer);
        source.close();
        sink.close();
      }, sliceMs);
    });
  });
}

/** Bits per second of full IP packets that one direction of an unrestricted relay carries. */
async function measureCapacity(): Promise<number> {
  const peers = new Worker(`(${traffic})()`, { eval: true });
  try {
    const [sinkPort] = await once(peers, 'message');
    const relay = await Relay.open({
      listen: { host: '127.0.0.1', port: 0 },
      to: { host: '127.0.0.1', port: sinkPort },
      emulation: { profile: 'clear', up: CLEAR, down: CLEAR, flap: null },
      seed: 0,
    });
    peers.postMessage({
      port: relay.port,
      bytes: PAYLOAD_BYTES,
      window: WINDOW,
      slices: SLICES,
      sliceMs: SLICE_MS,
    });
    const [packetsPerMs] = await once(peers, 'message');
    await relay.close();
    return packetsPerMs * 1000 * IP_PACKET_BYTES * 8;
  } finally {
    await peers.terminate();
  }
}

let measured: Promise<number> | null = null;

/** The highest rate that is ever asked of a link: of opportunities, which come in bursts, their mean. */
function fastestBps({ rateBps, rateSchedule = [], trace }: LinkSettings): number {
  const steps = trace?.kind === 'series' ? trace.steps : rateSchedule;
  const least = trace?.kind === 'opportunities' ? meanRateBps(trace) : (rateBps ?? 0);
  return steps.reduce((fastest, [, bps]) => Math.max(fastest, bps), least);
}

/** Throws RL_INPUT_INVALID with field `rate` when a direction of `emulation` is faster than a relay here can be. */
async function refuseBeyondCapacity(emulation: Emulation): Promise<void> {
  const wantedBps = Math.max(fastestBps(emulation.up), fastestBps(emulation.down));
  if (wantedBps <= UNQUESTIONED_BPS) return;
  measured ??= measureCapacity().catch((error: unknown) => {
    measured = null;
    throw error;
  });
  const limitBps = await measured;
  if (wantedBps <= limitBps) return;
  throw new LabError(
    'RL_INPUT_INVALID',
    `${formatRate(wantedBps, 0)} is more than a relay on this machine carries: ` +
      `${formatRate(limitBps, 0)}, measured in ${PAYLOAD_BYTES}-byte datagrams`,
    { field: 'rate', hint: 'Choose a rate below that limit, or a slower profile.' },
  );
}

/** `Relay.open`, after making sure that this machine can carry what is to be emulated. */
export async function openRelay(options: RelayOptions): Promise<Relay> {
  await refuseBeyondCapacity(options.emulation);
  return Relay.open(options);
}
