/**
 * A sender whose connection takes no more: a stand-in session in virtual time, since on a real one the congestion window shuts when
 * losses and the machine have it, never between two given packets.
 */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { decodeDatagram } from '../../../src/main/probe/fec/datagram.ts';
import { FecDecoder } from '../../../src/main/probe/fec/decoder.ts';
import type { FecRequest } from '../../../src/main/probe/fec/request.ts';
import { FecSender } from '../../../src/main/probe/fec-flow.ts';
import type { QuicSession } from '../../../src/main/quic/udp/api.ts';
import { standInSession } from '../stand-in-session.ts';
import { startVirtualTime } from '../virtual-time.ts';

vi.mock('../../../src/main/quic/udp/clock.ts', async () =>
  (await import('../virtual-time.ts')).virtualClock(),
);

beforeEach(() => {
  startVirtualTime();
});
afterEach(() => {
  vi.useRealTimers();
});

const request: FecRequest = {
  kind: 'fec',
  direction: 'up',
  scheme: 'rs',
  k: 10,
  r: 2,
  adaptive: false,
  durationMs: 1000,
  ratePerS: 100,
  packetBytes: 32,
};

/** Takes `datagrams`, then its window is full for good. */
function shutAfter(datagrams: number): { session: QuicSession; taken: Buffer[] } {
  const standIn = standInSession(() => null);
  const taken: Buffer[] = [];
  const sendDatagram = (data: Uint8Array): boolean => {
    taken.push(Buffer.from(data));
    standIn.figures.packetsSent++;
    if (taken.length === datagrams) standIn.figures.bytesInFlight = standIn.figures.cwndBytes;
    return true;
  };
  return { session: { ...standIn, sendDatagram }, taken };
}

/** Of the 120 datagrams, 36 are three whole groups; 41 end among sources, 47 between the repair packets of a group. */
it.each([0, 36, 41, 46, 47])(
  'after %i datagrams: what never left is skipped, and nobody misses it',
  async (datagrams) => {
    const { session, taken } = shutAfter(datagrams);
    if (datagrams === 0) vi.spyOn(session, 'stats').mockReturnValue({ ...session.stats(), cwndBytes: 0 });
    const sender = new FecSender(session, request);
    await vi.advanceTimersByTimeAsync(4000);
    const sent = await sender.finished;
    const sources = taken.filter((each) => decodeDatagram(each)!.kind === 'source').length;
    expect(taken).toHaveLength(datagrams);
    expect(sent).toMatchObject({ source: sources, repair: datagrams - sources, skipped: 100 - sources });
    expect(sent.groupsByRepair.reduce((sum, n) => sum + n, 0)).toBe(sent.groups);
    expect(sent.groupsByRepair.reduce((sum, n, r) => sum + n * r, 0)).toBe(sent.repair);
    expect(sender.sent).toEqual(sent);

    const decoder = new FecDecoder({ scheme: 'rs', k: 10, mostGroups: 11, holdUs: 1e6 });
    for (const each of taken) decoder.push(each, 0);
    expect(decoder.end(sent, 0)).toBe(true);
    decoder.close();
    expect(decoder.counts).toMatchObject({ receivedSource: sources, erasures: 0, late: 0, invalid: 0 });
  },
);
