/**
 * What `routelab sim` reads and writes (docs/simulator.md): a scenario of flows over one bottleneck, and
 * the result. Times are seconds or milliseconds and rates bits per second, as the field's name says.
 */
import { z } from 'zod';
import { Controller, controllerNamed } from './domain.ts';
import { LabError } from './errors.ts';
import { tellIssue } from './input-issues.ts';
import { LinkTrace } from './link-settings.ts';

const RATE = { min: 1e3, max: 1e11 };
const rate = z.number().min(RATE.min).max(RATE.max);
/** 0: nothing leaves for a while. */
const rateOrNone = z
  .number()
  .min(0)
  .max(RATE.max)
  .refine((bps) => bps === 0 || bps >= RATE.min, { message: `expected 0, or at least ${RATE.min}` });
const probability = z.number().min(0).max(1);
const milliseconds = z.number().min(0).max(10_000);
const seconds = z.number().min(0).max(86_400);
const wholeBytes = z.number().int().min(1).max(1e12);

/** Losses that leave something to arrive: of a path that loses everything nothing could be told. */
const Loss = z.discriminatedUnion('model', [
  z.strictObject({ model: z.literal('none') }),
  z.strictObject({ model: z.literal('iid'), rate: z.number().min(0).lt(1) }),
  z.strictObject({ model: z.literal('every_nth'), n: z.number().int().min(2).max(1e9) }),
  /** Gilbert-Elliott: p good to bad, r bad to good, h and k what passes in the bad and in the good state. */
  z.strictObject({
    model: z.literal('gilbert'),
    p: probability,
    r: z.number().gt(0).max(1),
    h: probability.default(0),
    k: z.number().gt(0).max(1).default(1),
  }),
]);

const Bottleneck = z.strictObject({
  /** Where `trace` is not given. */
  rate_bps: rate.optional(),
  /** Queue before the bottleneck, bytes of IP packets. One BDP where neither this nor `buffer_bdp` is given. */
  buffer_bytes: wholeBytes.optional(),
  /** The same as multiples of rate × the largest `rtt_ms`. */
  buffer_bdp: z.number().gt(0).max(1e4).optional(),
  aqm: z.enum(['droptail', 'codel']).default('droptail'),
  /** Rate from each second on; `rate_bps` before the first. The last one is not 0. */
  rate_schedule: z
    .array(z.tuple([seconds, rateOrNone]))
    .max(10_000)
    .optional(),
  /** A recorded rate instead, replayed over and over: series of seconds and rates, or Mahimahi’s milliseconds. */
  trace: LinkTrace.optional(),
});

/** What the ACKs of all flows pass, in the order they are sent. Without it they meet nothing but their flow's delay. */
const Reverse = z.strictObject({
  rate_bps: rate.nullable().default(null),
  buffer_bytes: wholeBytes.nullable().default(null),
  loss: Loss.default({ model: 'none' }),
  jitter_ms: milliseconds.default(0),
  reorder_rate: probability.default(0),
  duplicate_rate: probability.default(0),
});

/** Names and aliases, in any case. */
const ControllerName = z.string().transform((text, context): Controller => {
  try {
    return controllerNamed(text);
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message.replace(/^.* is none/, 'is none') });
    return z.NEVER;
  }
});

const Flow = z.strictObject({
  controller: ControllerName,
  /** Parameters of the controller by their names in the draft. */
  params: z.record(z.string(), z.number()).default({}),
  /** Two-way propagation delay. */
  rtt_ms: z.number().min(0.01).max(20_000),
  start_s: seconds.default(0),
  /** When the flow ends, whatever is still in flight; null: with the scenario. */
  stop_s: seconds.nullable().default(null),
  /** Size of a finite transfer; null: as much as passes. */
  bytes: wholeBytes.nullable().default(null),
  /** Data comes for `on_s`, then none for `off_s`, and so on. */
  on_off: z
    .strictObject({ on_s: z.number().min(0.001).max(86_400), off_s: z.number().min(0.001).max(86_400) })
    .optional(),
  /** Data comes at this rate (while it is on), payload bits per second. */
  rate_limit_bps: rate.optional(),
  /**
   * The receiver acknowledges every so many packets (RFC 9000 §13.2.2), and none later than so; `asked`: as the sender
   * asks for with its window and RTT, which is what the transport does.
   */
  ack_every: z
    .union([z.literal('asked'), z.number().int().min(1).max(256)], {
      error: 'expected "asked", or a whole number from 1 to 256',
    })
    .default(2),
  max_ack_delay_ms: z.number().min(1).max(16_383).default(25),
  /** The sender gives up when nothing in flight was acknowledged for so long (RFC 9000 §10.1); null: never. */
  idle_timeout_s: z.number().min(0.001).max(86_400).nullable().default(30),
});

const Fields = z.strictObject({
  seed: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(1),
  duration_s: z.number().min(0.001).max(86_400),
  /** Figures count from here on. */
  warmup_s: seconds.default(0),
  /** UDP payload of a full packet; the link counts 28 bytes more. */
  datagram_bytes: z.number().int().min(1200).max(65_507).default(1350),
  bottleneck: Bottleneck,
  /** Before the queue, in the direction of the data. */
  loss: Loss.default({ model: 'none' }),
  /** Half-width of the uniform variation of the delay, data direction; order is kept. */
  jitter_ms: milliseconds.default(0),
  /** Part of the packets that overtake those before them. */
  reorder_rate: probability.default(0),
  /** Part of the packets that come twice. */
  duplicate_rate: probability.default(0),
  reverse: Reverse.optional(),
  flows: z.array(Flow).min(1).max(1000),
});

/** The least one-way delay of any flow: what jitter and reordering vary. */
const leastDelayMs = (flows: readonly { rtt_ms: number }[]): number =>
  Math.min(...flows.map(({ rtt_ms }) => rtt_ms)) / 2;

export const Scenario = Fields.superRefine((scenario, context) => {
  const { duration_s, warmup_s, bottleneck, loss, jitter_ms, reverse, flows } = scenario;
  const refuse = (path: (string | number)[], message: string): void =>
    context.addIssue({ code: 'custom', path, message });
  // What contradicts a value that is none would only be said twice.
  if (context.issues.length > 0) return;
  if (warmup_s >= duration_s) refuse(['warmup_s'], `expected less than duration_s, ${duration_s}`);
  if (bottleneck.buffer_bytes !== undefined && bottleneck.buffer_bdp !== undefined)
    refuse(['bottleneck', 'buffer_bdp'], 'contradicts buffer_bytes: give one of them');
  if ((bottleneck.rate_bps === undefined) === (bottleneck.trace === undefined))
    refuse(['bottleneck', 'rate_bps'], 'expected a number, or else a trace');
  if (bottleneck.trace !== undefined && bottleneck.rate_schedule !== undefined)
    refuse(['bottleneck', 'rate_schedule'], 'contradicts trace: give one of them');
  const { steps = null } = bottleneck.trace?.kind === 'series' ? bottleneck.trace : {};
  const lossy = steps?.findIndex((step) => step[3] !== null) ?? -1;
  if (lossy >= 0 && loss.model !== 'none')
    refuse(['bottleneck', 'trace', 'steps', lossy, 3], `expected null: contradicts loss, ${loss.model}`);
  let before = -1;
  bottleneck.rate_schedule?.forEach(([atS], i) => {
    if (atS <= before)
      refuse(['bottleneck', 'rate_schedule', i, 0], `expected more than ${before}, the one before`);
    before = atS;
  });
  const last = (bottleneck.rate_schedule?.length ?? 0) - 1;
  if (bottleneck.rate_schedule?.[last]?.[1] === 0)
    refuse(
      ['bottleneck', 'rate_schedule', last, 1],
      `expected at least ${RATE.min}: the last rate holds for ever`,
    );
  const leastMs = leastDelayMs(flows);
  const tracedMs =
    steps?.reduce((least, [, , ms]) => Math.min(least, ms ?? leastMs), Number.POSITIVE_INFINITY) ?? leastMs;
  if (jitter_ms > tracedMs)
    refuse(
      ['jitter_ms'],
      `expected at most ${tracedMs}, ${tracedMs === leastMs ? 'half the least rtt_ms' : 'the least delay of the trace'}`,
    );
  if (reverse && reverse.jitter_ms > leastMs)
    refuse(['reverse', 'jitter_ms'], `expected at most ${leastMs}, half the least rtt_ms`);
  flows.forEach(({ start_s, stop_s }, i) => {
    if (start_s >= duration_s)
      refuse(['flows', i, 'start_s'], `expected less than duration_s, ${duration_s}`);
    if (stop_s !== null && stop_s <= start_s)
      refuse(['flows', i, 'stop_s'], `expected more than start_s, ${start_s}`);
  });
});
export type Scenario = z.infer<typeof Scenario>;
export type LossModel = z.infer<typeof Loss>;
export type ScenarioFlow = Scenario['flows'][number];

const RttFigures = z.object({
  min: z.number().nullable(),
  mean: z.number().nullable(),
  p50: z.number().nullable(),
  p95: z.number().nullable(),
  p99: z.number().nullable(),
});

/** `sd`: standard deviation, of a sample. */
const Spread = z.object({ min: z.number(), max: z.number(), sd: z.number() });

export const ScenarioResult = z.object({
  flows: z.array(
    z.object({
      controller: Controller,
      /** Payload that arrived, each byte once, over the time the flow lived after `warmup_s`. */
      goodput_bps: z.number(),
      /** Samples of the sender, the ACK delay taken off; null where there was none. */
      rtt_ms: RttFigures,
      /** Of the packets sent, those that the link dropped. */
      loss_rate: z.number(),
      /** Of the packets sent, those whose payload had been sent before. */
      retransmit_rate: z.number(),
      /** From `start_s` until the last byte arrived; null while it has not, and of flows without `bytes`. */
      completion_s: z.number().nullable(),
      /** From `start_s` until the sender gave up, for `idle_timeout_s` unanswered; null when it did not. */
      timed_out_s: z.number().nullable(),
      /** Over the runs of several seeds; the figures above are their means. */
      spread: z.object({ goodput_bps: Spread, rtt_mean_ms: Spread.nullable(), loss_rate: Spread }).optional(),
    }),
  ),
  link: z.object({
    /** Bytes that left the bottleneck over those it could have carried; 0 where it could not have carried any. */
    utilization: z.number(),
    /** Time in queue of packets that arrived, serialisation not counted. */
    queue_delay_ms: z.object({
      mean: z.number(),
      p50: z.number(),
      p95: z.number(),
      p99: z.number(),
      max: z.number(),
    }),
    /** Packets dropped at the queue, by its limit or its AQM. */
    drops: z.number(),
    /** Packets that arrived although they, or a copy of them, had arrived before. */
    duplicates: z.number(),
  }),
  packet: z.object({ payload_bytes: z.number(), link_bytes: z.number() }),
  /** Jain's index of the flows' goodputs. */
  jain: z.number(),
  events: z.number(),
  wall_s: z.number(),
});
export type ScenarioResult = z.infer<typeof ScenarioResult>;

/** Any JSON value as a scenario, defaults filled in. Throws RL_INPUT_INVALID with the path of the first field at fault. */
export function parseScenario(value: unknown): Scenario {
  const parsed = Scenario.safeParse(value);
  if (parsed.success) return parsed.data;
  const named = parsed.error.issues
    .slice(0, MOST_ISSUES)
    .map((issue) => tellIssue(issue, value, Scenario, [PROFILE]));
  throw new LabError('RL_INPUT_INVALID', named.map(({ text }) => text).join('; '), {
    field: named[0]!.field,
  });
}

/** What `readScenario` (src/main/simulate/profile.ts) takes off. */
const PROFILE = 'profile';
/** More of them help nobody. */
const MOST_ISSUES = 5;
