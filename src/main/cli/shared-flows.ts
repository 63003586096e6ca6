/** Flows over one emulated path, and how they shared it. */
import type { Controller, Emulation } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { fairnessOf } from '../probe/fairness.ts';
import { runSharedPath } from '../workers/flow-pool.ts';

type Shared = Parameters<typeof runSharedPath>[0];

interface Asked extends Pick<Shared, 'emulation' | 'seed' | 'durationMs' | 'signal' | 'onProgress'> {
  flows: readonly Controller[];
  /** When each begins. */
  startsMs: readonly number[];
  emulation: Emulation;
  direction: 'upload' | 'download';
  /** Left out after the last flow began. */
  warmupMs: number;
}

/** Rejects with what `runSharedPath` rejects with, and RL_CONNECTION_LOST where the flows had no time in common. */
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
  const fairness = fairnessOf(measured, { warmupMs, endMs: path.durationMs });
  if (fairness !== null) return { outcomes, measured, fairness };
  throw new LabError('RL_CONNECTION_LOST', 'The flows had no time in common to be compared in');
}
