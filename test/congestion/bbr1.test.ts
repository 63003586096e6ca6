/** BBRv1 (draft-cardwell-iccrg-bbr-congestion-control-00, Linux tcp_bbr.c), with the real recovery in virtual time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createController } from '../../src/main/congestion/index.ts';
import { type BottleneckOptions, runBottleneck } from './bottleneck.ts';
import { lose, MSS, sample } from './support.ts';

interface Row {
  nowUs: number;
  state: string;
  cwnd: number;
  inFlight: number;
  pacingBps: number;
  bandwidthBps: number;
}

/** 10 Mbit/s, 40 ms, a buffer of a thousand packets; what the controller said after every ACK. */
function run(options: Partial<BottleneckOptions> = {}) {
  const rows: Row[] = [];
  const result = runBottleneck({
    controller: 'bbr1',
    rateBps: 10e6,
    rttMs: 40,
    bufferBytes: 1_514_000,
    durationS: 12,
    warmupS: 2,
    ...options,
    observe: (controller, nowUs, { bytesInFlight }) => {
      const { state, cwnd, pacingBps, bandwidthBps } = controller.snapshot();
      rows.push({
        nowUs,
        state,
        cwnd,
        inFlight: bytesInFlight,
        pacingBps: pacingBps!,
        bandwidthBps: bandwidthBps ?? 0,
      });
    },
  });
  return { rows, result };
}

/** The states in the order they were in, with the time of entry. */
function phases(rows: readonly Row[]): { state: string; fromUs: number; rows: Row[] }[] {
  const found: { state: string; fromUs: number; rows: Row[] }[] = [];
  for (const row of rows) {
    if (found.at(-1)?.state !== row.state) found.push({ state: row.state, fromUs: row.nowUs, rows: [] });
    found.at(-1)!.rows.push(row);
  }
  return found;
}

/** What a 10 Mbit/s link carries of 1350-byte datagrams. */
const RATE = (10e6 * 1350) / 1378;

describe('Startup and Drain', () => {
  const { rows } = run({ durationS: 3 });
  const [startup, drain, next] = phases(rows);

  it('doubles the rate each round trip until three bring less than a quarter more', () => {
    expect(startup!.state).toBe('Startup');
    const lastsUs = drain!.fromUs - startup!.fromUs;
    // 10 packets a round trip to 36 are two doublings; then three more pass, while a queue of twice the BDP is built up.
    expect(lastsUs).toBeGreaterThan(5 * 40_000);
    expect(lastsUs).toBeLessThan(12 * 40_000);
    const last = startup!.rows.at(-1)!;
    expect(last.bandwidthBps / RATE).toBeCloseTo(1, 2);
    expect(last.pacingBps / last.bandwidthBps).toBeCloseTo(2.885 * 0.99, 6);
  });

  it('drains what it queued at the inverse gain, down to the BDP', () => {
    expect(drain!.state).toBe('Drain');
    expect(drain!.rows[0]!.pacingBps / drain!.rows[0]!.bandwidthBps).toBeCloseTo(0.347 * 0.99, 6);
    // The BDP is 37 packets; three quanta come on top.
    expect(drain!.rows[0]!.inFlight).toBeGreaterThan(2 * 37 * 1350);
    expect(next!.rows[0]!.inFlight).toBeLessThan(1.4 * 37 * 1350);
  });

  it('paces the first flight by the initial window and the first RTT, and not before there is one', () => {
    const controller = createController('bbr1', { datagramBytes: MSS, random: () => 0.5 });
    expect(controller.pacingBps).toBeNull();
    expect(controller.snapshot()).toMatchObject({ state: 'Startup', cwnd: 10 * MSS, bandwidthBps: null });
    controller.onAck(sample({ nowUs: 1e6, ackedBytes: MSS }));
    expect(controller.pacingBps).toBeCloseTo((2.885 * 0.99 * 10 * MSS * 8) / 0.1, 3);
  });
});

describe('ProbeBW', () => {
  it('cycles through probe, drain and six cruising round trips', () => {
    const cycle = phases(run().rows).filter(({ fromUs }) => fromUs > 2e6 && fromUs < 9e6);
    const states = cycle.map(({ state }) => state.replace('ProbeBW_', ''));
    const up = states.indexOf('UP');
    expect(states.slice(up, up + 6)).toEqual(['UP', 'DOWN', 'CRUISE', 'UP', 'DOWN', 'CRUISE']);
    for (let i = up; i < cycle.length - 1; i++) {
      const { state, fromUs, rows } = cycle[i]!;
      const lastsRtts = (cycle[i + 1]!.fromUs - fromUs) / 41_100;
      const gain = rows.at(-1)!.pacingBps / rows.at(-1)!.bandwidthBps / 0.99;
      expect(gain).toBeCloseTo({ ProbeBW_UP: 1.25, ProbeBW_DOWN: 0.75 }[state] ?? 1, 6);
      if (state === 'ProbeBW_CRUISE') expect(lastsRtts).toBeCloseTo(6, 0);
      else expect(lastsRtts).toBeLessThan(2.5);
    }
  });

  it('begins anywhere in the cycle but with draining', () => {
    const first = (random: number): string => {
      const controller = createController('bbr1', { datagramBytes: MSS, random: () => random });
      // A rate that does not grow, round after round.
      for (let i = 1; i < 20; i++) {
        controller.onAck(
          sample({
            nowUs: i * 1e5,
            ackedBytes: MSS,
            deliveredBytes: i * 1e5,
            priorDeliveredBytes: (i - 1) * 1e5,
            deliveryRateBps: 8e6,
          }),
        );
        const { state } = controller.snapshot();
        if (state.startsWith('ProbeBW')) return state;
      }
      throw new Error('Startup does not end');
    };
    const seen = new Set<string>();
    for (let i = 0; i < 70; i++) seen.add(first(i / 70));
    expect([...seen].sort()).toEqual(['ProbeBW_CRUISE', 'ProbeBW_UP']);
  });

  it('holds the window at twice the BDP, and what the gains are set to', () => {
    const bdp = (RATE * 0.0411) / 8;
    const last = run().rows.at(-1)!;
    expect(last.cwnd / bdp).toBeGreaterThan(2);
    expect((last.cwnd - 2 * bdp) / 1350).toBeLessThan(12);
    const tuned = run({ parameters: { ProbeBwUpPacingGain: 1.5, ProbeBwCwndGain: 3 } }).rows;
    expect(tuned.at(-1)!.cwnd).toBeGreaterThan(3 * bdp);
    const up = tuned.filter(({ state }) => state === 'ProbeBW_UP').at(-1)!;
    expect(up.pacingBps / up.bandwidthBps).toBeCloseTo(1.5 * 0.99, 6);
  });

  it('is not slowed down by an application that has little to send', () => {
    const { controller, now } = inProbeBw();
    const { bandwidthBps } = controller.snapshot();
    for (let i = 1; i < 40; i++) {
      controller.onAck(
        sample({
          nowUs: now + i * 1e5,
          ackedBytes: MSS,
          deliveredBytes: 1e7 + i * MSS,
          priorDeliveredBytes: 1e7 + (i - 1) * MSS,
          deliveryRateBps: 1e5,
          isAppLimited: true,
        }),
      );
    }
    expect(controller.snapshot().bandwidthBps).toBe(bandwidthBps);
  });

  it('forgets a bandwidth after ten round trips', () => {
    const { controller, now } = inProbeBw();
    const seen: number[] = [];
    for (let i = 1; i <= 12; i++) {
      controller.onAck(
        sample({
          nowUs: now + i * 1e5,
          ackedBytes: MSS,
          deliveredBytes: 1e7 + i * MSS,
          priorDeliveredBytes: 1e7 + (i - 1) * MSS,
          deliveryRateBps: 4e6,
        }),
      );
      seen.push(controller.snapshot().bandwidthBps!);
    }
    expect(seen.slice(0, 10)).toEqual(new Array(10).fill(8e6));
    expect(seen[10]).toBe(4e6);
  });
});

/** A controller in ProbeBW with 8 Mbit/s and 100 ms, and the time. */
function inProbeBw(parameters: Record<string, number> = {}) {
  const controller = createController('bbr1', { datagramBytes: MSS, random: () => 0.5, parameters });
  let now = 0;
  for (let i = 1; i < 40; i++) {
    now = i * 1e5;
    controller.onAck(
      sample({
        nowUs: now,
        ackedBytes: 80 * MSS,
        deliveredBytes: i * 1e5,
        priorDeliveredBytes: (i - 1) * 1e5,
        deliveryRateBps: 8e6,
      }),
    );
  }
  expect(controller.snapshot().state).toMatch(/^ProbeBW/);
  return { controller, now };
}

describe('ProbeRTT', () => {
  const { rows, result } = run({ durationS: 32, warmupS: 12 });
  const probes = phases(rows).filter(({ state }) => state === 'ProbeRTT');

  it('comes every ten seconds, for 200 ms and a round trip at four packets', () => {
    expect(probes.length).toBe(3);
    expect(probes[0]!.fromUs).toBeGreaterThan(10e6);
    for (const [i, { fromUs, rows: within }] of probes.entries()) {
      if (i > 0) expect((fromUs - probes[i - 1]!.fromUs) / 1e6).toBeCloseTo(10.3, 0);
      const small = within.filter(({ inFlight }) => inFlight <= 4 * 1350);
      const heldUs = small.at(-1)!.nowUs - small[0]!.nowUs;
      expect(heldUs).toBeGreaterThanOrEqual(199_000 - 41_000);
      expect(heldUs).toBeLessThan(300_000);
      expect(within.every(({ cwnd }) => cwnd === 4 * 1350)).toBe(true);
    }
  });

  it('gives the window back afterwards, and the bandwidth estimate is none the worse', () => {
    for (const { fromUs, rows: within } of probes) {
      const before = rows.filter(({ nowUs }) => nowUs < fromUs).at(-1)!;
      const after = rows.find(({ nowUs }) => nowUs > within.at(-1)!.nowUs)!;
      expect(after.cwnd).toBeGreaterThan(0.9 * before.cwnd);
      expect(after.bandwidthBps).toBeGreaterThan(0.98 * before.bandwidthBps);
    }
    expect(result.utilization).toBeGreaterThan(0.95);
  });

  it('can be had more often, and shorter', () => {
    const often = run({ durationS: 12, parameters: { ProbeRTTInterval: 2_000, ProbeRTTDuration: 50 } }).rows;
    const found = phases(often).filter(({ state }) => state === 'ProbeRTT');
    expect(found.length).toBeGreaterThanOrEqual(4);
    expect(found.at(-1)!.rows.at(-1)!.nowUs - found.at(-1)!.fromUs).toBeLessThan(200_000);
  });

  it('is skipped after idling for as long: silence was probe enough', () => {
    const { controller, now } = inProbeBw();
    controller.onSent(now + 30e6, MSS, MSS, true);
    controller.onAck(
      sample({
        nowUs: now + 30.1e6,
        ackedBytes: MSS,
        deliveredBytes: 1e7,
        deliveryRateBps: 1e5,
        isAppLimited: true,
      }),
    );
    expect(controller.snapshot().state).toMatch(/^ProbeBW/);
    // Without the idling it would have come.
    const busy = inProbeBw();
    busy.controller.onAck(
      sample({ nowUs: busy.now + 30e6, ackedBytes: MSS, deliveredBytes: 1e7, deliveryRateBps: 8e6 }),
    );
    expect(busy.controller.snapshot().state).toBe('ProbeRTT');
  });
});

describe('a restart from idle', () => {
  it('paces at the estimated bandwidth, with the window as it was', () => {
    const { controller, now } = inProbeBw();
    const { cwnd } = controller.snapshot();
    controller.onSent(now + 1e6, MSS, MSS, true);
    expect(controller.pacingBps).toBeCloseTo(0.99 * 8e6, 3);
    expect(controller.cwnd).toBe(cwnd);
  });
});

describe('losses', () => {
  it('keep the flight for a round trip, then let it grow, and give the window back when repaired', () => {
    const { controller, now } = inProbeBw();
    const { cwnd } = controller;
    let delivered = 1e7;
    const ack = (atUs: number, fields: Partial<Parameters<typeof sample>[0]>): void => {
      controller.onAck(
        sample({
          nowUs: atUs,
          ackedBytes: MSS,
          deliveredBytes: delivered,
          priorDeliveredBytes: 1e7 - 1,
          deliveryRateBps: 8e6,
          largestAckedSentAtUs: now,
          ...fields,
        }),
      );
    };
    ack(now + 1_000, {});
    lose(controller, now + 2_000, now - 1_000);
    ack(now + 2_000, { bytesInFlight: 50 * MSS });
    expect(controller.cwnd).toBe(51 * MSS);
    // Packet conservation: what arrives may be sent, no more.
    for (let i = 0; i < 20; i++) ack(now + 3_000 + i, { bytesInFlight: 50 * MSS });
    expect(controller.cwnd).toBe(51 * MSS);
    // A round trip later each may bring another with it.
    delivered += 1e5;
    for (let i = 0; i < 20; i++)
      ack(now + 110_000 + i, { bytesInFlight: 50 * MSS, priorDeliveredBytes: delivered - 1 });
    expect(controller.cwnd).toBe(71 * MSS);
    // A packet sent after the last loss arrives.
    ack(now + 120_000, { bytesInFlight: 70 * MSS, largestAckedSentAtUs: now + 2_001 });
    expect(controller.cwnd).toBeGreaterThanOrEqual(cwnd);
  });

  it('of five per cent cost little more than themselves', () => {
    let n = 0;
    const { utilization } = run({ durationS: 20, drop: () => n++ % 20 === 7 }).result;
    expect(utilization).toBeGreaterThan(0.85);
  });

  it('that persist cut the window to its least, until something gets through', () => {
    const { controller, now } = inProbeBw();
    const { cwnd } = controller;
    lose(controller, now, now - 1e5);
    controller.onPersistentCongestion(now);
    expect(controller.cwnd).toBe(4 * MSS);
    controller.onAck(
      sample({
        nowUs: now + 1e5,
        ackedBytes: MSS,
        deliveredBytes: 2e7,
        priorDeliveredBytes: 1e7,
        deliveryRateBps: 8e6,
        largestAckedSentAtUs: now + 1,
      }),
    );
    expect(controller.cwnd).toBeGreaterThanOrEqual(0.9 * cwnd);
  });

  it('that were none give the window back', () => {
    const { controller, now } = inProbeBw();
    const { cwnd } = controller;
    const at = (us: number): void =>
      controller.onAck(
        sample({
          nowUs: now + us,
          ackedBytes: MSS,
          deliveredBytes: 1e7,
          priorDeliveredBytes: 1,
          deliveryRateBps: 8e6,
          bytesInFlight: 40 * MSS,
        }),
      );
    lose(controller, now + 1_000, now);
    at(1_000);
    expect(controller.cwnd).toBe(41 * MSS);
    controller.onSpuriousLoss(now + 2_000);
    at(2_000);
    expect(controller.cwnd).toBeGreaterThanOrEqual(cwnd);
  });
});

describe('the policer detector', () => {
  /** A token bucket of 2 Mbit/s and 100 KB on a link of 10: the estimate, and the loss, of the second after Startup. */
  function policed(PolicerDetection: number) {
    let tokens = 100_000;
    let atUs = 0;
    let offered = 0;
    let dropped = 0;
    const within = (nowUs: number): boolean => nowUs > 1e6 && nowUs < 2e6;
    const { rows } = run({
      durationS: 15,
      parameters: { PolicerDetection },
      drop: (_n, nowUs) => {
        tokens = Math.min(100_000, tokens + ((nowUs - atUs) * 2) / 8);
        atUs = nowUs;
        const isOver = tokens < 1378;
        if (!isOver) tokens -= 1378;
        if (within(nowUs)) {
          offered++;
          if (isOver) dropped++;
        }
        return isOver;
      },
    });
    return { rows, during: rows.filter(({ nowUs }) => within(nowUs)), loss: dropped / offered };
  }

  it('finds the rate of a token bucket, paces at it whatever the phase, and looks again after 48 round trips', () => {
    const { rows, during, loss } = policed(1);
    for (const { bandwidthBps, pacingBps } of during) {
      expect(bandwidthBps / 1.96e6).toBeCloseTo(1, 1);
      expect(pacingBps / bandwidthBps).toBeCloseTo(0.99, 6);
    }
    expect(loss).toBeLessThan(0.02);
    const later = rows.filter(({ nowUs }) => nowUs > 4e6);
    expect(later.some(({ pacingBps, bandwidthBps }) => pacingBps > 1.2 * bandwidthBps)).toBe(true);
  });

  it('can be switched off', () => {
    expect(policed(0).loss).toBeGreaterThan(0.08);
  });

  it('takes no droptail queue and no random loss for one', () => {
    let n = 0;
    const { rows } = run({ durationS: 10, bufferBytes: 20_000, drop: () => n++ % 50 === 7 });
    const late = rows.filter(({ nowUs }) => nowUs > 2e6);
    expect(Math.min(...late.map(({ bandwidthBps }) => bandwidthBps))).toBeGreaterThan(0.8 * RATE);
  });
});

it('whatever the ACKs say, the window is never below what is in its table, and the rate is a number', () => {
  const event = fc.record({
    loses: fc.boolean(),
    collapses: fc.boolean(),
    idles: fc.boolean(),
    spurious: fc.boolean(),
    gapUs: fc.integer({ min: 0, max: 3_000_000 }),
    acked: fc.integer({ min: 1, max: 100_000 }),
    rttUs: fc.option(fc.integer({ min: 1, max: 2_000_000 })),
    rate: fc.option(fc.double({ min: 1, max: 1e11, noNaN: true })),
    inFlight: fc.integer({ min: 0, max: 1_000_000 }),
    isAppLimited: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 60 }),
      fc.double({ min: 0, max: 0.999_999, noNaN: true }),
      (events, random) => {
        const controller = createController('bbr1', { datagramBytes: MSS, random: () => random });
        let now = 1e6;
        let delivered = 0;
        for (const e of events) {
          now += e.gapUs;
          const prior = delivered;
          delivered += e.acked;
          if (e.idles) controller.onSent(now, MSS, MSS, e.isAppLimited);
          if (e.loses) lose(controller, now, now - 1);
          if (e.collapses) controller.onPersistentCongestion(now);
          if (e.spurious) controller.onSpuriousLoss(now);
          controller.onAck(
            sample({
              nowUs: now,
              ackedBytes: e.acked,
              bytesInFlight: e.inFlight,
              priorInFlight: e.inFlight + e.acked,
              rttUs: e.rttUs,
              deliveredBytes: delivered,
              priorDeliveredBytes: Math.max(0, prior - 10_000),
              deliveryRateBps: e.rate,
              isAppLimited: e.isAppLimited,
            }),
          );
          expect(controller.cwnd).toBeGreaterThanOrEqual(1);
          expect(controller.pacingBps).toBeGreaterThan(0);
          expect(controller.sendQuantum).toBeGreaterThanOrEqual(MSS);
          expect(controller.sendQuantum).toBeLessThanOrEqual(65_536);
          if (controller.snapshot().state === 'ProbeRTT')
            expect(controller.cwnd).toBeLessThanOrEqual(4 * MSS);
        }
      },
    ),
  );
});
