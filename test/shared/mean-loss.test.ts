import { describe, expect, it } from 'vitest';
import { lossOf } from '../../src/main/path/loss.ts';
import { Rng } from '../../src/main/path/rng.ts';
import type { LinkSettings } from '../../src/shared/link-settings.ts';
import { meanLoss, meanLosses } from '../../src/shared/mean-loss.ts';

const link: LinkSettings = { rateBps: null, delayMs: 0, jitterMs: 0, lossRatio: 0, bufferBytes: null };
const gilbert = { model: 'gilbert', p: 0.025, r: 0.2, h: 0.2, k: 0.99 } as const;

describe('the loss that a link is set to', () => {
  it.each([
    ['independent', { lossRatio: 0.1 }],
    ['each third packet', { loss: { model: 'every_nth', n: 3 } as const }],
    ['in bursts', { loss: gilbert }],
    ['in bursts that lose all', { loss: { ...gilbert, h: 0, k: 1 } }],
  ])('is what it loses in the long run: %s', (_, settings) => {
    const loss = lossOf({ ...link, ...settings }, Rng.fromSeed(1), 0)!;
    const packets = 300_000;
    let lost = 0;
    for (let i = 0; i < packets; i++) if (loss.hits(i)) lost++;
    expect(lost / packets).toBeCloseTo(meanLoss({ ...link, ...settings })!, 2);
  });

  it('counts flipped bits, and is none where it changes with time', () => {
    expect(meanLoss({ ...link, lossRatio: 0.1, corruptRatio: 0.1 })).toBeCloseTo(0.19);
    const trace = { kind: 'series' as const, steps: [[0, 1e6, null, 0.5]] as never, periodS: 1 };
    expect(meanLoss({ ...link, trace })).toBeNull();
    const flapping = { profile: 'x', up: link, down: link, flap: { periodMs: 1000, downMs: 100 } };
    expect(meanLosses(flapping)).toBeNull();
    expect(meanLosses(null)).toBeNull();
  });
});
