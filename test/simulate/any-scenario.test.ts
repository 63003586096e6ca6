import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Simulation } from '../../src/main/simulate/simulation.ts';
import { CONTROLLERS } from '../../src/shared/domain.ts';
import { parseScenario, ScenarioResult } from '../../src/shared/scenario.ts';

/** Rates and delays lie anywhere within orders of magnitude. */
const between = (least: number, most: number): fc.Arbitrary<number> =>
  fc
    .double({ min: Math.log(least), max: Math.log(most), noNaN: true })
    .map((log) => Math.min(Math.max(Math.exp(log), least), most));
const maybe = <K extends string, V>(name: K, value: fc.Arbitrary<V>) =>
  fc.option(
    value.map((given) => ({ [name]: given })),
    { nil: {} },
  );

const loss = fc.oneof(
  fc.constant({ model: 'none' }),
  fc.record({ model: fc.constant('iid'), rate: fc.constantFrom(0.01, 0.3, 0.95) }),
  fc.record({ model: fc.constant('every_nth'), n: fc.integer({ min: 2, max: 50 }) }),
  fc.record({ model: fc.constant('gilbert'), p: fc.constantFrom(0, 0.01, 1), r: between(0.001, 1) }),
);

const DURATION_S = 5;
const MOST_BPS = 2e7;
const rate = between(1e3, MOST_BPS);
const step = fc.tuple(fc.double({ min: 0, max: DURATION_S, noNaN: true }), rate);
const bottleneck = fc.oneof(
  fc
    .tuple(rate, fc.uniqueArray(step, { maxLength: 4, selector: ([second]) => second }))
    .map(([rate_bps, steps]) => ({ rate_bps, rate_schedule: steps.toSorted(([a], [b]) => a - b) })),
  fc
    .tuple(
      fc.array(fc.oneof(fc.constant(0), rate), { maxLength: 4 }),
      rate,
      fc.array(fc.constantFrom(null, 0, 1, 300, 10_000), { minLength: 5, maxLength: 5 }),
    )
    .map(([before, last, delays]) => [...before, last].map((bps, i) => [i, bps, delays[i]!, null]))
    .map((steps) => ({ trace: { kind: 'series', steps, periodS: steps.length } })),
  fc
    .array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 30 })
    .map((atMs) => ({ trace: { kind: 'opportunities', atMs: atMs.toSorted((a, b) => a - b) } })),
);

const flow = fc
  .tuple(
    fc.record({
      controller: fc.constantFrom(...CONTROLLERS),
      rtt_ms: fc.oneof(between(0.01, 20_000), between(1, 200)),
      ack_every: fc.constantFrom<(number | 'asked')[]>('asked', 1, 2, 256),
      start_s: fc.double({ min: 0, max: 0.9 * DURATION_S, noNaN: true }),
    }),
    maybe('stop_s', fc.constant(0.95 * DURATION_S)),
    maybe('bytes', fc.constantFrom(1, 1315, 1316, 100_000)),
    maybe('rate_limit_bps', rate),
    maybe('idle_timeout_s', fc.option(between(0.001, 3))),
    maybe('on_off', fc.record({ on_s: between(0.001, 3), off_s: between(0.001, 3) })),
  )
  .map((parts) => Object.assign({}, ...parts) as { rtt_ms: number });

const anyScenario = fc
  .tuple(
    fc.record({
      seed: fc.nat(1000),
      duration_s: fc.constant(DURATION_S),
      warmup_s: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.9 * DURATION_S, noNaN: true })),
      loss,
      reorder_rate: fc.constantFrom(0, 0, 0.1, 1),
      duplicate_rate: fc.constantFrom(0, 0, 0.1, 1),
      flows: fc.array(flow, { minLength: 1, maxLength: 4 }),
    }),
    bottleneck,
    maybe('buffer_bytes', fc.constantFrom(1, 3000, 1e12)),
    fc.constantFrom('droptail', 'codel'),
    maybe(
      'reverse',
      fc.record({
        rate_bps: fc.option(rate),
        loss,
        reorder_rate: fc.constantFrom(0, 0.5),
        duplicate_rate: fc.constantFrom(0, 1),
      }),
    ),
    fc.constantFrom(0, 0.3),
  )
  .map(([scenario, link, buffer, aqm, reverse, jitter]) => ({
    ...scenario,
    ...reverse,
    bottleneck: { ...link, ...buffer, aqm },
    jitter_ms: jitter * leastDelayMs(link, scenario.flows),
  }));

/** Of the link; `null` in a trace is half of the least round trip. */
function leastDelayMs(link: object, flows: readonly { rtt_ms: number }[]): number {
  const halfMs = Math.min(...flows.map(({ rtt_ms }) => rtt_ms)) / 2;
  const { trace } = link as { trace?: { steps?: (number | null)[][] } };
  return Math.min(...(trace?.steps ?? [[0, 0, null]]).map(([, , ms]) => ms ?? halfMs));
}

/** More than any of these scenarios takes. */
const MOST_EVENTS = 2_000_000;

it('any scenario ends, with figures that a path can have', { timeout: 120_000 }, () => {
  fc.assert(
    fc.property(anyScenario, (value) => {
      const scenario = parseScenario(value);
      const simulation = new Simulation(scenario);
      expect(simulation.step(MOST_EVENTS)).toBe(true);
      const figures = simulation.figures();
      // Of DESIGN.md §5: every number is one, none is NaN or infinite.
      expect(ScenarioResult.safeParse({ ...figures, wall_s: 0 }).error).toBeUndefined();
      expect(figures.link.utilization).toBeGreaterThanOrEqual(0);
      expect(figures.jain).toBeLessThanOrEqual(1 + 1e-9);
      const delay = figures.link.queue_delay_ms;
      expect(delay.mean).toBeGreaterThanOrEqual(0);
      expect(delay.max).toBeGreaterThanOrEqual(delay.p99);
      if (scenario.duplicate_rate === 0) expect(figures.link.duplicates).toBe(0);
      const half = Math.min(...scenario.flows.map(({ rtt_ms }) => rtt_ms)) / 2;
      const leastMs = leastDelayMs(scenario.bottleneck, scenario.flows) - scenario.jitter_ms;
      for (const [i, { rtt_ms, loss_rate, ...flow }] of figures.flows.entries()) {
        const { retransmit_rate, completion_s, timed_out_s } = flow;
        const { rtt_ms: baseMs, idle_timeout_s } = scenario.flows[i]!;
        // Jitter and a trace take that much of the way there; nothing else makes it shorter.
        if (rtt_ms.min !== null) expect(rtt_ms.min).toBeGreaterThan(baseMs - half + leastMs - 1e-6);
        if (timed_out_s !== null) expect(timed_out_s).toBeGreaterThanOrEqual(idle_timeout_s!);
        expect(loss_rate).toBeLessThanOrEqual(1);
        expect(loss_rate).toBeGreaterThanOrEqual(0);
        expect(retransmit_rate).toBeLessThanOrEqual(1);
        if (completion_s !== null) expect(completion_s).toBeGreaterThan(0);
      }
    }),
    { numRuns: 1000 },
  );
});
