/**
 * Probe runs: one measurement each, asked for by a user, kept with what its congestion controllers did. Transfers and handshakes
 * wait for one another, since two at once would measure each other; pings go on beside them, on a thread of their own.
 */

import type { CongestionSeries } from '../../shared/congestion-series.ts';
import { decimateSeries } from '../../shared/congestion-series.ts';
import type { RunState } from '../../shared/domain.ts';
import { type ErrorBody, LabError, toLabError } from '../../shared/errors.ts';
import { meanLosses } from '../../shared/mean-loss.ts';
import {
  appliesTo,
  faultOf,
  type ProbeInput,
  type ProbeResult,
  type ProbeRun,
  type ProbeSeries,
  type ProbeUpdate,
  sendingEnd,
  type Vantage,
} from '../../shared/probes.ts';
import { checkParameters } from '../congestion/index.ts';
import type { ProbePlan } from '../probe/modes/mode.ts';
import type { Store } from '../store/index.ts';
import type { RunPage } from '../store/probe-runs.ts';
import type { MeasureEvent, MeasureWorkerMethods } from '../workers/protocol.ts';
import type { Ends } from './ends.ts';
import type { Log } from './log.ts';
import { ActiveProbe, finalUpdate } from './probe-board.ts';
import { ProbeKeeper } from './probe-keeper.ts';
import type { ProbePaths, ProbePlace } from './probe-path.ts';
import type { LabWorker } from './worker.ts';

/** A thread for measurements, and how many it takes at once. */
interface Lane {
  worker: Pick<LabWorker<MeasureWorkerMethods>, 'request'>;
  atOnce: number;
}
export type LaneName = 'transfers' | 'pings';

export interface ProbesOptions {
  store: Store;
  lanes: Readonly<Record<LaneName, Lane>>;
  paths: Pick<ProbePaths, 'placeOf' | 'open' | 'close'>;
  /** The experiment that a run with this input, over a path with this seed, belongs to. */
  experimentOf: (input: ProbeInput, name: string, seed: number | null) => number;
  ends: Ends;
  /** What was measured so far, and in all. */
  onResult: (runId: number, result: ProbeResult) => void;
  log: Log;
}

const MAX_QUEUED = 100;
/** Points of one series, about, however long the run: a point at most so often, and so many in one report. */
const SERIES_POINTS = 20_000;
const LEAST_EVERY_US = 1000;
const REPORTS_PER_S = 10;
/** How long somebody who cancels a run waits for its end. */
const CANCEL_PATIENCE_MS = 5000;

/** Handshakes, one after the other, are work for a whole thread: pings beside them would wait for it. */
const laneOf = ({ mode }: ProbeInput): LaneName => (mode === 'ping' ? 'pings' : 'transfers');

/** What of the settings is the measurement's own business. */
const planOf = (input: ProbeInput): Omit<ProbePlan, 'everyUs' | 'wish'> => ({
  mode: input.mode,
  count: input.count ?? undefined,
  durationMs: input.durationS * 1000,
  ratePerS:
    input.mode === 'fec' ? input.packetsPerS : appliesTo('ratePerS', input.mode) ? input.ratePerS : undefined,
  bytes: input.bytes ?? undefined,
  warmUpMs: input.warmUpS * 1000,
  handshake: input.handshake,
  streams: input.streams,
  path: input.path,
  moves: input.moves,
  fec: input.fec,
  packetBytes: input.packetBytes,
});

interface Job {
  active: ActiveProbe;
  input: ProbeInput;
  place: ProbePlace;
  lane: LaneName;
  seed: number | null;
  isRunning: boolean;
}

export class Probes {
  readonly #options: ProbesOptions;
  readonly #jobs = new Map<number, Job>();
  readonly #keeper: ProbeKeeper;
  /** Lanes whose thread is being started again. */
  readonly #stalled = new Set<LaneName>();

  constructor(options: ProbesOptions) {
    this.#options = options;
    this.#keeper = new ProbeKeeper(options.store, options.ends, options.log);
  }

  /** Whether a run is under way. */
  get isMeasuring(): boolean {
    return [...this.#jobs.values()].some(({ isRunning }) => isRunning);
  }

  list(page: RunPage): ProbeRun[] {
    return this.#options.store.probes.list(page).map((run) => this.#activeOf(run.id)?.run ?? run);
  }

  /** Throws RL_NOT_FOUND. */
  get(id: number): ProbeRun {
    return this.#activeOf(id)?.run ?? this.#options.store.probes.get(id);
  }

  /**
   * A new run, begun as soon as its turn comes. Throws RL_INPUT_INVALID for parameters that the controller does not have,
   * RL_NOT_FOUND for a route that is not there, RL_RATE_LIMITED when too many wait. Without `seed` an emulated path has that of
   * its route or profile.
   */
  start(input: ProbeInput, seed?: number): ProbeRun {
    checkParameters(input.controller, input.parameters);
    const lane = laneOf(input);
    const fault = faultOf(input);
    if (fault !== null)
      throw new LabError('RL_INPUT_INVALID', `${fault.field}: ${fault.message}`, { field: fault.field });
    const place = this.#options.paths.placeOf(input);
    const queued = [...this.#jobs.values()].filter(({ isRunning }) => !isRunning);
    if (queued.length >= MAX_QUEUED)
      throw new LabError('RL_RATE_LIMITED', `${MAX_QUEUED} probe runs wait already`, {
        hint: 'Wait until some are over, or cancel them.',
      });
    const name = input.name ?? `${place.label} ${input.mode}`;
    const pathSeed = place.seed === null ? null : (seed ?? place.seed);
    const run = this.#options.store.probes.create(
      {
        name,
        state: 'queued',
        input,
        target: place.label,
        controller: sendingEnd(input.mode) === 'server' ? null : input.controller,
        startedAtMs: null,
        endedAtMs: null,
        emulated: place.emulation !== null,
        insecure: place.insecure,
        error: null,
        result: null,
      },
      this.#options.experimentOf(input, name, pathSeed),
    );
    const active = new ActiveProbe(run);
    this.#jobs.set(run.id, { active, input, place, lane, seed: pathSeed, isRunning: false });
    this.#next(lane);
    return this.get(run.id);
  }

  /** Ends a run early; one that is over is left as it is. Throws RL_NOT_FOUND. */
  async cancel(id: number): Promise<ProbeRun> {
    const job = this.#jobs.get(id);
    if (job === undefined) return this.get(id);
    job.active.ending.abort();
    if (!job.isRunning) this.#end(job, 'cancelled', null, null);
    else {
      const { worker } = this.#options.lanes[job.lane];
      // A thread that is gone ends its runs by itself.
      await worker.request('cancel', { runId: id }).catch(() => null);
      const patience = setTimeout(() => this.#end(job, 'cancelled', null, null), CANCEL_PATIENCE_MS);
      await job.active.over.promise;
      clearTimeout(patience);
    }
    return this.get(id);
  }

  /** Resolves when a run is over; at once of one that is not under way. */
  async over(id: number): Promise<void> {
    await this.#jobs.get(id)?.active.over.promise;
  }

  /** Throws RL_NOT_FOUND. */
  async remove(id: number): Promise<void> {
    await this.cancel(id);
    this.#options.store.probes.remove(id);
    this.#keeper.forget(id);
  }

  /** Throws RL_NOT_FOUND. */
  restore(id: number): ProbeRun {
    return this.#options.store.probes.restore(id);
  }

  /** As it goes, and then as it ended. Throws RL_NOT_FOUND. */
  watch(id: number, signal: AbortSignal): AsyncGenerator<ProbeUpdate> {
    const active = this.#activeOf(id);
    if (active !== undefined) return active.watch(signal);
    const run = this.get(id);
    const update = finalUpdate(run, (vantage) => this.#seriesOf(id, vantage));
    return (async function* () {
      yield update;
    })();
  }

  /** Throws RL_NOT_FOUND, also when the run has no such series. */
  series(
    id: number,
    vantage: Vantage | undefined,
    window: { fromUs?: number | undefined; toUs?: number | undefined; points: number },
  ): ProbeSeries {
    const chosen = vantage ?? this.get(id).series[0]?.vantage;
    const series = chosen === undefined ? null : this.#seriesOf(this.get(id).id, chosen);
    if (chosen === undefined || series === null) {
      const whose = vantage === undefined ? '' : ` of the ${vantage}`;
      throw new LabError('RL_NOT_FOUND', `Probe run ${id} has no congestion series${whose}`, {
        field: 'vantage',
      });
    }
    return { vantage: chosen, series: decimateSeries(series, window) };
  }

  /** For the threads' events. */
  receive(event: MeasureEvent): void {
    const job = this.#jobs.get(event.runId);
    if (job === undefined) return;
    job.active.change({ controller: event.controller });
    if (event.result !== null) this.#options.onResult(event.runId, event.result);
    if (event.type === 'end') {
      job.active.record(event.series);
      const state = job.active.ending.signal.aborted ? 'cancelled' : event.error === null ? 'done' : 'failed';
      this.#end(job, state, event.error, event.result);
      return;
    }
    if (event.result !== null) job.active.change({ result: event.result });
    job.active.progress(event.part, event.leftS, event.series);
    this.#keeper.keep(job.active);
  }

  /** A lane's thread is gone, and its runs with it; those that wait go on waiting. */
  laneLost(lane: LaneName, error: LabError): void {
    this.#stalled.add(lane);
    for (const job of [...this.#jobs.values()])
      if (job.isRunning && job.lane === lane) this.#end(job, 'failed', error.toBody(), null);
  }

  laneBack(lane: LaneName): void {
    this.#stalled.delete(lane);
    this.#next(lane);
  }

  /** What the paths of these runs need is gone. */
  pathLost(error: LabError, isAffected: (place: ProbePlace) => boolean): void {
    for (const job of [...this.#jobs.values()]) {
      if (!job.isRunning || !isAffected(job.place)) continue;
      const { worker } = this.#options.lanes[job.lane];
      void worker.request('cancel', { runId: job.active.run.id }).catch(() => null);
      this.#end(job, 'failed', error.toBody(), null);
    }
  }

  /** The lab closes: what is under way is cut off, and what was measured of it stored. */
  abandon(): void {
    for (const job of [...this.#jobs.values()]) this.#end(job, 'interrupted', null, null);
  }

  #activeOf(id: number): ActiveProbe | undefined {
    return this.#jobs.get(id)?.active ?? this.#keeper.unstored(id);
  }

  #seriesOf(id: number, vantage: Vantage): CongestionSeries | null {
    const active = this.#activeOf(id);
    return active === undefined ? this.#options.store.probes.series(id, vantage) : active.series(vantage);
  }

  /** Begins runs that wait, as many as the lane takes. */
  #next(lane: LaneName): void {
    if (this.#stalled.has(lane)) return;
    const jobs = [...this.#jobs.values()].filter((job) => job.lane === lane);
    let free = this.#options.lanes[lane].atOnce - jobs.filter(({ isRunning }) => isRunning).length;
    for (const job of jobs) {
      if (job.isRunning || free-- <= 0) continue;
      job.isRunning = true;
      void this.#begin(job);
    }
  }

  async #begin(job: Job): Promise<void> {
    const { lanes, paths, store } = this.#options;
    const { active, input, place, lane, seed } = job;
    const runId = active.run.id;
    const { ending } = active;
    try {
      active.change(store.probes.update(runId, { state: 'running', startedAtMs: Date.now() }));
      const connect = await paths.open(runId, input, seed);
      // Its path's threads or the lab's patience may have ended it meanwhile; what was opened since is closed.
      if (!this.#jobs.has(runId)) return this.#closePath(job);
      if (ending.signal.aborted) return this.#end(job, 'cancelled', null, null);
      const { controller: name, parameters, durationS } = input;
      await lanes[lane].worker.request('start', {
        runId,
        connect: { ...connect, controller: { name, parameters } },
        plan: {
          ...planOf(input),
          pathLoss: meanLosses(place.emulation),
          everyUs: Math.max(LEAST_EVERY_US, Math.round((durationS * 1e6) / SERIES_POINTS)),
          wish: { name, parameters },
        },
        points: Math.max(4, Math.round(SERIES_POINTS / (durationS * REPORTS_PER_S))),
      });
      // One that was cancelled before the thread knew of it.
      if (ending.signal.aborted) await lanes[lane].worker.request('cancel', { runId });
    } catch (thrown) {
      this.#end(job, 'failed', toLabError(thrown).toBody(), null);
    }
  }

  #end(
    job: Job,
    state: Extract<RunState, 'done' | 'failed' | 'cancelled' | 'interrupted'>,
    error: ErrorBody | null,
    result: ProbeRun['result'],
  ): void {
    const { active } = job;
    const { id } = active.run;
    if (!this.#jobs.has(id)) return;
    active.change({ state, error, endedAtMs: Date.now(), ...(result !== null && { result }) });
    this.#jobs.delete(id);
    this.#keeper.keepEnd(active);
    active.over.resolve(active.run);
    if (state === 'interrupted') return;
    if (job.isRunning) this.#closePath(job);
    this.#next(job.lane);
  }

  #closePath({ active, place }: Job): void {
    const { paths, log } = this.#options;
    const { id } = active.run;
    paths
      .close(id, place)
      .catch((thrown: unknown) =>
        log.info({ run: id, reason: toLabError(thrown).message }, 'an emulated path was gone before its run'),
      );
  }
}
