/** What one direction of a path does to packets. docs/emulator.md tells each impairment and their order. */
import { z } from 'zod';

const ratio = z.number().min(0).max(1);
const rateBps = z.number().positive().max(1e11);
const delayMs = z.number().min(0).max(10_000);
/** A day: longer than any path is emulated. */
const seconds = z.number().min(0).max(86_400);

/** Loss other than independent: each `n`-th packet, or in bursts (Gilbert-Elliott, the letters of netem's `gemodel`). */
const LossModel = z.discriminatedUnion('model', [
  z.strictObject({ model: z.literal('every_nth'), n: z.number().int().min(2).max(1e9) }),
  z.strictObject({
    model: z.literal('gilbert'),
    /** Probability, for each packet, to go from the good state to the bad one. */
    p: ratio,
    /** And back; above 0, for else the first burst would never end. */
    r: z.number().gt(0).max(1),
    /** Probability that a packet passes in the bad state. */
    h: ratio,
    /** And in the good state. */
    k: ratio,
  }),
]);

/** RFC 8289 §5.3: TARGET and INTERVAL. */
export const CODEL = { targetMs: 5, intervalMs: 100 };

const isRising = (times: readonly number[]): boolean =>
  times.every((time, i) => i === 0 || time > times[i - 1]!);

/** A recorded path, replayed over and over from the moment the link was made. */
export const LinkTrace = z.discriminatedUnion('kind', [
  /** Rate, one-way delay and loss over time; null where the trace tells none. */
  z
    .strictObject({
      kind: z.literal('series'),
      /** Second, bits per second, milliseconds, ratio: what holds from that second on. The first is second 0. */
      steps: z
        .array(z.tuple([seconds, z.number().min(0).max(1e11), delayMs.nullable(), ratio.nullable()]))
        .min(1)
        .max(100_000),
      /** When the replay starts again. */
      periodS: z.number().min(0.001).max(86_400),
    })
    .refine(({ steps }) => steps[0]![0] === 0 && isRising(steps.map(([second]) => second)), {
      path: ['steps'],
      message: 'seconds do not rise from 0',
    })
    .refine(({ steps, periodS }) => steps.at(-1)![0] < periodS, {
      path: ['periodS'],
      message: 'is not after the last step',
    })
    .refine(({ steps }) => steps.some(([, bps]) => bps >= 1), {
      path: ['steps'],
      message: 'have a rate of 0 throughout: nothing would ever arrive',
    }),
  /** Mahimahi's: the milliseconds at which up to 1500 bytes leave. The last one is the period. */
  z
    .strictObject({
      kind: z.literal('opportunities'),
      atMs: z.array(z.number().int().min(0).max(86_400_000)).min(1).max(1_000_000),
    })
    .refine(({ atMs }) => atMs.every((ms, i) => i === 0 || ms >= atMs[i - 1]!), {
      path: ['atMs'],
      message: 'milliseconds go back',
    })
    .refine(({ atMs }) => atMs.at(-1)! > 0, {
      path: ['atMs'],
      message: 'end at 0 ms: the trace has no length',
    }),
]);

export type LinkTrace = z.infer<typeof LinkTrace>;

const settings = z.strictObject({
  /** Bottleneck rate in bits per second; null is unlimited, or the trace's. */
  rateBps: rateBps.nullable(),
  /** Second and bits per second: the rate from then on, before the first of them `rateBps`. */
  rateSchedule: z
    .array(z.tuple([seconds, z.number().min(1).max(1e11)]))
    .min(1)
    .max(10_000)
    .superRefine((schedule, context) => {
      schedule.forEach(([second], i) => {
        if (i > 0 && second <= schedule[i - 1]![0])
          context.addIssue({ code: 'custom', path: [i, 0], message: 'seconds do not rise' });
      });
    })
    .optional(),
  trace: LinkTrace.optional(),
  /** One-way propagation delay. */
  delayMs,
  /** Half-width of the uniform delay variation around `delayMs`; order is kept but for `reorderRatio`. */
  jitterMs: z.number().min(0).max(5_000),
  /** Probability that a packet is taken out of order: it neither waits for those before it nor holds up those after. */
  reorderRatio: ratio.optional(),
  /** Such a packet is held back for up to so long, uniformly; absent: a quarter of `delayMs`, at least 1 ms. */
  reorderMs: z.number().min(0).max(5_000).optional(),
  /** Probability that a packet is lost, independently, 0 to 1. */
  lossRatio: ratio,
  /** Instead of `lossRatio`. */
  loss: LossModel.optional(),
  /** Probability that a packet comes twice. */
  duplicateRatio: ratio.optional(),
  /** Probability that one bit of a packet flips. */
  corruptRatio: ratio.optional(),
  /** Buffer before the bottleneck, in bytes of IP packets; null is `bufferBdp`, or 1 BDP or 64 kB, whichever is larger. */
  bufferBytes: z.number().int().positive().max(1e9).nullable(),
  /** The buffer in multiples of the path's bandwidth-delay product. */
  bufferBdp: z.number().positive().max(1000).optional(),
  /** What manages the buffer: a tail that drops when it is full, the default, or CoDel (RFC 8289). */
  aqm: z.enum(['droptail', 'codel']).optional(),
  /** RFC 8289's TARGET and INTERVAL; 5 and 100 when absent. */
  codelTargetMs: z.number().positive().max(1000).optional(),
  codelIntervalMs: z.number().positive().max(10_000).optional(),
});

/** Pairs that contradict each other: the field to blame, whether it is so, and why. */
const CONTRADICTIONS: [
  keyof z.infer<typeof settings>,
  (link: z.infer<typeof settings>) => boolean,
  string,
][] = [
  ['jitterMs', (link) => link.jitterMs > leastDelayMs(link), 'more than the delay that it varies'],
  [
    'bufferBdp',
    (link) => link.bufferBdp !== undefined && link.bufferBytes !== null,
    'given beside bufferBytes',
  ],
  ['bufferBdp', (link) => link.bufferBdp !== undefined && !hasRate(link), 'of a link of unlimited rate'],
  [
    'aqm',
    (link) => link.aqm === 'codel' && !hasRate(link),
    'of a link of unlimited rate, where nothing queues',
  ],
  [
    'codelTargetMs',
    (link) => link.codelTargetMs !== undefined && link.aqm !== 'codel',
    'given without CoDel',
  ],
  [
    'codelIntervalMs',
    (link) => link.codelIntervalMs !== undefined && link.aqm !== 'codel',
    'given without CoDel',
  ],
  [
    'codelTargetMs',
    ({ codelTargetMs: target = 0, codelIntervalMs: interval = CODEL.intervalMs }) => target > interval,
    'more than the interval of CoDel, in which it has to be met',
  ],
  [
    'codelIntervalMs',
    ({ codelTargetMs: target, codelIntervalMs: interval = CODEL.intervalMs }) =>
      target === undefined && CODEL.targetMs > interval,
    `less than the target of CoDel, ${CODEL.targetMs} ms`,
  ],
  [
    'rateSchedule',
    (link) => link.rateSchedule !== undefined && link.trace !== undefined,
    'given beside a trace',
  ],
  [
    'rateSchedule',
    (link) => link.rateSchedule !== undefined && link.rateBps === null,
    'without a rate to start with',
  ],
  [
    'rateBps',
    (link) => link.trace !== undefined && link.rateBps !== null,
    'given beside a trace, which has its own',
  ],
  ['delayMs', (link) => link.delayMs > 0 && traceHas(link, 2), 'given beside a trace with delays'],
  ['lossRatio', (link) => link.lossRatio > 0 && link.loss !== undefined, 'given beside a loss model'],
  ['lossRatio', (link) => link.lossRatio > 0 && traceHas(link, 3), 'given beside a trace with losses'],
  ['loss', (link) => link.loss !== undefined && traceHas(link, 3), 'given beside a trace with losses'],
  ['reorderMs', (link) => link.reorderMs !== undefined && !link.reorderRatio, 'without packets to reorder'],
];

const hasRate = ({ rateBps, trace }: z.infer<typeof settings>): boolean =>
  rateBps !== null || trace !== undefined;

/** Whether a trace tells delays (2) or losses (3), and a link has none of its own. */
export function traceHas({ trace }: { trace?: LinkTrace | undefined }, column: 2 | 3): boolean {
  return trace?.kind === 'series' && trace.steps.some((step) => step[column] !== null);
}

/** What a trace stands instead of. */
export const withoutTraced = (trace: LinkTrace): Partial<LinkSettings> => ({
  rateBps: null,
  ...(traceHas({ trace }, 2) && { delayMs: 0 }),
  ...(traceHas({ trace }, 3) && { lossRatio: 0 }),
});

function leastDelayMs({ delayMs, trace }: z.infer<typeof settings>): number {
  if (trace?.kind !== 'series') return delayMs;
  return trace.steps.reduce((least, [, , ms]) => Math.min(least, ms ?? delayMs), Number.POSITIVE_INFINITY);
}

/** One direction of an emulated path. Optional fields that are absent do nothing. */
export const LinkSettings = settings.superRefine((link, context) => {
  for (const [field, isSo, message] of CONTRADICTIONS) {
    if (isSo(link)) context.addIssue({ code: 'custom', path: [field], message });
  }
});
export type LinkSettings = z.infer<typeof LinkSettings>;
