/** The result of `fairness`: what `--json` prints, and the table made from it. */
import type { Emulation } from '../../shared/domain.ts';
import { formatPercent, formatRate } from '../../shared/units.ts';
import type { Fairness, FairnessFlow, FlowOutcome } from '../probe/fairness.ts';
import type { Figures } from '../simulate/result.ts';
import { describePath, linkFields } from './emulate/describe.ts';
import { paint, table } from './output.ts';

interface FairnessHead {
  emulation: Emulation;
  direction: 'upload' | 'download';
  seed: number;
  durationMs: number;
  /** Ctrl-C ended it. */
  isCut: boolean;
  startedAt: Date;
  /** Microseconds. */
  starts: readonly number[];
}

const seconds = (ms: number): number => Math.round(ms) / 1e3;
const part = (value: number): number => Math.round(value * 1e4) / 1e4;
const whole = (bps: number | null): number | null => bps && Math.round(bps);
const ms = (us: number | null): number | null => us && Math.round(us) / 1e3;

export function fairnessFields(
  { emulation, direction, seed, durationMs, startedAt, starts, isCut }: FairnessHead,
  flows: readonly FairnessFlow[],
  outcomes: readonly FlowOutcome[],
  fairness: Fairness,
  simulated: Figures | null,
) {
  const total = fairness.flows.reduce((sum, { goodputBps }) => sum + goodputBps, 0);
  const simulatedTotal = simulated?.flows.reduce((sum, { goodput_bps }) => sum + goodput_bps, 0) ?? 0;
  return {
    profile: emulation.profile,
    emulated: true,
    up: linkFields(emulation.up),
    down: linkFields(emulation.down),
    direction,
    seed,
    duration_s: seconds(durationMs),
    started_at: startedAt.toISOString(),
    /** What the figures below count. */
    common: { from_s: seconds(fairness.fromMs), to_s: seconds(fairness.toMs) },
    goodput_bps: Math.round(total),
    jain: part(fairness.jain),
    jain_per_second: fairness.jainPerSecond.map((index) => index && part(index)),
    flows: fairness.flows.map(({ goodputBps, share, perSecondBps }, i) => ({
      controller: flows[i]!.controller,
      start_s: starts[i]! / 1e6,
      goodput_bps: Math.round(goodputBps),
      share: part(share),
      goodput_per_second_bps: perSecondBps.map(whole),
      rtt_min_ms: ms(outcomes[i]!.minRttUs),
      rtt_smoothed_ms: ms(outcomes[i]!.smoothedRttUs),
      retransmit_ratio: outcomes[i]!.retransmitRatio,
    })),
    controllers: fairness.controllers.map(({ controller, flows: count, goodputBps, share, fairShare }) => ({
      controller,
      flows: count,
      goodput_bps: Math.round(goodputBps),
      share: part(share),
      fair_share: part(fairShare),
    })),
    ...(simulated && {
      simulated: {
        goodput_bps: Math.round(simulatedTotal),
        jain: part(simulated.jain),
        flows: simulated.flows.map(({ controller, goodput_bps, rtt_ms }) => ({
          controller,
          goodput_bps: Math.round(goodput_bps),
          share: part(simulatedTotal === 0 ? 0 : goodput_bps / simulatedTotal),
          rtt_mean_ms: rtt_ms.mean,
        })),
      },
    }),
    ...(isCut && { interrupted: true }),
  };
}

export function fairnessTable(fields: ReturnType<typeof fairnessFields>, emulation: Emulation): string {
  const { flows, controllers, common, simulated } = fields;
  const rtt = (value: number | null): string => (value === null ? '–' : `${value.toFixed(1)} ms`);
  const rows = flows.map((flow, i) => {
    const model = simulated?.flows[i];
    return [
      `flow${i}`,
      flow.controller,
      `${flow.start_s} s`,
      formatRate(flow.goodput_bps),
      formatPercent(flow.share),
      rtt(flow.rtt_smoothed_ms),
      flow.retransmit_ratio === null ? '–' : formatPercent(flow.retransmit_ratio, 2),
      ...(model ? [formatRate(model.goodput_bps), formatPercent(model.share)] : []),
    ];
  });
  const heading = [
    '',
    '',
    'from',
    'goodput',
    'share',
    'RTT',
    'sent again',
    ...(simulated ? ['simulated', 'share'] : []),
  ];
  const [first, ...rest] = table(
    [heading, ...rows],
    ['left', 'left', 'right', 'right', 'right', 'right', 'right', 'right', 'right'],
  ).split('\n');
  const together = controllers.filter(({ flows: count }) => count > 1 && controllers.length > 1);
  return [
    `${paint('bold', describePath(emulation))}  ${fields.direction}  ${paint('yellow', 'emulated')}${fields.interrupted ? `  ${paint('yellow', 'interrupted')}` : ''}`,
    paint('dim', first!),
    ...rest,
    '',
    ...together.map(
      ({ controller, flows: count, share, fair_share }) =>
        `${count} flows of ${controller} have ${formatPercent(share)} together; equal shares would be ${formatPercent(fair_share)}`,
    ),
    `all    ${formatRate(fields.goodput_bps)}${simulated ? `, simulated ${formatRate(simulated.goodput_bps)}` : ''}`,
    `Jain   ${fields.jain.toFixed(4)}${simulated ? `, simulated ${simulated.jain.toFixed(4)}` : ''}`,
    `by second  ${fields.jain_per_second.map((index) => (index === null ? '–' : index.toFixed(2))).join(' ')}`,
    paint(
      'dim',
      `figures from ${common.from_s.toFixed(1)} s to ${common.to_s.toFixed(1)} s, seed ${fields.seed}`,
    ),
  ].join('\n');
}
