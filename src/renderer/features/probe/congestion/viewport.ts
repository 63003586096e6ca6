/** The part of a flow on screen, the same in all panels. Pure: zooming and panning give a new one. */
import type { Window } from './decimate.ts';

/** Closer than this the samples of a flow stand apart anyway. */
const LEAST_US = 1_000;

/** All there is; it grows with a flow that is being measured. */
export const WHOLE = null;
export type Viewport = Window | typeof WHOLE;

export const windowOf = (viewport: Viewport, wholeUs: number): Window =>
  viewport ?? { fromUs: 0, toUs: Math.max(LEAST_US, wholeUs) };

/** `window` moved and shortened to lie within the flow; all of it becomes WHOLE. */
export function within({ fromUs, toUs }: Window, wholeUs: number): Viewport {
  const span = Math.max(LEAST_US, toUs - fromUs);
  if (span >= wholeUs) return WHOLE;
  const from = Math.min(Math.max(0, fromUs), wholeUs - span);
  return { fromUs: from, toUs: from + span };
}

/** Shows `factor` times the span, `aboutUs` staying where it is on screen. */
export function zoomed(viewport: Viewport, wholeUs: number, factor: number, aboutUs: number): Viewport {
  const { fromUs, toUs } = windowOf(viewport, wholeUs);
  const span = Math.max(LEAST_US, (toUs - fromUs) * factor);
  const share = (aboutUs - fromUs) / (toUs - fromUs);
  const from = aboutUs - share * span;
  return within({ fromUs: from, toUs: from + span }, wholeUs);
}

/** Moves by a share of the span on screen. */
export function panned(viewport: Viewport, wholeUs: number, share: number): Viewport {
  if (viewport === WHOLE) return WHOLE;
  const by = (viewport.toUs - viewport.fromUs) * share;
  return within({ fromUs: viewport.fromUs + by, toUs: viewport.toUs + by }, wholeUs);
}
