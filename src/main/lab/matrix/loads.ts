/** Loads for cells: each over an emulated path of its own to a server of the lab's own, sent by a thread of its own. */
import type { ControllerParameters, Emulation } from '../../../shared/domain.ts';
import { LabError } from '../../../shared/errors.ts';
import type { LoadResult, LoadSettings } from '../../../shared/load.ts';
import type { ControllerChoice } from '../../quic/udp/api.ts';
import type { LoadEvent, MeasureWorkerMethods, RelayWorkerMethods } from '../../workers/protocol.ts';
import { OWN_SERVER_NAME, type OwnEndpoint } from '../own-endpoint.ts';
import type { LabWorker } from '../worker.ts';

export interface LoadsOptions {
  worker: Pick<LabWorker<MeasureWorkerMethods>, 'request'>;
  relay: Pick<LabWorker<RelayWorkerMethods>, 'request'>;
  endpoint: Pick<OwnEndpoint, 'address'>;
  /** Throws RL_INPUT_INVALID for a path that cannot be emulated here. */
  requireEmulable: (emulation: Emulation) => Promise<void>;
  /** PEM certificates of the endpoint's authority. */
  ca: readonly string[];
}

interface Asked {
  runId: number;
  load: LoadSettings;
  emulation: Emulation;
  controller: ControllerChoice & { parameters: ControllerParameters };
  /** Of the path's random choices. */
  seed: number;
  signal: AbortSignal;
  onPart: (part: number) => void;
}

/** What came of a load; one that failed says so beside what was measured by then. */
export interface LoadOutcome {
  result: LoadResult;
  error: LabError | null;
}

export class Loads {
  readonly #options: LoadsOptions;
  readonly #underWay = new Map<
    number,
    { onPart: (part: number) => void; over: PromiseWithResolvers<LoadOutcome> }
  >();

  constructor(options: LoadsOptions) {
    this.#options = options;
  }

  /** Rejects with the LabError of a path or a thread that is not there, RL_CANCELLED where `signal` came first. */
  async measure({ runId, load, emulation, controller, seed, signal, onPart }: Asked): Promise<LoadOutcome> {
    const { worker, relay, endpoint, requireEmulable, ca } = this.#options;
    await requireEmulable(emulation);
    const id = `cell-${runId}`;
    const to = await endpoint.address();
    const { host, port } = await relay.request('open', { id, to, emulation, seed });
    const over = Promise.withResolvers<LoadOutcome>();
    over.promise.catch(() => {});
    const cancel = (): void => void worker.request('cancel', { runId }).catch(() => null);
    try {
      if (signal.aborted) throw new LabError('RL_CANCELLED', 'The cell was cancelled.');
      this.#underWay.set(runId, { onPart, over });
      signal.addEventListener('abort', cancel, { once: true });
      const trust = { ca, system: false, insecure: false };
      const connect = { host, port, serverName: OWN_SERVER_NAME, trust, controller };
      await worker.request('startLoad', { runId, connect, plan: load });
      // One that was cancelled before the thread knew of it.
      if (signal.aborted) cancel();
      return await over.promise;
    } finally {
      signal.removeEventListener('abort', cancel);
      this.#underWay.delete(runId);
      // A relay that is gone took the path with it.
      await relay.request('close', { id }).catch(() => null);
    }
  }

  /** For the thread's events. */
  receive(event: LoadEvent): void {
    const load = this.#underWay.get(event.runId);
    if (event.type === 'part') load?.onPart(event.part);
    else
      load?.over.resolve({
        result: event.result,
        error: event.error === null ? null : LabError.fromBody(event.error),
      });
  }

  /** What loads need is gone: their thread, their path or their server. */
  lost(error: LabError): void {
    for (const [runId, { over }] of this.#underWay) {
      over.reject(error);
      void this.#options.worker.request('cancel', { runId }).catch(() => null);
    }
  }
}
