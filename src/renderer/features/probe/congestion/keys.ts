/** The keyboard in the congestion view. Pure: a key and where one stands give where one stands then. */
import type { CongestionTrace } from './trace.ts';
import { panned, type Viewport, WHOLE, windowOf, zoomed } from './viewport.ts';

export interface Stand {
  viewport: Viewport;
  /** Null: at the newest moment. */
  cursorUs: number | null;
}

interface Surroundings {
  /** Whose samples the cursor goes by. */
  trace: CongestionTrace;
  /** End of what is measured, and of what is shown when all is. */
  endUs: number;
  wholeUs: number;
  /** Pixels of the window. */
  columns: number;
}

/** Null for a key that means nothing here. */
export function standAfter(
  { key, shiftKey }: { key: string; shiftKey: boolean },
  { viewport, cursorUs }: Stand,
  { trace, endUs, wholeUs, columns }: Surroundings,
): Stand | null {
  const { fromUs, toUs } = windowOf(viewport, wholeUs);
  const atUs = cursorUs ?? Math.min(endUs, toUs);

  const moved = (us: number): Stand => {
    const held = Math.min(Math.max(0, us), endUs);
    const isInside = held >= fromUs && held <= toUs;
    return {
      cursorUs: held,
      viewport: isInside ? viewport : panned(viewport, wholeUs, held < fromUs ? -0.5 : 0.5),
    };
  };
  /** To the next sample, or as far as can be seen where samples are closer than pixels. */
  const step = (direction: -1 | 1, pixels: number): Stand => {
    const target = atUs + (direction * pixels * (toUs - fromUs)) / columns;
    const index = trace.indexAt(atUs);
    const next = direction < 0 && trace.tUs[index] !== atUs ? index : index + direction;
    const sampleUs = trace.tUs[next] ?? target;
    return moved(direction < 0 ? Math.min(target, sampleUs) : Math.max(target, sampleUs));
  };
  const zoom = (factor: number): Stand => ({
    cursorUs,
    viewport: zoomed(viewport, wholeUs, factor, cursorUs ?? (fromUs + toUs) / 2),
  });
  const pan = (share: number): Stand => ({ cursorUs, viewport: panned(viewport, wholeUs, share) });

  switch (key) {
    case 'ArrowLeft':
      return shiftKey ? pan(-0.1) : step(-1, 1);
    case 'ArrowRight':
      return shiftKey ? pan(0.1) : step(1, 1);
    case 'PageUp':
      return step(-1, columns / 10);
    case 'PageDown':
      return step(1, columns / 10);
    case 'Home':
      return moved(fromUs);
    case 'End':
      return moved(toUs);
    case 'Escape':
      return { cursorUs: null, viewport };
    case '+':
    case '=':
      return zoom(0.5);
    case '-':
      return zoom(2);
    case '0':
      return { cursorUs, viewport: WHOLE };
    default:
      return null;
  }
}
