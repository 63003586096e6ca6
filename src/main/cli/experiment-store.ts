/** The store of a data folder, for commands that measure nothing: no lab is started. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from '../../shared/errors.ts';
import type { Experiment } from '../../shared/experiments.ts';
import { defaultDataDir } from '../store/data-dir.ts';
import { openStore, type Store } from '../store/index.ts';

export const DATA_HELP = 'data folder of the lab (default: that of serve)';

interface Wanted {
  data: string | undefined;
  mustExist: boolean;
  /** `work` writes nothing, so that a lab may hold the folder. */
  reads?: true;
}

/** Opens the store for `work` and closes it. Throws what `openStore` throws: RL_DATA_IN_USE where a lab runs, unless `work` only reads. */
export async function withStore<T>(
  { data, mustExist, reads }: Wanted,
  work: (store: Store) => T | Promise<T>,
): Promise<T> {
  const dataDir = data ?? defaultDataDir();
  if (mustExist && !existsSync(join(dataDir, 'lab.db')))
    throw new LabError('RL_NOT_FOUND', `--data: ${dataDir} holds no lab`, {
      field: '--data',
      hint: 'Name the data folder that was measured into.',
    });
  const store = open(dataDir, reads === true);
  try {
    return await work(store);
  } finally {
    store.close();
  }
}

function open(dataDir: string, reads: boolean): Store {
  try {
    return openStore({ dataDir });
  } catch (thrown) {
    if (!reads || !(thrown instanceof LabError) || thrown.code !== 'RL_DATA_IN_USE') throw thrown;
    return openStore({ dataDir, readOnly: true });
  }
}

/** By its id, or the newest of this name. Throws RL_NOT_FOUND. */
export function experimentNamed(store: Store, text: string): Experiment {
  if (/^\d{1,15}$/.test(text)) return store.experiments.get(Number(text));
  const found = store.experiments.list().experiments.find(({ name }) => name === text);
  if (found !== undefined) return found;
  throw new LabError('RL_NOT_FOUND', `There is no experiment "${text}"`, {
    field: 'experiment',
    hint: 'List them with: routelab report',
  });
}
