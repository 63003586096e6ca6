/** Which parts of a stored flow are held in detail, and which are worth asking for. Pure. */
import type { Window } from '../congestion/decimate.ts';

/** Points asked for per pixel column: twice what is drawn, so that a zoom of two needs no answer. */
const POINTS_PER_COLUMN = 8;
/** As many as one answer may hold. */
const MOST_POINTS = 20_000;

interface Part extends Window {
  /** Points per microsecond; Infinity where all there are are held. */
  density: number;
}

export class Detail {
  readonly #parts: Part[] = [];
  #asked: Window | null = null;

  /** What to ask for to show `window` on `columns` pixels; null when it is held, or an answer is awaited. */
  next({ fromUs, toUs }: Window, columns: number): (Window & { points: number }) | null {
    if (this.#asked !== null) return null;
    const density = (4 * columns) / (toUs - fromUs);
    const isHeld = this.#parts.some(
      (part) => part.fromUs <= fromUs && part.toUs >= toUs && part.density >= density,
    );
    if (isHeld) return null;
    const points = Math.min(MOST_POINTS, Math.ceil(POINTS_PER_COLUMN * columns));
    // The window [from, to) of the contract is open at its end.
    const asked = { fromUs: Math.floor(fromUs), toUs: Math.ceil(toUs) + 1, points };
    this.#asked = asked;
    return asked;
  }

  /** An answer of `length` points came. */
  have({ fromUs, toUs, points }: Window & { points: number }, length: number): void {
    this.#asked = null;
    // Fewer than asked for: there are no more.
    const density = length < points - 1 ? Number.POSITIVE_INFINITY : points / (toUs - fromUs);
    this.#parts.push({ fromUs, toUs, density });
  }

  /** No answer came; it is not asked for again. */
  failed({ fromUs, toUs }: Window): void {
    this.#asked = null;
    this.#parts.push({ fromUs, toUs, density: Number.POSITIVE_INFINITY });
  }
}
