/**
 * The runs on screen, outside React: one stream each, which ends with the run, and their traces. React learns once per
 * animation frame that something changed.
 */
import type { ErrorBody } from '../../../../shared/errors.ts';
import type { ProbeRun, Vantage } from '../../../../shared/probes.ts';
import { client } from '../../../lab/connection.ts';
import { errorBody } from '../../../lab/errors.ts';
import { follow } from '../../../lab/follow.ts';
import { StreamStore } from '../../../lab/stream-store.ts';
import { noteRun } from '../actions.ts';
import type { Window } from '../congestion/decimate.ts';
import { CongestionTrace } from '../congestion/trace.ts';
import { Detail } from './detail.ts';
import { isOver } from './figures.ts';

export interface HeldRun {
  run: ProbeRun | null;
  /** 0 to 1; null where that is not known. */
  progress: number | null;
  etaS: number | null;
  traces: ReadonlyMap<Vantage, CongestionTrace>;
  error: ErrorBody | null;
}

interface Held extends HeldRun {
  traces: Map<Vantage, CongestionTrace>;
  abort: AbortController;
  generation: number;
  details: Map<Vantage, Detail>;
}

export class RunFeed extends StreamStore<number, Held> {
  /** Follows exactly these runs. A new `generation` of the connection begins those anew that are not over. */
  show(ids: readonly number[], generation: number): void {
    this.follow(
      ids,
      (held) => held.generation === generation || (held.run !== null && isOver(held.run)),
      (id, before) => this.#open(id, generation, before),
    );
  }

  #open(id: number, generation: number, before: Held | undefined): Held {
    const held: Held = {
      run: before?.run ?? null,
      progress: null,
      etaS: null,
      traces: before?.traces ?? new Map(),
      details: new Map(),
      error: null,
      abort: new AbortController(),
      generation,
    };
    follow(
      (signal) => client.probes.watch({ id }, { signal }),
      held.abort.signal,
      ({ run, progress, etaS, series }) => {
        if (held.run?.state !== run.state) noteRun(run);
        held.run = run;
        held.progress = progress;
        held.etaS = etaS;
        for (const { vantage, series: chunk } of series) {
          const trace = held.traces.get(vantage) ?? new CongestionTrace();
          held.traces.set(vantage, trace);
          trace.put(chunk);
        }
        // A stream that has told all is not opened again.
        if (isOver(run)) {
          noteRun(run);
          held.abort.abort();
        }
        this.frame.request();
      },
      (error) => {
        held.error = error;
        // What is gone does not come back by asking.
        if (error?.code === 'RL_NOT_FOUND') held.abort.abort();
        this.frame.request();
      },
    );
    return held;
  }

  /** Asks for the samples of a window of a run that is over, where those held are too few for `columns` pixels. */
  want(id: number, vantage: Vantage, window: Window, columns: number): void {
    const held = this.held.get(id);
    const trace = held?.traces.get(vantage);
    if (!held?.run || !trace || !isOver(held.run)) return;
    const stored = held.run.series.find((each) => each.vantage === vantage);
    if (!stored || trace.length >= stored.points) return;
    const detail = held.details.get(vantage) ?? new Detail();
    held.details.set(vantage, detail);
    const asked = detail.next(window, columns);
    if (asked === null) return;
    const { fromUs, toUs, points } = asked;
    client.probes.series({ id, vantage, fromUs, toUs, points }, { signal: AbortSignal.timeout(30_000) }).then(
      ({ series }) => {
        trace.replace(series, asked);
        detail.have(asked, series.tUs.length);
        this.frame.request();
      },
      (thrown) => {
        detail.failed(asked);
        held.error = errorBody(thrown);
        this.frame.request();
      },
    );
  }

  run(id: number): HeldRun | null {
    return this.held.get(id) ?? null;
  }
}
