/** Encoder and decoder over a path in virtual time: whatever it does to datagrams, every source packet is accounted for. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lossOf } from '../../../src/main/path/loss.ts';
import { Rng } from '../../../src/main/path/rng.ts';
import { SentAccount } from '../../../src/main/probe/fec/account.ts';
import { AdaptiveRepair } from '../../../src/main/probe/fec/adaptive.ts';
import { encodeDatagram } from '../../../src/main/probe/fec/datagram.ts';
import { FecDecoder } from '../../../src/main/probe/fec/decoder.ts';
import { FecEncoder } from '../../../src/main/probe/fec/encoder.ts';
import { residualLoss } from '../../../src/main/probe/fec/theory.ts';
import { FEC_SCHEMES, type FecScheme } from '../../../src/shared/fec.ts';

const HOLD_US = 100_000;

function packetOf(number: number, length: number): Buffer {
  const packet = Buffer.alloc(length, number);
  packet.writeUInt32BE(number, 0);
  return packet;
}

describe('the account of a receiver', () => {
  const fate = fc.record({
    copies: fc.constantFrom(0, 0, 1, 1, 1, 1, 2),
    delayUs: fc.integer({ min: 0, max: 150_000 }),
  });

  it('adds up under any loss, reordering and duplication, and each packet is handed on once, unchanged', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...FEC_SCHEMES),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 0, max: 6 }),
        fc.integer({ min: 1, max: 150 }),
        fc.infiniteStream(fate),
        (scheme, k, r, packets, fates) => {
          const events: { atUs: number; datagram: Buffer }[] = [];
          let nowUs = 0;
          const account = new SentAccount();
          const encoder = new FecEncoder({
            scheme,
            k,
            repairOf: () => r,
            send: (made) => {
              account.add(made);
              const datagram = encodeDatagram(made);
              const { copies, delayUs } = fates.next().value!;
              for (let copy = 0; copy < copies; copy++)
                events.push({ atUs: nowUs + delayUs * (copy + 1), datagram });
            },
          });
          for (let i = 0; i < packets; i++, nowUs += 3000) encoder.push(packetOf(i, 8 + (i % 5)), 12);
          encoder.flush();
          const handed = new Map<number, boolean>();
          const decoder = new FecDecoder({
            scheme,
            k,
            mostGroups: 1000,
            holdUs: HOLD_US,
            onPacket: (content, { recovered }) => {
              const number = Buffer.from(content).readUInt32BE(0);
              expect(Buffer.from(content)).toEqual(packetOf(number, 8 + (number % 5)));
              expect(handed.has(number)).toBe(false);
              handed.set(number, recovered);
            },
          });
          const { counts } = decoder;
          for (const { atUs, datagram } of events.toSorted((a, b) => a.atUs - b.atUs)) {
            decoder.push(datagram, atUs);
            expect(counts.erasures).toBe(counts.recovered + counts.unrecoverable);
          }
          expect(decoder.end(account, nowUs + 500_000)).toBe(true);
          decoder.close();
          expect(counts.invalid).toBe(0);
          expect(counts.receivedSource + counts.erasures).toBe(packets);
          expect(counts.erasures).toBe(counts.recovered + counts.unrecoverable);
          const recovered = [...handed.values()].filter(Boolean).length;
          expect(counts.recovered).toBe(recovered);
          expect(counts.receivedSource).toBe(handed.size - recovered);
          // Each datagram that came is in one of the counts.
          expect(
            counts.receivedSource + counts.late + counts.duplicates + counts.receivedRepair,
          ).toBeLessThanOrEqual(events.length);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('knows what a group lacks before it is closed, once a later one has begun', () => {
    const decoder = new FecDecoder({ scheme: 'rs', k: 4, mostGroups: 2, holdUs: HOLD_US });
    const send = (group: number, index: number): void => {
      const content = packetOf(index, 8);
      decoder.push(encodeDatagram({ kind: 'source', group, index, k: 4, r: 1, content }), 0);
    };
    send(0, 0);
    expect(decoder.overdue).toBe(0);
    send(1, 0);
    expect(decoder.overdue).toBe(3);
    expect(decoder.counts.erasures).toBe(0);
    send(0, 3);
    expect(decoder.overdue).toBe(2);
    decoder.close();
    expect(decoder.overdue).toBe(0);
  });

  it('takes any datagrams of a hostile sender without an error, and never counts more than there may be', () => {
    const datagram = fc
      .tuple(
        fc.constantFrom(1, 2),
        fc.integer({ min: 0, max: 9 }),
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 0, max: 6 }),
        fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constant(0xffff_ffff)),
        fc.uint8Array({ maxLength: 30 }),
      )
      .map(([kind, index, k, r, group, content]) => {
        const header = Buffer.from([kind, index, k, r, 0, 0, 0, 0, 0, content.length]);
        header.writeUInt32BE(group, 4);
        return Buffer.concat([header, content]);
      });
    fc.assert(
      fc.property(
        fc.constantFrom(...FEC_SCHEMES),
        fc.array(datagram, { maxLength: 200 }),
        (scheme, datagrams) => {
          const decoder = new FecDecoder({ scheme, k: 8, mostGroups: 30, holdUs: HOLD_US });
          for (const [i, each] of datagrams.entries()) decoder.push(each, i * 1000);
          decoder.close();
          const { receivedSource, erasures, recovered, unrecoverable } = decoder.counts;
          expect(erasures).toBe(recovered + unrecoverable);
          expect(receivedSource + erasures).toBeLessThanOrEqual(30 * 8);
        },
      ),
    );
  });
});

/** Sends `packets` over a path whose loss is drawn, and counts. */
function run(
  scheme: FecScheme,
  options: {
    k: number;
    r: number | (() => number);
    packets: number;
    loss: (nowUs: number) => boolean;
    onPacket?: (decoder: FecDecoder, packet: number) => void;
  },
) {
  const { k, r, packets, loss, onPacket } = options;
  const decoder = new FecDecoder({ scheme, k, mostGroups: packets, holdUs: HOLD_US });
  let nowUs = 0;
  const account = new SentAccount();
  const encoder = new FecEncoder({
    scheme,
    k,
    repairOf: typeof r === 'number' ? () => r : r,
    send: (datagram) => {
      account.add(datagram);
      if (!loss(nowUs)) decoder.push(encodeDatagram(datagram), nowUs);
    },
  });
  for (let i = 0; i < packets; i++, nowUs += 1000) {
    encoder.push(packetOf(i, 8), 8);
    onPacket?.(decoder, i);
  }
  decoder.end(account, nowUs);
  decoder.close();
  account.end();
  const { groupsByRepair } = account;
  return { ...decoder.counts, groupsByRepair, residual: decoder.counts.unrecoverable / packets };
}

const lossModel = (settings: object, seed: number) => {
  const loss = lossOf(
    { rateBps: null, delayMs: 0, jitterMs: 0, lossRatio: 0, bufferBytes: null, ...settings },
    Rng.fromSeed(seed),
    0,
  )!;
  return (nowUs: number) => loss.hits(nowUs);
};

describe('residual loss', () => {
  const packets = 200_000;

  it.each([
    ['rs', 10, 2],
    ['rs', 20, 4],
    ['xor', 10, 2],
    ['xor', 10, 3],
  ] as const)('of %s (%i, %i) at 10 % iid loss is what theory says, within its error', (scheme, k, r) => {
    const { residual } = run(scheme, { k, r, packets, loss: lossModel({ lossRatio: 0.1 }, 7) });
    const theory = residualLoss(scheme, { k, r }, 0.1);
    // Losses come in groups: at most k of one, so the variance is at most k times that of single packets.
    const error = Math.sqrt((k * theory * (1 - theory)) / packets);
    expect(Math.abs(residual - theory)).toBeLessThan(4 * error);
  });

  it('of RS(10, 2) at 10 %: 3.0 %, of three quarters of a percent with twice the repair', () => {
    expect(residualLoss('rs', { k: 10, r: 2 }, 0.1)).toBeCloseTo(0.0303, 4);
    expect(residualLoss('rs', { k: 1, r: 1 }, 0.1)).toBeCloseTo(0.01, 12);
    expect(residualLoss('xor', { k: 10, r: 1 }, 0.1)).toBeCloseTo(
      residualLoss('rs', { k: 10, r: 1 }, 0.1),
      12,
    );
    expect(residualLoss('rs', { k: 10, r: 0 }, 0.1)).toBe(0.1);
  });

  it('of bursts is worse than theory for the same loss', () => {
    // 10 % of the time in a state that loses all, for 5 packets on average.
    const bursts = { loss: { model: 'gilbert', p: 0.2 / 9, r: 0.2, h: 0, k: 1 } };
    const { residual, erasures } = run('rs', { k: 10, r: 2, packets, loss: lossModel(bursts, 3) });
    expect(erasures / packets).toBeGreaterThan(0.08);
    expect(residual).toBeGreaterThan(1.5 * residualLoss('rs', { k: 10, r: 2 }, erasures / packets));
  });
});

describe('adaptive redundancy', () => {
  const report = (adaptive: AdaptiveRepair, count: { all: number; lost: number }, n: number, p: number) => {
    count.all += n;
    count.lost += n * p;
    adaptive.report({ receivedSource: count.all - count.lost, erasures: count.lost });
  };

  it('rises at once with loss, stays within its bounds, and falls one by one once less was enough four times', () => {
    const adaptive = new AdaptiveRepair({ scheme: 'rs', k: 10, r: 1, least: 1, most: 5 });
    const count = { all: 0, lost: 0 };
    report(adaptive, count, 200, 0);
    expect(adaptive.r).toBe(1);
    report(adaptive, count, 200, 0.1);
    expect(adaptive.r).toBe(5);
    const seen = Array.from({ length: 20 }, () => {
      report(adaptive, count, 200, 0);
      return adaptive.r;
    });
    expect(seen.slice(0, 3)).toEqual([5, 5, 5]);
    expect(seen.at(-1)).toBe(1);
    for (const [i, r] of seen.entries()) expect((seen[i - 1] ?? 5) - r).toBeLessThanOrEqual(1);
  });

  it('holds its target at 10 % iid loss, from the first packet on', () => {
    const adaptive = new AdaptiveRepair({ scheme: 'rs', k: 10, r: 5, least: 1, most: 5 });
    const packets = 20_000;
    const { residual, groupsByRepair } = run('rs', {
      k: 10,
      r: () => adaptive.r,
      packets,
      loss: lossModel({ lossRatio: 0.1 }, 11),
      onPacket: ({ counts, overdue }, packet) => {
        const { receivedSource, erasures } = counts;
        if (packet % 25 === 0) adaptive.report({ receivedSource, erasures: erasures + overdue });
      },
    });
    // What the groups had, at the loss there was: chance has no part in it but in what the controller saw.
    const theory = groupsByRepair.reduce(
      (sum, groups, r) => sum + (groups * 10 * residualLoss('rs', { k: 10, r }, 0.1)) / packets,
      0,
    );
    expect(theory).toBeLessThanOrEqual(0.001);
    expect(Math.abs(residual - theory)).toBeLessThan(4 * Math.sqrt((10 * theory) / packets));
  });

  it('takes no report twice', () => {
    const adaptive = new AdaptiveRepair({ scheme: 'rs', k: 10, r: 3, least: 1, most: 5 });
    for (let i = 0; i < 20; i++) adaptive.report({ receivedSource: 100, erasures: 0 });
    expect(adaptive.r).toBe(3);
  });
});
