import { expect, it } from 'vitest';
import { fairnessOf } from '../../src/main/probe/fairness.ts';
import { runSharedPath } from '../../src/main/workers/flow-pool.ts';

it('flows that are stopped leave what was measured of them, where that is wanted', async () => {
  const link = { rateBps: 8e6, delayMs: 5, jitterMs: 0, lossRatio: 0, bufferBytes: 60_000 };
  const stopping = new AbortController();
  let untilMs = 0;
  const outcomes = await runSharedPath({
    flows: [
      { controller: { name: 'cubic' }, direction: 'down', startMs: 0 },
      { controller: { name: 'newreno' }, direction: 'down', startMs: 0 },
    ],
    emulation: { profile: 'test', up: link, down: link, flap: null },
    seed: 1,
    durationMs: 300_000,
    signal: stopping.signal,
    keepsCut: true,
    onProgress: (elapsedMs, bytes) => {
      untilMs = elapsedMs;
      if (elapsedMs > 500 && bytes.every((of) => of > 10_000)) stopping.abort();
    },
  });
  const flows = outcomes.map(({ points }) => ({ controller: 'cubic' as const, points }));
  const fairness = fairnessOf(flows, { warmupMs: 0, endMs: untilMs })!;
  for (const { goodputBps } of fairness.flows) expect(goodputBps).toBeGreaterThan(0);
  expect(outcomes[0]).toMatchObject({ minRttUs: null, retransmitRatio: null });
});
