/** qlog files taken as probe runs, in as many parts as they come in. They are read on a thread that measures nothing large. */
import { LabError } from '../../shared/errors.ts';
import type { ProbeResult, ProbeRun } from '../../shared/probes.ts';
import type { ReadQlog } from '../quic/qlog/reader.ts';
import type { Store } from '../store/index.ts';
import type { MeasureWorkerMethods } from '../workers/protocol.ts';
import type { LabWorker } from './worker.ts';

const MAX_AT_ONCE = 4;
/** The next part of a file has to come within this. */
const PATIENCE_MS = 60_000;

interface Part {
  name: string;
  text: string;
  continues?: number | undefined;
  more: boolean;
}

/** A file whose last part has not come. */
interface Unfinished {
  file: number;
  patience: NodeJS.Timeout;
}

export class QlogImports {
  readonly #store: Store;
  readonly #worker: Pick<LabWorker<MeasureWorkerMethods>, 'request'>;
  readonly #unfinished = new Map<number, Unfinished>();
  #files = 0;

  constructor(store: Store, worker: Pick<LabWorker<MeasureWorkerMethods>, 'request'>) {
    this.#store = store;
    this.#worker = worker;
  }

  /**
   * The run of a file, `running` until its last part came. Throws RL_INPUT_INVALID for what is no qlog, and then keeps no run of
   * it; RL_NOT_FOUND for a run that waits for no part; RL_RATE_LIMITED when too many files are under way.
   */
  async take({ name, text, continues, more }: Part): Promise<ProbeRun> {
    const begun = continues === undefined ? null : this.#unfinished.get(continues);
    if (begun === undefined)
      throw new LabError('RL_NOT_FOUND', `Run ${continues} waits for no part of a file`, {
        field: 'continues',
      });
    if (begun === null && this.#unfinished.size >= MAX_AT_ONCE)
      throw new LabError('RL_RATE_LIMITED', `${MAX_AT_ONCE} files are being imported already`);
    const file = begun?.file ?? ++this.#files;
    if (begun !== null) clearTimeout(begun.patience);
    let read: ReadQlog | null;
    try {
      read = await this.#worker.request('readQlog', { file, text, more });
    } catch (error) {
      if (continues !== undefined) this.#forget(continues);
      throw error;
    }
    if (read !== null) return this.#keep(name, read, continues);
    const id = continues ?? this.#store.probes.create({ ...NOTHING_KNOWN, name, target: name }).id;
    const patience = setTimeout(() => {
      void this.#worker.request('dropQlog', { file }).catch(() => null);
      this.#forget(id);
    }, PATIENCE_MS);
    this.#unfinished.set(id, { file, patience });
    return this.#store.probes.get(id);
  }

  /** The lab closes: what is unfinished is interrupted. */
  abandon(): void {
    for (const { patience } of this.#unfinished.values()) clearTimeout(patience);
    this.#unfinished.clear();
  }

  #forget(id: number): void {
    this.#unfinished.delete(id);
    const { probes } = this.#store;
    // A user may have been faster.
    if (probes.list().some((run) => run.id === id)) probes.remove(id);
  }

  #keep(name: string, read: ReadQlog, begun: number | undefined): ProbeRun {
    const { probes } = this.#store;
    const id = begun ?? probes.create({ ...NOTHING_KNOWN, name, target: read.title }).id;
    this.#unfinished.delete(id);
    probes.append(id, [{ vantage: read.vantage, series: read.series }]);
    return probes.update(id, { state: 'done', target: read.title, result: resultOf(read) });
  }
}

/** When it was measured, and by which controller, a qlog does not say. */
const NOTHING_KNOWN = {
  state: 'running',
  input: null,
  controller: null,
  startedAtMs: null,
  endedAtMs: null,
  emulated: false,
  insecure: false,
  error: null,
  result: null,
} as const;

function resultOf({ vantage, newest, packetsSent, packetsLost, durationUs }: ReadQlog): ProbeResult {
  const { cwndBytes, pacingBps, inFlightBytes, minRttUs, smoothedRttUs } = newest;
  return {
    durationUs,
    sent: null,
    received: null,
    lossRatio: null,
    rttUs: null,
    jitterUs: null,
    bytesDown: null,
    bytesUp: null,
    goodputDownBps: null,
    goodputUpBps: null,
    handshakeUs: null,
    negotiated: null,
    transport: [
      {
        vantage,
        controller: null,
        cwndBytes,
        pacingBps,
        inFlightBytes,
        datagramBytes: null,
        minRttUs,
        smoothedRttUs,
        rttVarUs: null,
        packetsSent,
        packetsReceived: null,
        packetsLost,
        bytesLost: null,
        spuriousLosses: null,
        congestionEvents: null,
        persistentCongestions: null,
        ptos: null,
        retransmitRatio: null,
        deliveryRateBps: null,
        isAppLimited: null,
      },
    ],
  };
}
