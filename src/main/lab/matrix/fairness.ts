/** Controllers that share one emulated bottleneck, as a run of an experiment. */
import { LabError } from '../../../shared/errors.ts';
import type { Metrics } from '../../../shared/experiments.ts';
import { metricValue as metric } from '../../../shared/metrics.ts';
import type { FairnessSettings } from '../../../shared/shared-paths.ts';
import { fairnessOf } from '../../probe/fairness.ts';
import { runSharedPath, type SharedPathOptions } from '../../workers/flow-pool.ts';
import type { CellContext } from './kinds.ts';

/** Rejects with what the flows fail with, and RL_CONNECTION_LOST where nothing of them can be compared. */
export async function measureFairness(
  settings: FairnessSettings,
  { seed, signal, onPart }: CellContext,
  workerUrl: NonNullable<SharedPathOptions['workerUrl']>,
): Promise<Metrics> {
  const { flows, startsS, emulation, direction, durationS, warmUpS } = settings;
  const durationMs = durationS * 1e3;
  const outcomes = await runSharedPath({
    flows: flows.map((name, i) => ({
      controller: { name },
      direction: direction === 'upload' ? ('up' as const) : ('down' as const),
      startMs: startsS[i]! * 1e3,
    })),
    emulation,
    seed,
    durationMs,
    signal,
    workerUrl,
    onProgress: (elapsedMs) => onPart(Math.min(1, elapsedMs / durationMs)),
  });
  const measured = outcomes.map(({ points }, i) => ({ controller: flows[i]!, points }));
  const found = fairnessOf(measured, { warmupMs: warmUpS * 1e3, endMs: durationMs });
  if (found === null)
    throw new LabError('RL_CONNECTION_LOST', 'The flows had no time in common to be compared in');
  const total = found.flows.reduce((sum, { goodputBps }) => sum + goodputBps, 0);
  const metrics: Metrics = {
    jain: metric(found.jain, null, 'higher'),
    goodput: metric(total, 'bps', 'higher'),
  };
  for (const { controller, goodputBps, share } of found.controllers) {
    metrics[`goodput_${controller}`] = metric(goodputBps, 'bps', 'higher');
    metrics[`share_${controller}`] = metric(share, 'ratio', null);
  }
  return metrics;
}
