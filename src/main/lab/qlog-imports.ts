/** qlog files taken as probe runs, in as many parts as they come in. They are read on a thread that measures nothing. */
import { LabError } from '../../shared/errors.ts';
import { importManifest } from '../../shared/experiments.ts';
import { NOTHING_MEASURED, type ProbeResult, type ProbeRun } from '../../shared/probes.ts';
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
  /** Null while a part is being read. */
  patience: NodeJS.Timeout | null;
}

export class QlogImports {
  readonly #store: Store;
  readonly #worker: Pick<LabWorker<MeasureWorkerMethods>, 'request'>;
  readonly #unfinished = new Map<number, Unfinished>();
  #files = 0;
  /** Files whose first part is being read. */
  #beginning = 0;
  #isClosed = false;

  constructor(store: Store, worker: Pick<LabWorker<MeasureWorkerMethods>, 'request'>) {
    this.#store = store;
    this.#worker = worker;
  }

  /**
   * The run of a file, `running` until its last part came. Throws RL_INPUT_INVALID for what is no qlog, and then keeps no run of
   * it; RL_NOT_FOUND for a run that waits for no part; RL_CONFLICT while the part before is being read; RL_RATE_LIMITED when too
   * many files are under way.
   */
  async take({ name, text, continues, more }: Part): Promise<ProbeRun> {
    if (continues !== undefined) return this.#takeNext(continues, { name, text, more });
    if (this.#unfinished.size + this.#beginning >= MAX_AT_ONCE)
      throw new LabError('RL_RATE_LIMITED', `${MAX_AT_ONCE} files are being imported already`);
    const file = ++this.#files;
    this.#beginning++;
    let read: ReadQlog | null;
    try {
      read = await this.#worker.request('readQlog', { file, text, more });
    } finally {
      this.#beginning--;
    }
    if (this.#isClosed) throw new LabError('RL_CANCELLED', 'The lab is closing.');
    const manifest = importManifest(name);
    const experiment = this.#store.experiments.create({ name, kind: 'import', manifest });
    const { id } = this.#store.probes.create({ ...NOTHING_KNOWN, name, target: name }, experiment.id);
    if (read !== null) return this.#keep(id, read);
    const begun: Unfinished = { file, patience: null };
    this.#unfinished.set(id, begun);
    return this.#await(id, begun);
  }

  async #takeNext(id: number, part: Omit<Part, 'continues'>): Promise<ProbeRun> {
    const begun = this.#unfinished.get(id);
    if (begun === undefined) throw waitsForNone(id);
    if (begun.patience === null)
      throw new LabError('RL_CONFLICT', `Run ${id}: the part before is still being read`, {
        field: 'continues',
      });
    clearTimeout(begun.patience);
    begun.patience = null;
    const { file } = begun;
    const { text, more } = part;
    let read: ReadQlog | null;
    try {
      read = await this.#worker.request('readQlog', { file, text, more });
    } catch (error) {
      this.#forget(id, begun);
      throw error;
    }
    // It was cancelled meanwhile.
    if (this.#unfinished.get(id) !== begun) throw waitsForNone(id);
    return read === null ? this.#await(id, begun) : this.#keep(id, read);
  }

  /** Waits for the next part, but not for ever. */
  #await(id: number, begun: Unfinished): ProbeRun {
    begun.patience = setTimeout(() => {
      this.#drop(begun);
      this.#forget(id, begun);
    }, PATIENCE_MS);
    return this.#store.probes.get(id);
  }

  /** The rest of the file will not come: the run is `cancelled`. Any other run is left as it is. */
  cancel(id: number): void {
    const begun = this.#unfinished.get(id);
    if (begun === undefined) return;
    this.#unfinished.delete(id);
    this.#drop(begun);
    this.#store.probes.update(id, { state: 'cancelled' });
  }

  /** The lab closes: what is unfinished is interrupted. */
  abandon(): void {
    this.#isClosed = true;
    for (const { patience } of this.#unfinished.values()) clearTimeout(patience ?? undefined);
    this.#unfinished.clear();
  }

  #drop({ file, patience }: Unfinished): void {
    clearTimeout(patience ?? undefined);
    void this.#worker.request('dropQlog', { file }).catch(() => null);
  }

  #forget(id: number, begun: Unfinished): void {
    if (this.#unfinished.get(id) !== begun) return;
    this.#unfinished.delete(id);
    this.#store.probes.remove(id);
  }

  #keep(id: number, read: ReadQlog): ProbeRun {
    const { probes } = this.#store;
    this.#unfinished.delete(id);
    probes.append(id, [{ vantage: read.vantage, series: read.series }]);
    return probes.update(id, { state: 'done', target: read.title, result: resultOf(read) });
  }
}

const waitsForNone = (id: number): LabError =>
  new LabError('RL_NOT_FOUND', `Run ${id} waits for no part of a file`, { field: 'continues' });

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
    ...NOTHING_MEASURED,
    durationUs,
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
        migrations: null,
        congestionResets: null,
      },
    ],
    detail: null,
  };
}
