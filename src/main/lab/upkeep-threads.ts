/** What keeps the store in shape: a thread that rolls up and deletes, and one that checks the file. */
import type { Store } from '../store/index.ts';
import type { Retention } from '../store/rollups/retention.ts';
import type { UpkeepEvent, UpkeepWorkerMethods } from '../workers/protocol.ts';
import type { Log } from './log.ts';
import { StoreUpkeep } from './upkeep.ts';
import { LabWorker } from './worker.ts';

/** They start with what is first to be done. */
export function upkeepThreads(options: {
  store: Store;
  log: Log;
  workerUrl: (name: 'upkeep') => URL;
  dataDir: string;
  retention: Retention;
  /** How long samples of the system are kept, seconds. */
  systemS: number;
}) {
  const { store, log, workerUrl, dataDir, retention, systemS } = options;
  const storekeeper = new LabWorker<UpkeepWorkerMethods, UpkeepEvent>({
    name: 'upkeep',
    url: workerUrl('upkeep'),
    log,
    onEvent: (event) => upkeep.receive(event),
    onRestart: () => upkeep.again(),
  });
  const checker = new LabWorker<UpkeepWorkerMethods, UpkeepEvent>({
    name: 'store check',
    url: workerUrl('upkeep'),
    log,
    onEvent: (event) => upkeep.receive(event),
    onRestart: () => upkeep.checkAgain(),
  });
  const upkeep = new StoreUpkeep({
    store,
    worker: storekeeper,
    checker,
    log,
    dataDir,
    retention,
    systemS,
  });
  return { upkeep, worker: storekeeper };
}
