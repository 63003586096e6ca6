/** The store of a data folder, for commands that measure nothing: no lab is started, and none may hold the folder. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from '../../shared/errors.ts';
import type { Experiment } from '../../shared/experiments.ts';
import { defaultDataDir } from '../store/data-dir.ts';
import { openStore, type Store } from '../store/index.ts';

export const DATA_HELP = 'data folder of the lab (default: that of serve)';

/** Opens the store for `work` and closes it. Throws RL_DATA_IN_USE where a lab runs, and what `openStore` throws. */
export async function withStore<T>(
  { data, mustExist }: { data: string | undefined; mustExist: boolean },
  work: (store: Store) => T | Promise<T>,
): Promise<T> {
  const dataDir = data ?? defaultDataDir();
  if (mustExist && !existsSync(join(dataDir, 'lab.db')))
    throw new LabError('RL_NOT_FOUND', `--data: ${dataDir} holds no lab`, {
      field: '--data',
      hint: 'Name the data folder that was measured into.',
    });
  const store = openStore({ dataDir });
  try {
    return await work(store);
  } finally {
    store.close();
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
