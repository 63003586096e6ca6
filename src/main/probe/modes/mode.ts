/**
 * What a mode of measuring is to a `Measurement`. Each mode is a file of this folder, named in index.ts; what it measures beside
 * the figures of all modes is a member of `ProbeDetail` (src/shared/probe-details.ts).
 */
import type { LabError } from '../../../shared/errors.ts';
import type { FecInput } from '../../../shared/fec.ts';
import type { HandshakeStart, Move } from '../../../shared/probe-details.ts';
import type { ProbeMode, ProbeResult } from '../../../shared/probes.ts';
import type { ConnectOptions, HandshakeInfo, QuicSession } from '../../quic/udp/api.ts';
import type { ControllerWish } from '../observation.ts';

/** What nothing else says ends after so long. */
export const DEFAULT_DURATION_MS = 10_000;

/** Where pings stand beside something else that is measured: a gap is seen to within 20 ms. */
export const LOADED_PINGS_PER_S = 50;

export interface ProbePlan {
  mode: ProbeMode;
  /** Of pings or handshakes. */
  count?: number | undefined;
  /** Default 10 s, unless `count` or `bytes` ends it. */
  durationMs?: number | undefined;
  /** Pings per second; default 10, of modes that do more than ping 50; packets of mode fec, default 100. */
  ratePerS?: number | undefined;
  /** Payload of a transfer, in each direction. */
  bytes?: number | undefined;
  /** How much of the beginning of a transfer its goodput leaves out. */
  warmUpMs?: number | undefined;
  /** How handshakes begin; default cold. */
  handshake?: HandshakeStart | undefined;
  /** Concurrent streams; default 4. */
  streams?: number | undefined;
  /** Of a request over HTTP/3; default /. */
  path?: string | undefined;
  /** Migrations, in turn; default one of each. */
  moves?: readonly Move[] | undefined;
  /** Groups of mode fec; default RS, 2 for 10. */
  fec?: FecInput | undefined;
  /** Bytes of a source packet of mode fec; default 200. */
  packetBytes?: number | undefined;
  /** What the path is set to lose, where it is emulated and that is known. */
  pathLoss?: { up: number | null; down: number | null } | null | undefined;
  /** Records what the controllers do: a point at most each so many microseconds. Null records nothing. */
  everyUs: number | null;
  /** The controller the server is asked to use for what it sends; null leaves it its own. */
  wish: ControllerWish | null;
}

/** What a measurement does for its mode. */
export interface ModeContext {
  readonly plan: ProbePlan;
  /** Whoever connects with these is ended by `signal`. */
  readonly connect: ConnectOptions;
  readonly signal: AbortSignal;
  /** For a person: what the figures alone do not say. */
  readonly remarks: string[];
  /** The mode's own work begins now: what progress counts from. */
  begin(): void;
  /** A handshake was begun; what came of it, and null where it failed. */
  onHandshake(info: HandshakeInfo | null): void;
  /**
   * Connects, hands the session over, and closes it when `work` is done. Its controller is watched, its counters are the result's
   * `transport`, and the server's too where it tells; `serverSends` also has the server's series and asks for `plan.wish`. An end
   * of the session that is not ours rejects, named after `during`.
   */
  withSession(
    options: { during: string; serverSends: boolean },
    work: (session: QuicSession) => Promise<void>,
  ): Promise<void>;
}

export interface Mode {
  /** What ends it at the latest, as far as that is known. */
  readonly durationMs: number | undefined;
  /** The part that is done, 0 to 1, as far as something but the time tells. */
  readonly part: number;
  /** For a progress bar: the newest of what is measured. */
  readonly newest: string;
  /** Measures until it is done, or `signal` aborts. Rejects with a LabError. */
  measure(): Promise<void>;
  /** What was measured so far, or in all: what it leaves out is null. */
  figures(isOver: boolean): Partial<ProbeResult>;
  /** Why one that ran to its end is no success all the same. */
  fault(): LabError | null;
}

export type MakeMode = (context: ModeContext) => Mode;
