/** Probe runs that are under way: how far each is, what its controllers did, and what of that is not stored yet. */
import {
  appendSeries,
  type CongestionSeries,
  decimateSeries,
  emptySeries,
} from '../../shared/congestion-series.ts';
import {
  type ProbeRun,
  type ProbeSeries,
  type ProbeUpdate,
  senderFirst,
  type Vantage,
} from '../../shared/probes.ts';
import { Changes, pause } from './changes.ts';

/** Points of each series that somebody who begins to watch gets of what was before. */
const BACKLOG_POINTS = 2000;
/** Least time between two updates of one watcher. */
const UPDATE_EVERY_MS = 100;

interface Recorded {
  whole: CongestionSeries;
  /** How much of it is stored. */
  stored: Mark;
}

/** A place in a series. */
interface Mark {
  rows: number;
  phases: number;
}

const markOf = ({ tUs, phases }: CongestionSeries): Mark => ({ rows: tUs.length, phases: phases.length });

/** What of `series` comes after `mark`. */
function after(series: CongestionSeries, mark: Mark): CongestionSeries {
  const { phases, ...columns } = series;
  const rest = Object.entries(columns).map(([name, values]) => [name, values.slice(mark.rows)]);
  return {
    ...(Object.fromEntries(rest) as Omit<CongestionSeries, 'phases'>),
    phases: phases.slice(mark.phases),
  };
}

/** One run under way. */
export class ActiveProbe {
  readonly changes = new Changes();
  /** Aborts when it is to end early. */
  readonly ending = new AbortController();
  /** Resolves once it has ended. */
  readonly over = Promise.withResolvers<ProbeRun>();
  #run: ProbeRun;
  #progress: { part: number; leftS: number | null } = { part: 0, leftS: null };
  readonly #recorded = new Map<Vantage, Recorded>();

  constructor(run: ProbeRun) {
    this.#run = run;
  }

  /** With the series as they are now, stored or not. */
  get run(): ProbeRun {
    const series = [...this.#recorded].map(([vantage, { whole }]) => ({
      vantage,
      points: whole.tUs.length,
      spanUs: whole.tUs.at(-1) ?? 0,
    }));
    return { ...this.#run, series: senderFirst(this.#run.input?.mode, series) };
  }

  series(vantage: Vantage): CongestionSeries | null {
    return this.#recorded.get(vantage)?.whole ?? null;
  }

  change(fields: Partial<ProbeRun>): void {
    this.#run = { ...this.#run, ...fields };
    this.changes.bump();
  }

  progress(part: number, leftS: number | null, parts: readonly ProbeSeries[]): void {
    this.#progress = { part, leftS };
    this.record(parts);
    this.changes.bump();
  }

  record(parts: readonly ProbeSeries[]): void {
    for (const { vantage, series } of parts) {
      const recorded = this.#recorded.get(vantage) ?? {
        whole: emptySeries(),
        stored: { rows: 0, phases: 0 },
      };
      this.#recorded.set(vantage, recorded);
      appendSeries(recorded.whole, series);
    }
  }

  /** What is not stored yet. */
  unstored(): ProbeSeries[] {
    return [...this.#recorded].flatMap(([vantage, { whole, stored }]) => {
      const series = after(whole, stored);
      return series.tUs.length === 0 ? [] : [{ vantage, series }];
    });
  }

  markStored(): void {
    for (const recorded of this.#recorded.values()) recorded.stored = markOf(recorded.whole);
  }

  /** How it goes: at once, then at most ten times a second, until it is over. */
  async *watch(signal: AbortSignal): AsyncGenerator<ProbeUpdate> {
    const marks = new Map<Vantage, Mark>();
    let isOver = false;
    void this.over.promise.then(() => {
      isOver = true;
      this.changes.bump();
    });
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const seen = this.changes.version;
      const isLast = isOver;
      const series = [...this.#recorded].flatMap(([vantage, { whole }]) => {
        const mark = marks.get(vantage) ?? { rows: 0, phases: 0 };
        marks.set(vantage, markOf(whole));
        const next = isFirst ? decimateSeries(whole, { points: BACKLOG_POINTS }) : after(whole, mark);
        return next.tUs.length === 0 ? [] : [{ vantage, series: next }];
      });
      const { part, leftS } = this.#progress;
      yield { run: this.run, progress: isLast ? 1 : part, etaS: isLast ? 0 : leftS, series };
      if (isLast) return;
      await pause(UPDATE_EVERY_MS, signal);
      await this.changes.past(seen, signal);
    }
  }
}

/** What somebody sees who watches a run that is over. */
export function finalUpdate(
  run: ProbeRun,
  seriesOf: (vantage: Vantage) => CongestionSeries | null,
): ProbeUpdate {
  const series = run.series.flatMap(({ vantage }) => {
    const whole = seriesOf(vantage);
    return whole === null ? [] : [{ vantage, series: decimateSeries(whole, { points: BACKLOG_POINTS }) }];
  });
  return { run, progress: run.state === 'done' ? 1 : null, etaS: null, series };
}
