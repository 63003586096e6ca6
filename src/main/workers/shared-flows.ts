/** Flows over one emulated path, and how they shared it. */
import type { Controller } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { fairnessOf } from '../probe/fairness.ts';
import { runSharedPath, type SharedPathOptions } from './flow-pool.ts';

interface Asked extends Omit<SharedPathOptions, 'flows'> {
  flows: readonly Controller[];
  /** When each begins. */
  startsMs: readonly number[];
  direction: 'upload' | 'download';
  /** Left out after the last flow began. */
  warmupMs: number;
}

/**
 * Rejects with what `runSharedPath` rejects with, and where the flows had no time in common RL_CONNECTION_LOST, or RL_CANCELLED where
 * they were cut short (`isCut`): then `endMs` is where they were.
 */
export async function shareOnePath({ flows, startsMs, direction, warmupMs, ...path }: Asked) {
  const outcomes = await runSharedPath({
    ...path,
    flows: flows.map((name, i) => ({
      controller: { name },
      direction: direction === 'upload' ? 'up' : 'down',
      startMs: startsMs[i]!,
    })),
  });
  const measured = outcomes.map(({ points }, i) => ({ controller: flows[i]!, points }));
  const isCut = path.signal?.aborted === true;
  const lastMs = Math.max(0, ...measured.map(({ points }) => points.at(-1)?.[0] ?? 0));
  const endMs = isCut ? Math.min(path.durationMs, lastMs) : path.durationMs;
  const fairness = fairnessOf(measured, { warmupMs, endMs });
  if (fairness !== null) return { outcomes, measured, fairness, endMs, isCut };
  throw isCut
    ? new LabError('RL_CANCELLED', 'The flows were stopped before they had time in common to be compared in')
    : new LabError('RL_CONNECTION_LOST', 'The flows had no time in common to be compared in');
}
