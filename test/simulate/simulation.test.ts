import { describe, expect, it } from 'vitest';
import { readScenario } from '../../src/main/simulate/profile.ts';
import { Simulation } from '../../src/main/simulate/simulation.ts';
import { CONTROLLERS } from '../../src/shared/domain.ts';
import { LabError } from '../../src/shared/errors.ts';
import { figures, scenario } from './scenarios.ts';

describe('a simulation', () => {
  it('gives the same figures and the same trace for the same seed, bit for bit', () => {
    const lossy = scenario({ loss: { model: 'iid', rate: 0.01 }, jitter_ms: 3 });
    const [first, second] = [0, 1].map(() => {
      const simulation = new Simulation(lossy, { trace: {} }).run();
      return JSON.stringify([simulation.figures(), simulation.trace]);
    });
    expect(second).toBe(first);
    const other = new Simulation({ ...lossy, seed: 2 }).run().figures();
    expect(JSON.stringify(other)).not.toBe(JSON.stringify(new Simulation(lossy).run().figures()));
  });

  it('gives the same figures whether it is looked at or not', () => {
    const codel = { rate_bps: 20e6, buffer_bytes: 500_000, aqm: 'codel' };
    for (const watched of [scenario(), scenario({ bottleneck: codel, jitter_ms: 1 })]) {
      const seen = new Simulation(watched, { trace: { everyUs: 700 } }).run().figures();
      expect(seen).toEqual(new Simulation(watched).run().figures());
    }
  });

  it('gives the same figures however it is cut into steps', () => {
    const simulation = new Simulation(scenario());
    let seen = 0;
    while (!simulation.step(97)) {
      expect(simulation.progress).toBeGreaterThanOrEqual(seen);
      seen = simulation.progress;
    }
    expect(simulation.progress).toBe(1);
    expect(simulation.figures()).toEqual(figures());
  });

  it('fills the link with one flow, and no further', () => {
    const { flows, link, packet, jain } = figures();
    expect(packet).toEqual({ payload_bytes: 1315, link_bytes: 1378 });
    expect(link.utilization).toBeGreaterThan(0.99);
    expect(link.utilization).toBeLessThanOrEqual(1);
    const most = (20e6 * 1315) / 1378;
    expect(flows[0]!.goodput_bps).toBeGreaterThan(0.98 * most);
    expect(flows[0]!.goodput_bps).toBeLessThanOrEqual(most);
    // 40 ms of propagation, 0.55 ms of transmission, and at most 40 ms of buffer.
    const { min, p50, p99 } = flows[0]!.rtt_ms;
    expect(min).toBeGreaterThanOrEqual(40.55);
    expect(p50).toBeGreaterThan(41);
    expect(p99).toBeLessThan(82);
    expect(jain).toBe(1);
  });

  it('counts from the end of the warm-up however slow the link is at first', () => {
    const { flows, link } = figures({
      bottleneck: { rate_bps: 1e3, buffer_bytes: 100_000, rate_schedule: [[1, 20e6]] },
    });
    expect(link.utilization).toBeGreaterThan(0.9);
    expect(link.utilization).toBeLessThanOrEqual(1);
    expect(flows[0]!.goodput_bps).toBeGreaterThan(0.85 * 20e6);
  });

  it('tells the same time in queue with jitter as without, whether the rate is steady, stepped or recorded', () => {
    const bottlenecks = [
      { rate_bps: 2e6 },
      { rate_bps: 1e6, rate_schedule: [[1, 2e6]] },
      { trace: { kind: 'opportunities', atMs: [6, 12] } },
      // Nothing leaves for half of every 100 ms.
      { trace: { kind: 'series', steps: [[0, 0, null, null], [0.05, 4e6, null, null]], periodS: 0.1 } }, // biome-ignore format: rows
    ];
    const flows = [{ controller: 'newreno', rtt_ms: 40 }];
    for (const bottleneck of bottlenecks) {
      const meanMs = (jitter_ms: number): number =>
        figures({ bottleneck: { ...bottleneck, buffer_bdp: 4 }, flows, jitter_ms }).link.queue_delay_ms.mean;
      const steadyMs = meanMs(0);
      expect(steadyMs).toBeGreaterThan(0);
      expect(meanMs(0.001) / steadyMs).toBeGreaterThan(0.9);
      expect(meanMs(0.001) / steadyMs).toBeLessThan(1.1);
    }
  });

  it('uses nothing of a link that could not carry anything', () => {
    const trace = { kind: 'series', steps: [[0, 0, null, null], [60, 1e6, null, null]], periodS: 90 }; // biome-ignore format: rows
    expect(figures({ bottleneck: { trace } }).link.utilization).toBe(0);
    // Nothing has come as far as the end of the link when it is over.
    expect(figures({ duration_s: 0.015, warmup_s: 0 }).link.utilization).toBe(0);
  });

  it('counts what is sent at the very beginning, where there is no warm-up', () => {
    const { flows } = figures({
      duration_s: 0.09,
      warmup_s: 0,
      bottleneck: { rate_bps: 20e6, buffer_bytes: 2 * 1378 },
      flows: [{ controller: 'newreno', rtt_ms: 100, bytes: 13_150 }],
    });
    // The first window leaves at once: one packet is transmitted, two wait, seven of ten find no room.
    expect(flows[0]!.loss_rate).toBe(0.7);
  });

  it('takes a schedule without steps for none', () => {
    const bottleneck = { rate_bps: 20e6, buffer_bytes: 100_000 };
    expect(figures({ bottleneck: { ...bottleneck, rate_schedule: [] } })).toEqual(figures({ bottleneck }));
  });

  it('ends a finite transfer with its last byte, each byte counted once although packets are lost', () => {
    const { flows } = figures({
      warmup_s: 0,
      loss: { model: 'iid', rate: 0.02 },
      flows: [{ controller: 'newreno', rtt_ms: 40, start_s: 1, bytes: 1_000_001 }],
    });
    const [{ completion_s, goodput_bps, retransmit_rate, loss_rate }] = flows as [(typeof flows)[0]];
    expect(loss_rate).toBeGreaterThan(0.005);
    expect(retransmit_rate).toBeGreaterThan(0.005);
    expect(goodput_bps * completion_s!).toBeCloseTo(8_000_008, 3);
    // Not faster than the link, which also carries the headers.
    expect(completion_s).toBeGreaterThan(0.4);
  });

  it('completes a transfer of one byte in half a round trip', () => {
    const { flows } = figures({ warmup_s: 0, flows: [{ controller: 'cubic', rtt_ms: 40, bytes: 1 }] });
    // 35 bytes around the payload, 28 of headers.
    expect(flows[0]!.completion_s).toBeCloseTo(0.02 + (64 * 8) / 20e6, 9);
    expect(flows[0]!.retransmit_rate).toBe(0);
  });

  it('sends the last packets of a transfer again when all of them were lost', () => {
    // Every second packet is lost: probes find out about the tail.
    const { flows } = figures({
      warmup_s: 0,
      duration_s: 60,
      loss: { model: 'iid', rate: 0.5 },
      flows: [{ controller: 'cubic', rtt_ms: 40, bytes: 5000 }],
    });
    expect(flows[0]!.completion_s).not.toBeNull();
  });

  it.each(CONTROLLERS)(
    'lets %s end every transfer of few and small packets, whatever is lost of them',
    (controller) => {
      for (let seed = 1; seed <= 40; seed++) {
        const { flows } = figures({
          seed,
          duration_s: 300,
          warmup_s: 0,
          bottleneck: { rate_bps: 20e6, buffer_bdp: 0.2 },
          loss: { model: 'iid', rate: 0.2 },
          reorder_rate: 0.05,
          flows: [100, 3000, 300_000].map((bytes) => ({
            controller,
            rtt_ms: 0.7,
            bytes,
            rate_limit_bps: 3e6,
          })),
        });
        for (const { completion_s } of flows) expect(completion_s, `seed ${seed}`).not.toBeNull();
      }
    },
  );

  it('shares the link between flows that come and go', () => {
    const { flows, jain } = figures({
      duration_s: 20,
      warmup_s: 10,
      flows: [
        { controller: 'newreno', rtt_ms: 40, stop_s: 8 },
        { controller: 'newreno', rtt_ms: 40, start_s: 8 },
        { controller: 'newreno', rtt_ms: 20, start_s: 8 },
      ],
    });
    expect(flows[0]!.goodput_bps).toBe(0);
    const total = flows.reduce((sum, { goodput_bps }) => sum + goodput_bps, 0);
    expect(total / ((20e6 * 1315) / 1378)).toBeGreaterThan(0.95);
    expect(flows[2]!.goodput_bps).toBeGreaterThan(flows[1]!.goodput_bps);
    expect(flows[2]!.rtt_ms.min! - flows[1]!.rtt_ms.min!).toBeLessThan(-19);
    expect(jain).toBeLessThan(0.75);
  });

  it('holds a rate-limited sender to its rate, and an on-off sender to its times', () => {
    const limited = figures({ flows: [{ controller: 'cubic', rtt_ms: 40, rate_limit_bps: 2e6 }] });
    expect(limited.flows[0]!.goodput_bps / 2e6).toBeCloseTo(1, 2);
    expect(limited.link.queue_delay_ms.p99).toBeLessThan(1);
    const onOff = figures({ flows: [{ controller: 'cubic', rtt_ms: 40, on_off: { on_s: 1, off_s: 3 } }] });
    expect(onOff.link.utilization).toBeGreaterThan(0.15);
    expect(onOff.link.utilization).toBeLessThan(0.3);
  });

  it('counts losses of any model, and keeps to the rate of a schedule or a trace', () => {
    const losses = (loss: object, flows: object[] = [{ controller: 'bbr1', rtt_ms: 40 }]): number =>
      figures({ duration_s: 30, loss, flows }).flows[0]!.loss_rate;
    expect(losses({ model: 'every_nth', n: 100 })).toBeCloseTo(0.01, 3);
    expect(losses({ model: 'gilbert', p: 0.005, r: 0.25 })).toBeCloseTo(0.005 / 0.255, 2);
    const capacity = (bottleneck: object): number => figures({ bottleneck }).link.utilization;
    const schedule = {
      rate_bps: 20e6,
      buffer_bdp: 2,
      rate_schedule: [
        [4, 5e6],
        [6, 10e6],
      ],
    };
    expect(capacity(schedule)).toBeGreaterThan(0.95);
    expect(capacity(schedule)).toBeLessThanOrEqual(1);
    const steps = [
      [0, 8e6, null, null],
      [0.3, 16e6, null, null],
    ];
    expect(capacity({ buffer_bdp: 2, trace: { kind: 'series', steps, periodS: 0.5 } })).toBeGreaterThan(0.9);
    const atMs = [1, 2, 3, 5, 8, 8, 9, 10];
    const mahimahi = capacity({ buffer_bdp: 2, trace: { kind: 'opportunities', atMs } });
    // 1378 bytes do not fill an opportunity of 1500.
    expect(mahimahi).toBeGreaterThan(0.85);
    expect(mahimahi).toBeLessThanOrEqual(1);
  });

  it('counts what CoDel drops, whose queue stays short', () => {
    const { flows, link } = figures({
      duration_s: 30,
      bottleneck: { rate_bps: 20e6, buffer_bytes: 500_000, aqm: 'codel' },
    });
    expect(link.drops).toBeGreaterThan(5);
    expect(flows[0]!.loss_rate).toBeGreaterThan(0);
    expect(flows[0]!.loss_rate).toBeCloseTo(flows[0]!.retransmit_rate, 3);
    expect(link.queue_delay_ms.mean).toBeLessThan(10);
  });

  it('takes ACKs over a path of their own', () => {
    const plain = figures();
    const clear = figures({ reverse: {} });
    expect(clear.flows[0]!.rtt_ms.min).toBeCloseTo(plain.flows[0]!.rtt_ms.min!, 6);
    expect(clear.flows[0]!.goodput_bps).toBeCloseTo(plain.flows[0]!.goodput_bps, -5);
    // Every ACK tells again of what the one before told: half of them suffice.
    const lossy = figures({ reverse: { loss: { model: 'iid', rate: 0.5 } } });
    expect(lossy.flows[0]!.loss_rate).toBeLessThan(0.01);
    expect(lossy.flows[0]!.goodput_bps).toBeGreaterThan(0.9 * plain.flows[0]!.goodput_bps);
    // 100 kbit/s carry 190 ACKs a second, each of two packets: the window waits for them.
    const slow = figures({ reverse: { rate_bps: 100e3, buffer_bytes: 2000 } });
    expect(slow.flows[0]!.rtt_ms.min).toBeGreaterThan(45);
  });

  it('asks for fewer acknowledgements where it is told to', () => {
    // On a way back that holds ACKs up, fewer of them are sooner there.
    const reverse = { rate_bps: 200e3, buffer_bytes: 4000 };
    const [often, asked] = [2, 'asked'].map((ack_every) =>
      figures({ reverse, flows: [{ controller: 'cubic', rtt_ms: 40, ack_every }] }),
    ) as [ReturnType<typeof figures>, ReturnType<typeof figures>];
    expect(asked.flows[0]!.rtt_ms.min).toBeLessThan(often.flows[0]!.rtt_ms.min! - 3);
    expect(asked.flows[0]!.goodput_bps).toBeGreaterThan(0.95 * often.flows[0]!.goodput_bps);
  });

  it('measures the same queue with and without jitter, to within the jitter', () => {
    const still = figures().link.queue_delay_ms;
    const shaken = figures({ jitter_ms: 1 }).link.queue_delay_ms;
    expect(Math.abs(shaken.mean - still.mean)).toBeLessThan(5);
  });

  it('counts what comes twice as neither goodput nor loss, but as carried', () => {
    const [plain, twice] = [0, 1].map((duplicate_rate) =>
      figures({ duplicate_rate, flows: [{ controller: 'cubic', rtt_ms: 40, rate_limit_bps: 5e6 }] }),
    ) as [ReturnType<typeof figures>, ReturnType<typeof figures>];
    expect(plain.link.duplicates).toBe(0);
    expect(twice.flows[0]!.goodput_bps / plain.flows[0]!.goodput_bps).toBeCloseTo(1, 3);
    expect(twice.flows[0]).toMatchObject({ loss_rate: 0, retransmit_rate: 0 });
    const packets = (8 * twice.flows[0]!.goodput_bps) / (8 * twice.packet.payload_bytes);
    expect(twice.link.duplicates / packets).toBeCloseTo(1, 2);
    expect(twice.link.utilization / plain.link.utilization).toBeCloseTo(2, 2);
  });

  it('takes a copy for its packet where that found no room, and shares a full link with copies', () => {
    const { flows, link } = figures({
      duplicate_rate: 0.5,
      reverse: { duplicate_rate: 1 },
    });
    expect(link.utilization).toBeLessThanOrEqual(1);
    expect(link.duplicates).toBeGreaterThan(1000);
    // Two of three bytes are of packets for the first time.
    expect((flows[0]!.goodput_bps * 1378) / 1315 / 20e6).toBeGreaterThan(0.6);
    expect((flows[0]!.goodput_bps * 1378) / 1315 / 20e6).toBeLessThan(0.7);
    for (const rate of [flows[0]!.loss_rate, flows[0]!.retransmit_rate]) {
      expect(rate).toBeGreaterThanOrEqual(0);
      expect(rate).toBeLessThan(0.1);
    }
  });

  it('simulates the duplicates of a profile, each way its own', () => {
    const { duplicate_rate, reverse } = readScenario({
      profile: 'edge',
      duration_s: 10,
      bottleneck: {},
      flows: [{ controller: 'cubic' }],
    });
    expect([duplicate_rate, reverse!.duplicate_rate]).toEqual([Math.sqrt(1.1) - 1, Math.sqrt(1.1) - 1]);
  });

  it('follows the delays of a trace with its RTT', () => {
    const steps = [[0, 20e6, 20, null], [3, 20e6, 60, null], [5, 20e6, null, null], [7, 20e6, 5, null]]; // biome-ignore format: rows
    const traced = scenario({
      duration_s: 9,
      warmup_s: 0,
      bottleneck: { trace: { kind: 'series', steps, periodS: 10 } },
      flows: [
        { controller: 'cubic', rtt_ms: 40, rate_limit_bps: 2e6 },
        { controller: 'cubic', rtt_ms: 100, rate_limit_bps: 2e6 },
      ],
    });
    const simulation = new Simulation(traced, { trace: { everyUs: 1e5 } }).run();
    const rttMs = (flow: number, second: number): number =>
      simulation.trace!.flows[flow]!.series.rttUs[second * 10]! / 1e3;
    // Half of the 40 ms is the way back, 80 ms that of the flow that is farther; a packet takes 0.55 ms to send.
    for (const [second, delayMs] of [
      [2, 20],
      [4, 60],
      [6, 20],
      [8, 5],
    ] as const) {
      // biome-ignore format: rows
      expect(rttMs(0, second)).toBeGreaterThanOrEqual(delayMs + 20.5);
      expect(rttMs(0, second)).toBeLessThan(delayMs + 22);
      expect(rttMs(1, second) - delayMs).toBeGreaterThanOrEqual(80.5);
      expect(rttMs(1, second) - delayMs).toBeLessThan(82);
    }
  });

  it('uses all of a link whose recorded delay changes, and no more', () => {
    for (const [from, to] of [
      [5, 400],
      [400, 5],
    ]) {
      // biome-ignore format: rows
      for (const warmup_s of [0.5, 2, 4.7, 5.1]) {
        const steps = [[0, 20e6, from, null], [5, 20e6, to, null]]; // biome-ignore format: rows
        const { link } = figures({
          warmup_s,
          bottleneck: { buffer_bytes: 3e6, trace: { kind: 'series', steps, periodS: 20 } },
          flows: Array.from({ length: 20 }, () => ({ controller: 'cubic', rtt_ms: 40, params: { InitialWindow: 100 } })),
        });
        expect(link.utilization).toBeGreaterThan(0.97);
        expect(link.utilization).toBeLessThanOrEqual(1 + 1e-9);
      }
    }
  });

  it('is back when a schedule ends its outage, and gives up an unanswered flow when told to', () => {
    const outage = (idle_timeout_s: number | null, seconds: number) =>
      figures({
        duration_s: 60,
        warmup_s: 0,
        bottleneck: { rate_bps: 20e6, buffer_bytes: 100_000, rate_schedule: [[5, 0], [5 + seconds, 20e6]] }, // biome-ignore format: rows
        flows: [{ controller: 'cubic', rtt_ms: 40, idle_timeout_s }],
      }).flows[0]!;
    const back = outage(30, 20);
    expect(back.timed_out_s).toBeNull();
    expect(back.goodput_bps).toBeGreaterThan(0.9 * 20e6 * (40 / 60) * (1315 / 1378));
    expect(outage(10, 20).timed_out_s).toBeCloseTo(15, 0);
    expect(outage(30, 40).timed_out_s).toBeCloseTo(35, 0);
    const patient = outage(null, 40);
    expect(patient.timed_out_s).toBeNull();
    expect(patient.goodput_bps).toBeGreaterThan(0.8 * 20e6 * (20 / 60) * (1315 / 1378));
  });

  it('lets an application pause for longer than the idle timeout', () => {
    const { flows } = figures({
      duration_s: 30,
      flows: [{ controller: 'cubic', rtt_ms: 40, idle_timeout_s: 1, on_off: { on_s: 1, off_s: 5 } }],
    });
    expect(flows[0]!.timed_out_s).toBeNull();
  });

  it('refuses parameters that a controller does not take, by their place', () => {
    const build = (params: object) => () =>
      new Simulation(scenario({ flows: [{ controller: 'cubic', rtt_ms: 40, params }] }));
    expect(build({ Nonsense: 1 })).toThrow(LabError);
    expect(build({ Beta: 7 })).toThrow(/flows\.0\.params\.Beta: Beta is 7; accepted are 0\.5 to 0\.9/);
  });

  it('leaves out of its trace what was before a flow began', () => {
    const simulation = new Simulation(
      scenario({
        flows: [
          { controller: 'cubic', rtt_ms: 40 },
          { controller: 'newreno', rtt_ms: 40, start_s: 5, stop_s: 7 },
        ],
      }),
      { trace: { everyUs: 10_000 } },
    ).run();
    const { flows, queue } = simulation.trace!;
    expect(queue.tUs).toHaveLength(1001);
    expect(Math.max(...queue.bytes)).toBeLessThanOrEqual(100_000);
    const [first, second] = flows;
    expect(first!.series.tUs).toHaveLength(1001);
    expect(second!.series.tUs[0]).toBe(0);
    expect(second!.series.tUs.at(-1)).toBe(2e6 - 10_000);
    expect(first!.series.phases[0]).toEqual({ fromUs: 0, state: 'slow-start' });
    expect(first!.deliveredBytes.at(-1)).toBeGreaterThan(20e6);
  });
});
