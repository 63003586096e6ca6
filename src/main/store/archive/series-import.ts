/** Congestion series of an archive, stored in parts as their rows come: no more than one part is in memory. */
import { CONGESTION_COLUMNS, type CongestionSeries, emptySeries } from '../../../shared/congestion-series.ts';
import { type ProbeSeries, Vantage } from '../../../shared/probes.ts';
import { checked, invalid } from './rows.ts';
import { type ArchiveTable, CONGESTION, CONGESTION_PHASE, type Row } from './tables.ts';

const LIMITS = {
  /** Points of one series, and its phases: whoever reads it holds all of it. A probe of ours has some 25 000 at most. */
  series: 200_000,
  /** Points and phases of one archive. */
  archive: 50_000_000,
  /** Characters of a state. */
  state: 64,
} as const;
/** Points and phases stored at once. */
const PART = 10_000;

/** What is stored of a series, or about to be. */
interface Extent {
  points: number;
  lastUs: number;
  phases: number;
  lastPhaseUs: number;
}

interface Part extends ProbeSeries {
  key: string;
  id: number;
}

export class SeriesImport {
  readonly #store: (id: number, part: ProbeSeries) => void;
  /** By run and vantage. */
  readonly #extents = new Map<string, Extent>();
  /** What is not stored yet: rows of one series that came one after another. */
  #part: Part | null = null;
  #count = 0;

  constructor(store: (id: number, part: ProbeSeries) => void) {
    this.#store = store;
  }

  /** A row of CONGESTION or CONGESTION_PHASE, whose run has this id. Throws RL_INPUT_INVALID. */
  put(table: ArchiveTable, id: number, row: Row): void {
    const vantage = checked(table, () => Vantage.parse(row[1]));
    const key = `${id} ${vantage}`;
    const extent = this.#extents.get(key) ?? { points: 0, lastUs: 0, phases: 0, lastPhaseUs: 0 };
    this.#extents.set(key, extent);
    if (++this.#count > LIMITS.archive) throw invalid(`holds over ${LIMITS.archive} points of series`);
    const { series } = this.#partOf(key, id, vantage);
    if (table === CONGESTION) addPoint(extent, series, row);
    else addPhase(extent, series, row);
    if (series.tUs.length + series.phases.length >= PART) this.flush();
  }

  /** Stores what still waits. */
  flush(): void {
    if (this.#part === null) return;
    const { id, vantage, series } = this.#part;
    this.#part = null;
    this.#store(id, { vantage, series });
  }

  #partOf(key: string, id: number, vantage: Vantage): Part {
    if (this.#part?.key !== key) this.flush();
    this.#part ??= { key, id, vantage, series: emptySeries() };
    return this.#part;
  }
}

function addPoint(extent: Extent, into: CongestionSeries, row: Row): void {
  const [, , tUs, ...values] = row as [number, Vantage, number, ...(number | null)[]];
  if (tUs < extent.lastUs) throw invalid(`${CONGESTION.name}: times fall`);
  if (++extent.points > LIMITS.series) throw invalid(`${CONGESTION.name}: a series of over ${LIMITS.series}`);
  extent.lastUs = tUs;
  into.tUs.push(tUs);
  for (const [i, name] of CONGESTION_COLUMNS.entries()) into[name].push(values[i]!);
}

function addPhase(extent: Extent, into: CongestionSeries, row: Row): void {
  const [, , fromUs, state] = row as [number, Vantage, number, string];
  const { name } = CONGESTION_PHASE;
  if (extent.points === 0) throw invalid(`${name}: comes before the points of its series`);
  if (fromUs < extent.lastPhaseUs) throw invalid(`${name}: times fall`);
  if (++extent.phases > LIMITS.series) throw invalid(`${name}: a series of over ${LIMITS.series}`);
  if (state.length > LIMITS.state) throw invalid(`${name}.state: has over ${LIMITS.state} characters`);
  extent.lastPhaseUs = fromUs;
  into.phases.push({ fromUs, state });
}
