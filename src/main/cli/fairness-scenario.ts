/** What `fairness` emulates as a scenario of the simulator. */
import type { Controller, Emulation, LinkSettings } from '../../shared/domain.ts';
import { parseScenario, type Scenario } from '../../shared/scenario.ts';
import { bufferBytesOf, meanDelayMs } from '../path/buffer.ts';

/** Full packets of the flows that are measured (workers/flow.ts). */
const DATAGRAM_BYTES = 1350;

export interface FairnessSetting {
  flows: readonly Controller[];
  /** Microseconds. */
  starts: readonly number[];
  direction: 'upload' | 'download';
  durationUs: number;
  warmupUs: number;
  seed: number;
}

/** Why the simulator cannot have such a path; null where it can. */
function beyondScenarios({ flap }: Emulation, forth: LinkSettings, back: LinkSettings): string | null {
  if (flap !== null) return 'the path is cut now and then';
  if (
    forth.trace?.kind === 'series' &&
    forth.trace.steps.some(([, , ms, ratio]) => ms !== null || ratio !== null)
  )
    return 'the trace has delays or losses';
  if (back.trace !== undefined || back.rateSchedule !== undefined) return 'the way back changes its rate';
  for (const name of ['duplicateRatio', 'corruptRatio'] as const)
    if ((forth[name] ?? 0) > 0 || (back[name] ?? 0) > 0) return 'packets are duplicated or corrupted';
  return null;
}

const lossOf = ({ loss, lossRatio }: LinkSettings): object =>
  loss ?? (lossRatio > 0 ? { model: 'iid', rate: lossRatio } : { model: 'none' });

/** The scenario, or why there is none. Throws RL_INPUT_INVALID for what a scenario refuses. */
export function scenarioOf(emulation: Emulation, setting: FairnessSetting): Scenario | string {
  const { flows, starts, direction, durationUs, warmupUs, seed } = setting;
  const [forth, back] =
    direction === 'upload' ? [emulation.up, emulation.down] : [emulation.down, emulation.up];
  const why = beyondScenarios(emulation, forth, back);
  if (why !== null) return why;
  const rttMs = meanDelayMs(forth) + meanDelayMs(back);
  const bufferBytes = (link: LinkSettings): number => Math.max(1, Math.round(bufferBytesOf(link, rttMs)));
  return parseScenario({
    seed,
    duration_s: durationUs / 1e6,
    warmup_s: (Math.max(...starts) + warmupUs) / 1e6,
    datagram_bytes: DATAGRAM_BYTES,
    bottleneck: {
      ...(forth.trace === undefined ? { rate_bps: forth.rateBps! } : { trace: forth.trace }),
      buffer_bytes: bufferBytes(forth),
      aqm: forth.aqm ?? 'droptail',
      ...(forth.rateSchedule && { rate_schedule: forth.rateSchedule }),
    },
    loss: lossOf(forth),
    jitter_ms: forth.jitterMs,
    reorder_rate: forth.reorderRatio ?? 0,
    reverse: {
      rate_bps: back.rateBps,
      ...(back.rateBps !== null && { buffer_bytes: bufferBytes(back) }),
      loss: lossOf(back),
      jitter_ms: back.jitterMs,
      reorder_rate: back.reorderRatio ?? 0,
    },
    flows: flows.map((controller, i) => ({
      controller,
      // A scenario has no path without delay.
      rtt_ms: Math.max(0.01, rttMs),
      start_s: starts[i]! / 1e6,
      ack_every: 'asked',
    })),
  });
}
