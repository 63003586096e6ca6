/** `--fec`: packets with FEC beside a load, for as long as it takes. A server takes them for ten minutes at most: one measurement follows another. */
import { type FecFigures, type FecInput, type FecRatios, fecRatios } from '../../../shared/fec.ts';
import type { LoadPlan } from '../../probe/load.ts';
import { Measurement } from '../../probe/measurement.ts';
import type { ProbePlan } from '../../probe/modes/mode.ts';
import { SERVICE_LIMITS } from '../../probe/service-limits.ts';
import type { ConnectOptions } from '../../quic/udp/api.ts';
import { nowUs } from '../../quic/udp/clock.ts';

/** What fits a DATAGRAM frame of every path, with what FEC adds. */
const MOST_PROTECTED_BYTES = 1100;
const TURN_MS = SERVICE_LIMITS.durationMs - 30_000;
/** What is left after the last turn and is shorter is not begun. */
const LEAST_MS = 500;

/** Of the protected packets, towards the server. */
export interface Protected extends FecRatios {
  sent: number;
  lost: number;
  recovered: number;
  unrecoverable: number;
}

export class Protection {
  readonly #connect: ConnectOptions;
  readonly #fec: FecInput;
  readonly #plan: LoadPlan;
  readonly #turnMs: number;
  readonly #signal: AbortSignal;
  /** Of the measurements that are over. */
  readonly #over: FecFigures[] = [];
  #running: Measurement | null = null;

  /** `signal` ends it early; what was measured by then counts. `turnMs`: of one measurement. */
  constructor(
    connect: ConnectOptions,
    { fec, plan, turnMs = TURN_MS }: { fec: FecInput; plan: LoadPlan; turnMs?: number },
    signal: AbortSignal,
  ) {
    this.#connect = connect;
    this.#fec = fec;
    this.#plan = plan;
    this.#turnMs = turnMs;
    this.#signal = signal;
  }

  /** Rejects with the LabError of the measurement that failed; `figures` then still says what was measured. */
  async run(): Promise<void> {
    const { durationS } = this.#plan;
    const endsAtUs = durationS === null ? Number.POSITIVE_INFINITY : nowUs() + durationS * 1e6;
    for (let leftMs = this.#leftMs(endsAtUs); leftMs >= LEAST_MS; leftMs = this.#leftMs(endsAtUs)) {
      const measurement = new Measurement(
        this.#connect,
        this.#planOf(Math.min(leftMs, this.#turnMs)),
        this.#signal,
      );
      this.#running = measurement;
      try {
        await measurement.run();
      } finally {
        const figures = upwards(measurement);
        this.#running = null;
        if (figures !== null) this.#over.push(figures);
      }
    }
  }

  /** What was measured so far; null while nothing was. */
  figures(): Protected | null {
    const newest = this.#running && upwards(this.#running);
    const ways = newest === null ? this.#over : [...this.#over, newest];
    if (ways.length === 0) return null;
    const sum = (of: (way: FecFigures) => number): number => ways.reduce((all, way) => all + of(way), 0);
    return {
      ...fecRatios(this.#fec.k, ways),
      sent: sum(({ sentSource }) => sentSource),
      lost: sum(({ erasures }) => erasures),
      recovered: sum(({ recovered }) => recovered),
      unrecoverable: sum(({ unrecoverable }) => unrecoverable),
    };
  }

  #leftMs(endsAtUs: number): number {
    return this.#signal.aborted ? 0 : Math.ceil((endsAtUs - nowUs()) / 1e3);
  }

  #planOf(durationMs: number): ProbePlan {
    const { ratePerS, packetBytes } = this.#plan;
    return {
      mode: 'fec',
      durationMs,
      ratePerS,
      packetBytes: Math.min(packetBytes, MOST_PROTECTED_BYTES),
      fec: this.#fec,
      everyUs: null,
      wish: null,
    };
  }
}

function upwards(measurement: Measurement): FecFigures | null {
  const { detail } = measurement.result();
  return detail?.kind === 'fec' ? detail.up : null;
}
