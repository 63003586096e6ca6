/** What a relay can carry on this machine, measured: a profile beyond it would emulate the relay, not the path. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Emulation, LinkSettings } from '../../../shared/domain.ts';
import { LabError } from '../../../shared/errors.ts';
import { fastestBps, isBeyond, UNQUESTIONED_BPS } from '../../../shared/link-rates.ts';
import { formatRate } from '../../../shared/units.ts';
import { Relay, type RelayOptions } from './relay.ts';

const PAYLOAD_BYTES = 1350;
const IP_PACKET_BYTES = PAYLOAD_BYTES + 28;
/** The best of a few slices counts: the first ones warm up, and others may share the machine. */
const SLICES = 5;
const SLICE_MS = 60;
/** Datagrams under way at a time: enough to keep the relay busy, few enough for any socket buffer. */
const WINDOW = 64;
/** Without an arrival for this long, what is out is given up for lost. */
const STALL_MS = 50;

const CLEAR: LinkSettings = { rateBps: null, delayMs: 0, jitterMs: 0, lossRatio: 0, bufferBytes: null };

/**
 * The far end of the measurement, on a thread of its own, as a relay's real peers are: counts what arrives, and tells of it
 * slice by slice. Both threads are given their function as text, so they use nothing from outside themselves.
 */
function sink(): void {
  const { createSocket } = process.getBuiltinModule('node:dgram');
  const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads');
  const { shared, slices, sliceMs } = workerData as Traffic;
  const arrived = new Int32Array(shared);
  const socket = createSocket('udp4');
  const perMs: number[] = [];
  let since = 0;
  let before = 0;
  socket.on('message', () => {
    const count = Atomics.add(arrived, 0, 1);
    if (count % 16 !== 0) return;
    const now = performance.now();
    if (count === 0) since = now;
    if (now - since < sliceMs) return;
    perMs.push((count - before) / (now - since));
    since = now;
    before = count;
    if (perMs.length < slices) return;
    parentPort!.postMessage(Math.max(...perMs));
    socket.close();
  });
  socket.bind(0, '127.0.0.1', () => parentPort!.postMessage(socket.address().port));
}

/** The near end: sends whenever less than a window is under way. */
function source(): void {
  const { createSocket } = process.getBuiltinModule('node:dgram');
  const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads');
  const { shared, bytes, window, stallMs } = workerData as Traffic;
  const arrived = new Int32Array(shared);
  const socket = createSocket('udp4');
  const payload = Buffer.alloc(bytes);
  let sent = 0;
  let seen = 0;
  let seenAtMs = performance.now();
  const pump = (): void => {
    const now = performance.now();
    if (Atomics.load(arrived, 0) !== seen) {
      seen = Atomics.load(arrived, 0);
      seenAtMs = now;
    } else if (now - seenAtMs > stallMs) sent = seen;
    while (sent - Atomics.load(arrived, 0) < window) {
      socket.send(payload);
      sent++;
    }
    setImmediate(pump);
  };
  parentPort!.once('message', (port) => socket.connect(port, '127.0.0.1', pump));
}

interface Traffic {
  /** How many datagrams have arrived. */
  shared: SharedArrayBuffer;
  bytes: number;
  window: number;
  stallMs: number;
  slices: number;
  sliceMs: number;
}

/** Bits per second of full IP packets that one direction of an unrestricted relay carries. */
export async function measureCapacity(): Promise<number> {
  const workerData: Traffic = {
    shared: new SharedArrayBuffer(4),
    bytes: PAYLOAD_BYTES,
    window: WINDOW,
    stallMs: STALL_MS,
    slices: SLICES,
    sliceMs: SLICE_MS,
  };
  const [far, near] = [sink, source].map((end) => new Worker(`(${end})()`, { eval: true, workerData }));
  try {
    const [sinkPort] = await once(far!, 'message');
    const relay = await Relay.open({
      listen: { host: '127.0.0.1', port: 0 },
      to: { host: '127.0.0.1', port: sinkPort },
      emulation: { profile: 'clear', up: CLEAR, down: CLEAR, flap: null },
      seed: 0,
    });
    near!.postMessage(relay.port);
    const [packetsPerMs] = await once(far!, 'message');
    await near!.terminate();
    await relay.close();
    return packetsPerMs * 1000 * IP_PACKET_BYTES * 8;
  } finally {
    await Promise.all([near!.terminate(), far!.terminate()]);
  }
}

/**
 * Throws RL_INPUT_INVALID with field `rate` when a direction of `emulation` is faster than a relay here can be. What that is,
 * `limit` tells, asked only for rates that not every machine carries.
 */
export async function refuseBeyond(emulation: Emulation, limit: () => Promise<number>): Promise<void> {
  if (fastestBps(emulation) <= UNQUESTIONED_BPS) return;
  const limitBps = await limit();
  if (!isBeyond(limitBps, emulation)) return;
  throw new LabError(
    'RL_INPUT_INVALID',
    `${formatRate(fastestBps(emulation), 0)} is more than a relay on this machine carries: ` +
      `${formatRate(limitBps, 0)}, measured in ${PAYLOAD_BYTES}-byte datagrams`,
    { field: 'rate', hint: 'Choose a rate below that limit, or a slower profile.' },
  );
}

let measured: Promise<number> | null = null;

/** What `measureCapacity` found in this process the first time. */
function capacity(): Promise<number> {
  measured ??= measureCapacity().catch((error: unknown) => {
    measured = null;
    throw error;
  });
  return measured;
}

/** Throws RL_INPUT_INVALID with field `rate` for a path that is faster than this machine's relay, measured when it matters. */
export const requireEmulable = (emulation: Emulation): Promise<void> => refuseBeyond(emulation, capacity);

/** `Relay.open`, after making sure that this machine can carry what is to be emulated. */
export async function openRelay(options: RelayOptions): Promise<Relay> {
  await requireEmulable(options.emulation);
  return Relay.open(options);
}
