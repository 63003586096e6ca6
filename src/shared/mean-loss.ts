/** The part of its packets that a link is set to lose. */
import type { Emulation } from './domain.ts';
import { type LinkSettings, traceHas } from './link-settings.ts';

/** In the long run, whatever the model; a packet with a flipped bit is lost too. Null where it depends on the time. */
export function meanLoss(link: LinkSettings): number | null {
  const { loss, lossRatio, corruptRatio = 0 } = link;
  if (traceHas(link, 3)) return null;
  const lost = lossRatio + lostOf(loss);
  return lost + (1 - lost) * corruptRatio;
}

function lostOf(loss: LinkSettings['loss']): number {
  if (loss === undefined) return 0;
  if (loss.model === 'every_nth') return 1 / loss.n;
  const { p, r, h, k } = loss;
  const bad = p / (p + r);
  return bad * (1 - h) + (1 - bad) * (1 - k);
}

/** Of both directions; null where there is no emulated path, or one that goes down now and then. */
export const meanLosses = (emulation: Emulation | null): { up: number | null; down: number | null } | null =>
  emulation === null || emulation.flap !== null
    ? null
    : { up: meanLoss(emulation.up), down: meanLoss(emulation.down) };
