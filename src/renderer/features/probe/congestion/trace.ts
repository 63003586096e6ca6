/**
 * The samples of one flow behind the congestion view, outside React: typed columns that grow, NaN where nothing is
 * known. Times are microseconds since the flow began, as in `CongestionSeries`.
 */
import {
  CONGESTION_COLUMNS,
  type CongestionColumn,
  type CongestionSeries,
} from '../../../../shared/congestion-series.ts';
import { lowerBound, upperBound } from '../../../../shared/sorted.ts';

export interface Phase {
  fromUs: number;
  state: string;
}

const FIRST_CAPACITY = 1024;

export class CongestionTrace {
  #tUs = new Float64Array(FIRST_CAPACITY);
  readonly #columns = new Map<CongestionColumn, Float64Array<ArrayBuffer>>(
    CONGESTION_COLUMNS.map((name) => [name, new Float64Array(FIRST_CAPACITY)]),
  );
  #phases: Phase[] = [];
  #length = 0;

  get length(): number {
    return this.#length;
  }

  get phases(): readonly Phase[] {
    return this.#phases;
  }

  /** Time of the newest sample or phase; 0 when there is none. */
  get endUs(): number {
    return Math.max(this.#tUs[this.#length - 1] ?? 0, this.#phases.at(-1)?.fromUs ?? 0);
  }

  /** Times of the samples, rising. A view of the memory: valid until the next `put`. */
  get tUs(): Float64Array {
    return this.#tUs.subarray(0, this.#length);
  }

  /** A column, as long as `tUs`. A view of the memory: valid until the next `put`. */
  column(name: CongestionColumn): Float64Array {
    return this.#columns.get(name)!.subarray(0, this.#length);
  }

  /** The value at a sample; null where it is not known or there is no such sample. */
  at(name: CongestionColumn, index: number): number | null {
    const value = index < 0 || index >= this.#length ? Number.NaN : this.#columns.get(name)![index]!;
    return Number.isNaN(value) ? null : value;
  }

  /** Puts samples behind those there are; from the first moment of `chunk` on they replace what was there. */
  put(chunk: CongestionSeries): void {
    const firstUs = chunk.tUs[0];
    if (firstUs !== undefined) {
      this.#length = lowerBound(this.tUs, firstUs);
      this.#reserve(this.#length + chunk.tUs.length);
      this.#tUs.set(chunk.tUs, this.#length);
      for (const [name, column] of this.#columns) {
        const values = chunk[name];
        for (let i = 0; i < values.length; i++) column[this.#length + i] = values[i] ?? Number.NaN;
      }
      this.#length += chunk.tUs.length;
    }
    const firstPhaseUs = chunk.phases[0]?.fromUs;
    if (firstPhaseUs === undefined) return;
    const kept = this.#phases.filter(({ fromUs }) => fromUs < firstPhaseUs);
    // A chunk that begins within a phase names it again.
    const repeats = kept.at(-1)?.state === chunk.phases[0]!.state;
    this.#phases = [...kept, ...chunk.phases.slice(repeats ? 1 : 0)];
  }

  /** Puts the samples of a window in place of those held of it: the same flow in more detail. */
  replace(chunk: CongestionSeries, { fromUs, toUs }: { fromUs: number; toUs: number }): void {
    const start = lowerBound(this.tUs, fromUs);
    const end = lowerBound(this.tUs, toUs);
    const length = start + chunk.tUs.length + (this.#length - end);
    this.#reserve(length);
    const splice = (column: Float64Array, values: readonly (number | null)[]): void => {
      column.copyWithin(start + values.length, end, this.#length);
      for (let i = 0; i < values.length; i++) column[start + i] = values[i] ?? Number.NaN;
    };
    splice(this.#tUs, chunk.tUs);
    for (const [name, column] of this.#columns) splice(column, chunk[name]);
    this.#length = length;
    // The first of the chunk's may be the one that the window begins in.
    const inside = chunk.phases.filter((phase) => phase.fromUs >= fromUs && phase.fromUs < toUs);
    this.#phases = [
      ...this.#phases.filter((phase) => phase.fromUs < fromUs),
      ...inside,
      ...this.#phases.filter((phase) => phase.fromUs >= toUs),
    ];
  }

  #reserve(length: number): void {
    if (length <= this.#tUs.length) return;
    const capacity = Math.max(length, 2 * this.#tUs.length);
    const grown = (old: Float64Array): Float64Array<ArrayBuffer> => {
      const column = new Float64Array(capacity);
      column.set(old.subarray(0, this.#length));
      return column;
    };
    this.#tUs = grown(this.#tUs);
    for (const [name, column] of this.#columns) this.#columns.set(name, grown(column));
  }

  /** Index of the newest sample not after a moment; -1 before the first. */
  indexAt(us: number): number {
    return upperBound(this.tUs, us) - 1;
  }

  /** The phase a moment lies in; null before the first. */
  phaseAt(us: number): Phase | null {
    return this.#phases.findLast(({ fromUs }) => fromUs <= us) ?? null;
  }
}
