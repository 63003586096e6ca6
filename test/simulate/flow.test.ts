import { expect, it } from 'vitest';
import { createController } from '../../src/main/congestion/index.ts';
import { Flow } from '../../src/main/simulate/flow.ts';
import { Source } from '../../src/main/simulate/source.ts';

const OVERHEAD = 35;
const CHUNK = 1000;

/** What a flow sends of which nothing arrives, until `untilUs`: sizes of packets by the time they leave. */
function sentInVain(bytes: number, untilUs: number): number[][] {
  const sent = new Map<number, number[]>();
  const flow = new Flow({
    index: 0,
    controller: createController('newreno', { datagramBytes: CHUNK + OVERHEAD, random: () => 0.5 }),
    source: new Source({ startUs: 0, chunkBytes: CHUNK, bytes, onOff: null, rateLimitBps: null }),
    datagramBytes: CHUNK + OVERHEAD,
    overheadBytes: OVERHEAD,
    ackPathUs: 0,
    startUs: 0,
    stopUs: Number.POSITIVE_INFINITY,
    ackEvery: 2,
    maxAckDelayUs: 25_000,
    idleTimeoutUs: 30e6,
    mayComeTwice: false,
    transmit: (_flow, _packetNumber, _chunk, size, nowUs) => {
      sent.set(nowUs, [...(sent.get(nowUs) ?? []), size]);
      return false;
    },
    sendAck: null,
  });
  while (flow.deadlineUs <= untilUs) flow.run(flow.deadlineUs);
  return [...sent.values()];
}

it('the probes of a timeout repeat the oldest packets in flight, each another, and are PINGs for want of more', () => {
  expect(sentInVain(2001, 2e6)).toEqual([
    [1035, 1035, 36],
    [1035, 1035],
  ]);
  expect(sentInVain(1, 2e6)).toEqual([[36], [36, 28]]);
});
