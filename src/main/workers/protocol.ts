/**
 * Messages between the lab and its worker threads. Each worker answers requests `{ id, method, params }` with
 * `{ id, result }` or `{ id, error }` (an ErrorBody), and sends events `{ event }` on its own.
 */

import type { z } from 'zod';
import type {
  Controller,
  ControllerParameters,
  Emulation,
  RouteId,
  RouteStatus,
  TransportSnapshot,
} from '../../shared/domain.ts';
import type { ErrorBody } from '../../shared/errors.ts';
import type { LoadResult } from '../../shared/load.ts';
import type { ProbeResult, ProbeRun, ProbeSeries } from '../../shared/probes.ts';
import type { HandshakeSample, PingSample, SkipSample, TransferSample } from '../../shared/samples.ts';
import type { LoadPlan } from '../probe/load.ts';
import type { ProbePlan } from '../probe/modes/mode.ts';
import type { ReadQlog } from '../quic/qlog/reader.ts';
import type { ConnectOptions, TrustOptions } from '../quic/udp/api.ts';
import type { UpkeepOptions } from '../store/rollups/upkeep.ts';

type Id = z.infer<typeof RouteId>;

/** What a continuous probe of one route needs: all settings resolved, relays already in place. */
export interface MonitorTarget {
  routeId: Id;
  host: string;
  port: number;
  serverName: string;
  controller: Controller;
  parameters: ControllerParameters;
  pingRate: number;
  transferEveryS: number | null;
  transferBytes: number;
  trust: TrustOptions;
}

export type MonitorEvent =
  | { type: 'state'; routeId: Id; state: 'connecting' | 'up' | 'down'; error: ErrorBody | null; atMs: number }
  | {
      /** Sent about four times a second while there is something to say. */
      type: 'samples';
      routeId: Id;
      /** Each ping once, as soon as it is resolved (so a late loss follows newer echoes). */
      pings: PingSample[];
      skips: SkipSample[];
      transfers: TransferSample[];
      handshakes: HandshakeSample[];
      transport: TransportSnapshot | null;
      payloadBps: RouteStatus['payloadBps'];
      /** Every ping sent before this moment is resolved. */
      resolvedThroughMs: number;
    };

/** workers/probe.ts: many monitors on one thread. Events: MonitorEvent. */
export interface ProbeWorkerMethods {
  start(params: MonitorTarget): null;
  /** Ends the connection cleanly; pending pings are dropped, resolved ones flushed. */
  stop(params: { routeId: Id }): null;
}

/** One measurement for a probe run: its path is in place. */
export interface MeasureJob {
  runId: number;
  connect: Pick<ConnectOptions, 'host' | 'port' | 'serverName' | 'trust' | 'controller'>;
  plan: ProbePlan;
  /** Most points of a series that one report may bring. */
  points: number;
}

export type MeasureEvent =
  | {
      /** About ten times a second. */
      type: 'progress';
      runId: number;
      part: number;
      leftS: number | null;
      controller: ProbeRun['controller'];
      /** Null where it was not computed anew. */
      result: ProbeResult | null;
      series: ProbeSeries[];
    }
  | {
      /** The last of a run. `error` is why it failed; a run that was cancelled has none. */
      type: 'end';
      runId: number;
      error: ErrorBody | null;
      controller: ProbeRun['controller'];
      result: ProbeResult;
      series: ProbeSeries[];
    };

/** A load for one cell: its path is in place. */
export interface LoadJob {
  runId: number;
  connect: MeasureJob['connect'];
  plan: LoadPlan;
}

/** A few times a second, and once at the end. `error` is why it failed; one that was cancelled has none. */
export type LoadEvent =
  | { type: 'part'; runId: number; part: number }
  | { type: 'end'; runId: number; error: ErrorBody | null; result: LoadResult };

/** workers/measure.ts: measurements for probe runs, loads, and qlog files read. Events: MeasureEvent, and LoadEvent of loads. */
export interface MeasureWorkerMethods {
  /** Begins a load; `cancel` ends it early. */
  startLoad(params: LoadJob): null;
  /** Begins; what comes of it are events, the last of them `end`. */
  start(params: MeasureJob): null;
  /** Ends a measurement early, if it is under way. */
  cancel(params: { runId: number }): null;
  /** Reads the next part of a qlog file. Answers the last with what the file holds, the others with null; refuses what is no qlog. */
  readQlog(params: { file: number; text: string; more: boolean }): ReadQlog | null;
  /** The rest of the file will not come. */
  dropQlog(params: { file: number }): null;
}

/** workers/endpoint.ts: one server (echo, sink, source) of QUIC, and of TCP on the port of the same number. */
export interface EndpointWorkerMethods {
  listen(params: { host: string; port: number; certificate: string; privateKey: string }): {
    host: string;
    port: number;
    /** Null where that port of TCP was taken. */
    tcpPort: number | null;
  };
  close(params: null): null;
}

/** workers/relay.ts: emulated paths, each a UDP relay on a loopback port of its own. */
export interface RelayWorkerMethods {
  open(params: {
    id: string;
    to: { host: string; port: number };
    emulation: Emulation;
    seed: number;
    /** Whether TCP passes the same links, as a stream relay models it (docs/tcp-baseline.md). */
    tcp?: boolean;
  }): {
    host: string;
    port: number;
    /** Null where TCP was not asked for. */
    tcpPort: number | null;
  };
  close(params: { id: string }): null;
  /** Bits per second that a relay carries each way. Keeps three threads busy for a third of a second. */
  measureCapacity(params: null): number;
}

/** After each round of upkeep, why it could not be ended, if so; and what became of a `check`. */
export type UpkeepEvent = { type: 'round' | 'checked'; error: ErrorBody | null };

/** workers/upkeep.ts: roll-ups, retention and checkpoints of the lab’s store. Events: UpkeepEvent. */
export interface UpkeepWorkerMethods {
  /** Begins the rounds, which delete nothing before the database was found sound. */
  open(params: UpkeepOptions & { isSound: boolean }): null;
  /** The database was found sound. */
  sound(params: null): null;
  /** Begins to read the whole database: of a thread that does nothing else, for it cannot do anything else meanwhile. */
  check(params: { dataDir: string }): null;
  /** Rolls up what is due of a route, for a while; whether more is. */
  roll(params: { routeId: Id }): boolean;
  close(params: null): null;
}

export type WorkerRequest = { id: number; method: string; params: unknown };
export type WorkerMessage =
  | { id: number; result: unknown }
  | { id: number; error: ErrorBody }
  | { event: unknown };
