/** How often the other end acknowledges, when the sender has a say in it (draft-ietf-quic-ack-frequency). */
import { describe, expect, it, vi } from 'vitest';
import type { TransportParameters } from '../../../src/main/quic/wire/transport-parameters.ts';
import { connected } from './violations.ts';
import type { Wiretap } from './wiretap.ts';

const MIB = 1024 * 1024;

/** What one end leaves out of its transport parameters, or says instead. */
const override = vi.hoisted(() => ({ client: {} as Partial<TransportParameters> }));
vi.mock(import('../../../src/main/quic/wire/transport-parameters.ts'), async (importOriginal) => {
  const original = await importOriginal();
  return {
    ...original,
    encodeTransportParameters: (tp) => {
      const isServer = tp.originalDestinationConnectionId !== undefined;
      return original.encodeTransportParameters({ ...tp, ...(!isServer && override.client) });
    },
  };
});

/** The client downloads `bytes`; returns its ACK-only share: packets that reached it for each packet with an ACK of its own. */
function download(tap: Wiretap, bytes: number): number {
  const { pair } = tap;
  const id = pair.client.openStream(false)!;
  pair.client.finish(id);
  pair.run(60_000);
  tap.packets.length = 0;
  pair.server!.write(id, Buffer.alloc(bytes));
  pair.server!.finish(id);
  pair.run(60_000_000, () => pair.client.read(id, () => undefined, pair.nowUs).end);
  const data = tap.packets.filter(({ direction }) => direction === 'down').length;
  return data / tap.frames('up', 'ack').length;
}

describe('a bulk sender', () => {
  it('asks for an ACK of every tenth packet, within a quarter RTT, and has it', () => {
    const tap = connected({ delayUs: 20_000 });
    expect(download(tap, 8 * MIB)).toBeGreaterThan(8);
    const asked = tap.frames('down', 'ack_frequency');
    expect(asked.at(-1)).toMatchObject({ threshold: 9, reorderingThreshold: 3 });
    expect(asked.at(-1)!.maxAckDelayUs).toBeGreaterThanOrEqual(10_000);
    expect(asked.at(-1)!.maxAckDelayUs).toBeLessThan(20_000);
    // Now and then, not with each ACK.
    expect(asked.length).toBeLessThan(6);
    expect(asked.map(({ sequence }) => sequence)).toEqual(asked.map((_, n) => n));
  });

  it('asks again when that was lost', () => {
    const tap = connected();
    let lost = 0;
    tap.lose = (_direction, packets) =>
      packets.some(({ frames }) => frames.some(({ type }) => type === 'ack_frequency')) && lost++ === 0;
    download(tap, 2 * MIB);
    expect(lost).toBeGreaterThan(1);
  });

  it('asks nothing of a peer that knows nothing of it', () => {
    override.client = { minAckDelayUs: Number.POSITIVE_INFINITY };
    const tap = connected();
    download(tap, 4 * MIB);
    override.client = {};
    expect(tap.frames('down', 'ack_frequency')).toEqual([]);
    tap.lose = (direction) => direction === 'up';
    tap.pair.server!.sendDatagram(Buffer.from('lost'));
    tap.pair.run(2_000_000);
    expect(tap.frames('down', 'immediate_ack')).toEqual([]);
  });

  it('asks for no delay below what the peer can keep', () => {
    override.client = { minAckDelayUs: 15_000 };
    const tap = connected({ delayUs: 5_000 });
    download(tap, 4 * MIB);
    override.client = {};
    expect(tap.frames('down', 'ack_frequency').at(-1)).toMatchObject({ maxAckDelayUs: 15_000 });
  });

  it('asks for an answer at once in its probes', () => {
    const tap = connected();
    tap.lose = () => true;
    tap.pair.server!.sendDatagram(Buffer.from('lost'));
    tap.pair.run(2_000_000);
    expect(tap.frames('down', 'immediate_ack').length).toBeGreaterThan(0);
  });
});

describe('a receiver', () => {
  const request = { type: 'ack_frequency', sequence: 1, threshold: 3, maxAckDelayUs: 10_000 } as const;

  /** Packets that a client is sent, one a millisecond, until it acknowledges. */
  function untilAck(tap: Wiretap): number {
    tap.packets.length = 0;
    let sent = 0;
    while (tap.frames('down', 'ack').length === 0) {
      tap.pair.inject('up', tap.forge('up', 'application', [{ type: 'ping' }], 0, { ahead: 1 }));
      sent++;
      tap.pair.run(1_000);
    }
    return sent;
  }

  /** A server whose client is played by the test from here on. */
  function server(): Wiretap {
    const tap = connected();
    tap.lose = () => true;
    tap.pair.inject('up', tap.forge('up', 'application', [{ type: 'immediate_ack' }], 0, { ahead: 1 }));
    return tap;
  }

  it('leaves as many packets unanswered as it is told', () => {
    const tap = server();
    expect(untilAck(tap)).toBe(2);
    tap.inject('up', 'application', [{ ...request, reorderingThreshold: 0 }, { type: 'immediate_ack' }]);
    expect(untilAck(tap)).toBe(4);
  });

  it('answers no later than it is told, less what its timers may come late', () => {
    const tap = server();
    tap.inject('up', 'application', [
      { ...request, threshold: 100, reorderingThreshold: 0 },
      { type: 'immediate_ack' },
    ]);
    expect(untilAck(tap)).toBe(8);
  });

  it('ignores a frame that is older than one it has obeyed', () => {
    const tap = server();
    tap.inject('up', 'application', [
      { ...request, reorderingThreshold: 0 },
      { ...request, sequence: 1, threshold: 0, reorderingThreshold: 1 },
      { ...request, sequence: 0, threshold: 0, reorderingThreshold: 1 },
      { type: 'immediate_ack' },
    ]);
    expect(untilAck(tap)).toBe(4);
  });

  it('acknowledges at once what asks for it', () => {
    const tap = server();
    tap.packets.length = 0;
    tap.pair.inject('up', tap.forge('up', 'application', [{ type: 'immediate_ack' }], 0, { ahead: 1 }));
    expect(tap.frames('down', 'ack')).toHaveLength(1);
  });
});
