import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readInto, writeArchive } from '../../../src/main/store/archive/files.ts';
import type { Row } from '../../../src/main/store/archive/tables.ts';
import { openStore, type Store } from '../../../src/main/store/index.ts';
import { openUpkeep } from '../../../src/main/store/rollups/upkeep.ts';
import { keepUp } from '../rollups/support.ts';
import { tempDir } from '../temp.ts';
import { anyMeasured, storeMeasured } from './experiment.ts';

const rowsOf = (store: Store, id: number): Record<string, Row[]> =>
  Object.fromEntries(store.archived(id).map(({ table, parts }) => [table.name, [...parts()].flat()]));

/** Runs `work` with a store of its own, in a fresh folder. */
async function inFreshStore<T>(work: (store: Store) => T | Promise<T>): Promise<T> {
  const dataDir = tempDir();
  const store = openStore({ dataDir, schedule: () => () => {} });
  try {
    return await work(store);
  } finally {
    store.close();
    rmSync(dataDir, { recursive: true });
  }
}

test.each(['jsonl', 'csv', 'parquet'] as const)('an experiment loses nothing through %s', async (format) => {
  const dir = tempDir();
  let n = 0;
  await fc.assert(
    fc.asyncProperty(anyMeasured, async (measured) => {
      const [first, second] = [join(dir, `${++n}`), join(dir, `${n}-again`)];
      const before = await inFreshStore(async (store) => {
        const id = storeMeasured(store, measured);
        await writeArchive(first, format, store.archived(id));
        return rowsOf(store, id);
      });
      await inFreshStore(async (store) => {
        const into = store.unarchive();
        expect(await readInto(into, first, 'first', 0)).toBe(true);
        expect(
          store.experiments.list().total +
            store.probes.list({ limit: 1, before: Number.MAX_SAFE_INTEGER }).length,
        ).toBe(0);
        const id = into.commit();
        expect(rowsOf(store, id)).toEqual(before);
        expect(store.experiments.get(id).runs).toMatchObject({ done: 2, failed: 1 });
        await writeArchive(second, format, store.archived(id));
        expect(readFileSync(second).equals(readFileSync(first))).toBe(true);
      });
    }),
    // Parquet takes a thread for each table.
    { numRuns: format === 'parquet' ? 2 : 8 },
  );
});

test('an import that is given up, or whose lab dies, leaves nothing', async () => {
  const dir = tempDir();
  const path = join(dir, 'a.jsonl');
  const [measured] = fc.sample(anyMeasured, { numRuns: 1, seed: 1 });
  await inFreshStore(async (store) => {
    const id = storeMeasured(store, measured!);
    await writeArchive(path, 'jsonl', store.archived(id));
    const given = store.unarchive();
    await readInto(given, path, 'a', 0);
    given.discard();
    expect(store.experiments.list().total).toBe(1);
  });
  const dataDir = tempDir();
  const dying = openStore({ dataDir, schedule: () => () => {} });
  await readInto(dying.unarchive(), path, 'a', 0);
  dying.close();
  const again = openStore({ dataDir, schedule: () => () => {} });
  const upkeep = openUpkeep({ dataDir });
  keepUp(upkeep);
  upkeep.close();
  const into = again.unarchive();
  await readInto(into, path, 'a', 0);
  // Its ids are free again, so nothing was left.
  expect(into.commit()).toBe(1);
  upkeep.close();
  again.close();
});
