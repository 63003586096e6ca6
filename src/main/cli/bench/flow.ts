/** One upload of our own QUIC with its controller at this end, watched as one watches a flow of TCP. */
import type { Controller } from '../../../shared/domain.ts';
import { LabError } from '../../../shared/errors.ts';
import { goodputBps } from '../../../shared/samples.ts';
import { type Received, upload } from '../../probe/throughput.ts';
import type { ConnectOptions } from '../../quic/udp/api.ts';
import { connectQuic } from '../../quic/udp/client.ts';
import { median } from './rows.ts';

export interface FlowOptions {
  controller: Controller;
  /** UDP payload of a full packet, for the whole flow. */
  datagramBytes: number;
  /** Figures count from here on. */
  warmupMs: number;
  durationMs: number;
}

export interface FlowFigures {
  /** Payload that arrived, on the receiver's clock. */
  goodputBps: number;
  /** The newest sample, every 10 ms. */
  rttUs: { min: number; mean: number; p50: number };
  /** Stream bytes, those sent again among them, and UDP payload bytes, of how many packets: some only acknowledge. */
  sent: { streamBytes: number; bytes: number; packets: number };
}

const SAMPLE_MS = 10;

/** `options` are the connection's. Throws RL_INTERNAL where nothing was measured after the warm-up. */
export async function quicFlow(
  options: ConnectOptions,
  { controller, datagramBytes, warmupMs, durationMs }: FlowOptions,
): Promise<FlowFigures> {
  const session = await connectQuic({
    ...options,
    controller: { name: controller },
    datagramBytes,
    mtuDiscovery: false,
  });
  const rtts: number[] = [];
  let before = session.stats();
  let first: Received | null = null;
  let last: Received | null = null;
  const sampler = setInterval(() => {
    const { latestRttUs } = session.stats();
    if (first !== null && latestRttUs !== null) rtts.push(latestRttUs);
  }, SAMPLE_MS);
  try {
    await upload(session, {
      durationMs,
      onProgress: (received) => {
        last = received;
        if (first !== null || received.durationUs < warmupMs * 1000) return;
        first = received;
        before = session.stats();
      },
    });
    const after = session.stats();
    const [from, to] = [first, last] as [Received | null, Received | null];
    if (from === null || to === null || to === from || rtts.length === 0)
      throw new LabError('RL_INTERNAL', `Nothing was measured of a flow after ${warmupMs} ms`);
    const streamBytes = (at: typeof after): number => at.streamBytesSent + at.streamBytesRetransmitted;
    return {
      goodputBps: goodputBps({ bytes: to.bytes - from.bytes, durationUs: to.durationUs - from.durationUs }),
      rttUs: {
        min: after.minRttUs ?? 0,
        mean: rtts.reduce((sum, rtt) => sum + rtt, 0) / rtts.length,
        p50: median(rtts),
      },
      sent: {
        streamBytes: streamBytes(after) - streamBytes(before),
        bytes: after.bytesSent - before.bytesSent,
        packets: after.packetsSent - before.packetsSent,
      },
    };
  } finally {
    clearInterval(sampler);
    await session.close();
  }
}
