/** Controllers that share one emulated bottleneck, as a run of an experiment. */
import type { Metrics } from '../../../shared/experiments.ts';
import { metricValue as metric } from '../../../shared/metrics.ts';
import type { FairnessSettings } from '../../../shared/shared-paths.ts';
import type { SharedPathOptions } from '../../workers/flow-pool.ts';
import { shareOnePath } from '../../workers/shared-flows.ts';
import type { CellContext } from './kinds.ts';

/**
 * Rejects with what the flows fail with, RL_CANCELLED where they were cancelled, and RL_CONNECTION_LOST where nothing of them can be
 * compared.
 */
export async function measureFairness(
  settings: FairnessSettings,
  { seed, signal, onPart }: CellContext,
  workerUrl: NonNullable<SharedPathOptions['workerUrl']>,
): Promise<Metrics> {
  const { flows, startsS, emulation, direction, durationS, warmUpS } = settings;
  const durationMs = durationS * 1e3;
  const { fairness: found } = await shareOnePath({
    flows,
    startsMs: startsS.map((start) => start * 1e3),
    emulation,
    direction,
    seed,
    durationMs,
    warmupMs: warmUpS * 1e3,
    signal,
    workerUrl,
    onProgress: (elapsedMs) => onPart(Math.min(1, elapsedMs / durationMs)),
  });
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
