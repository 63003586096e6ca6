/**
 * One scenario through the full QUIC stack in virtual time and through the simulator: what both say of goodput and RTT
 * must agree within 3 % and 5 %. What it is held against is in several files, for they run side by side.
 */
import { describe, expect, it } from 'vitest';
import { createController } from '../../src/main/congestion/index.ts';
import { Link } from '../../src/main/path/link.ts';
import { Rng } from '../../src/main/path/rng.ts';
import { forwardSettings } from '../../src/main/simulate/bottleneck.ts';
import { Simulation } from '../../src/main/simulate/simulation.ts';
import type { Controller } from '../../src/shared/domain.ts';
import { parseScenario, type Scenario } from '../../src/shared/scenario.ts';
import { type InTransit, Pair } from '../quic/connection/pair.ts';

const BLOCK = Buffer.alloc(256 * 1024);

export interface Observed {
  goodputBps: number;
  meanRttMs: number;
  /** Seconds on the clock of the link; null when it did not. */
  timedOutS: number | null;
}

/** A download over two connections that the scenario’s link joins. */
export function throughQuic(scenario: Scenario): Observed {
  const [{ controller: name, rtt_ms }] = scenario.flows as [Scenario['flows'][number]];
  const delayMs = rtt_ms / 2;
  const rng = Rng.fromSeed(scenario.seed);
  const clear = { rateBps: null, delayMs, jitterMs: 0, lossRatio: 0, bufferBytes: null };
  let fromUs = Number.POSITIVE_INFINITY;
  let samples = 0;
  let sumUs = 0;
  const pair = new Pair({
    links: {
      up: new Link<InTransit>(clear, rng.split()),
      down: new Link<InTransit>(forwardSettings(scenario, delayMs), rng.split(), { rttMs: rtt_ms }),
    },
    client: { datagramBytes: scenario.datagram_bytes },
    server: {
      datagramBytes: scenario.datagram_bytes,
      controller: () => {
        const controller = createController(name, {
          datagramBytes: scenario.datagram_bytes,
          random: () => rng.float(),
        });
        const onAck = controller.onAck.bind(controller);
        controller.onAck = (sample) => {
          if (sample.nowUs >= fromUs && sample.rttUs !== null) {
            samples++;
            sumUs += sample.rttUs;
          }
          onAck(sample);
        };
        return controller;
      },
    },
  });
  pair.connect();
  const id = pair.client.openStream(false)!;
  pair.client.finish(id);
  pair.run(2 * rtt_ms * 1e3);
  let received = 0;
  let timedOutS: number | null = null;
  const transfer = (durationUs: number): void =>
    pair.run(durationUs, () => {
      if (!pair.server!.isOpen) {
        timedOutS ??= pair.nowUs / 1e6;
        return false;
      }
      while (pair.server!.unsentBytes(id) < BLOCK.length) pair.server!.write(id, BLOCK);
      pair.client.read(id, (data) => (received += data.length), pair.nowUs);
      return false;
    });
  transfer(scenario.warmup_s * 1e6);
  fromUs = pair.nowUs;
  const before = received;
  const seconds = scenario.duration_s - scenario.warmup_s;
  transfer(seconds * 1e6);
  return { goodputBps: ((received - before) * 8) / seconds, meanRttMs: sumUs / samples / 1e3, timedOutS };
}

export function throughSimulator(scenario: Scenario): Observed {
  const { goodput_bps, rtt_ms, timed_out_s } = new Simulation(scenario).run().figures().flows[0]!;
  return { goodputBps: goodput_bps, meanRttMs: rtt_ms.mean!, timedOutS: timed_out_s };
}

/**
 * A drop-tail queue and one flow without any randomness lock into one of several cycles, which a few bytes decide about.
 * Jitter, as every path has it, lets both ends see all of them.
 */
export const jitter_ms = 1;
interface Path {
  path: object;
  rtt_ms: number;
  duration_s: number;
  controllers: readonly Controller[];
}

/** Declares a test for each path and controller. */
export function agreeOn(paths: Record<string, Path>): void {
  describe.each(Object.entries(paths))(
    'the full stack and the simulator agree on %s',
    (_, { path, rtt_ms, duration_s, controllers }) => {
      it.each(controllers)('with %s', (controller) => {
        const flows = [{ controller, rtt_ms, ack_every: 'asked' }];
        const scenario = parseScenario({ duration_s, warmup_s: 10, ...path, flows });
        const quic = throughQuic(scenario);
        const simulator = throughSimulator(scenario);
        expect(simulator.goodputBps / quic.goodputBps).toBeGreaterThan(0.97);
        expect(simulator.goodputBps / quic.goodputBps).toBeLessThan(1.03);
        expect(simulator.meanRttMs / quic.meanRttMs).toBeGreaterThan(0.95);
        expect(simulator.meanRttMs / quic.meanRttMs).toBeLessThan(1.05);
      });
    },
  );
}
