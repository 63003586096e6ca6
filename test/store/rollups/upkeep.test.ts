import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { openStore } from '../../../src/main/store/index.ts';
import { migrate } from '../../../src/main/store/migrate.ts';
import { MIGRATIONS } from '../../../src/main/store/migrations/index.ts';
import { openUpkeep } from '../../../src/main/store/rollups/upkeep.ts';
import { NOTHING, startedRoute, tempDir } from '../temp.ts';
import { DAY_MS, HOUR_MS, keepUp, keptStore, pingsEvery, T0 } from './support.ts';

/** Every row of the roll-ups, for comparison. */
function rollupsOf(dataDir: string): unknown[] {
  const db = new Database(join(dataDir, 'lab.db'), { readonly: true });
  const rows = db.prepare('SELECT * FROM rollup ORDER BY route_id, span_s, frozen, at_us').all();
  db.close();
  return rows;
}

test('roll-ups made anew from the samples are the same to the byte', () => {
  const { store, upkeep } = keptStore();
  const { runId } = startedRoute(store);
  const pings = pingsEvery(5000, T0, T0 + 3 * HOUR_MS);
  // Losses resolve late: they come after what was sent later.
  const isLost = ({ rttUs }: { rttUs: number | null }): boolean => rttUs === null;
  for (const part of [pings.filter((ping) => !isLost(ping)), pings.filter(isLost)]) {
    store.writer.add(runId, { ...NOTHING, pings: part });
    store.writer.flush();
    keepUp(upkeep);
  }
  const made = rollupsOf(store.dataDir);
  expect(made.length).toBe(179 + 2);
  const db = new Database(join(store.dataDir, 'lab.db'));
  db.exec('DELETE FROM rollup; INSERT INTO rollup_backfill SELECT id, 0 FROM run');
  db.close();
  keepUp(upkeep);
  expect(rollupsOf(store.dataDir)).toEqual(made);
});

test('a database of the version before is rolled up, in slices, with nothing missing', () => {
  const dataDir = tempDir();
  const version = MIGRATIONS.findIndex((sql) => sql.includes('rollup_backfill'));
  const old = new Database(join(dataDir, 'lab.db'));
  old.pragma('journal_mode = WAL');
  migrate(old, MIGRATIONS.slice(0, version));
  old.exec(`INSERT INTO route (id, name, host, port, controller, ping_rate, transfer_bytes, insecure, tags, colour, demo,
      enabled, created_at_ms) VALUES ('lan', 'lan', 'h', 1, 'cubic', 1, 1, 0, '[]', 0, 0, 1, 0);
    INSERT INTO experiment (id, name, kind, created_at_ms, manifest) VALUES (1, 'e', 'monitor', 0, '{}');
    INSERT INTO run (id, experiment_id, route_id, state, started_at_ms) VALUES (1, 1, 'lan', 'done', 0), (2, 1, 'lan', 'done', 0)`);
  const put = old.prepare('INSERT INTO ping VALUES (?, ?, ?, 0)');
  old.transaction(() => {
    for (const [run, fromMs] of [T0, T0 + 9 * DAY_MS].entries()) {
      for (const { atMs, rttUs } of pingsEvery(30_000, fromMs, fromMs + DAY_MS))
        put.run(run + 1, atMs * 1000, rttUs);
    }
  })();
  old.exec(`INSERT INTO ping_skip VALUES (1, ${(T0 + 2 * DAY_MS) * 1000}, 5)`);
  old.close();

  const store = openStore({ dataDir, maxRawPings: -1, schedule: () => () => {} });
  const window = ['lan', T0, T0 + 20 * DAY_MS] as const;
  expect(store.isReady(...window)).toBe(false);
  const upkeep = openUpkeep({ dataDir });
  keepUp(upkeep);
  expect(store.isReady(...window)).toBe(true);
  const { sent, lost, skipped, rttUs } = store.pingStats(...window);
  expect(store.stats(...window)).toMatchObject({
    sent,
    lost,
    skipped,
    source: 'hour',
    rttUs: { min: rttUs!.min, max: rttUs!.max },
  });
  expect(sent).toBe(2 * 2880);
  expect(skipped).toBe(5);
  upkeep.close();
  store.close();
});

test('empty pages go back to the file system, and a long log is cut short', () => {
  const { store, upkeep } = keptStore();
  const { runId } = startedRoute(store);
  const db = new Database(join(store.dataDir, 'lab.db'));
  const pages = (): number => db.pragma('page_count', { simple: true }) as number;
  store.writer.add(runId, { ...NOTHING, pings: pingsEvery(1, T0, T0 + 150_000) });
  db.exec(
    'CREATE TABLE ballast (x); WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 30000) INSERT INTO ballast SELECT randomblob(3000) FROM c',
  );
  store.writer.flush();
  const full = pages();
  db.exec('DROP TABLE ballast');
  keepUp(upkeep);
  expect(pages()).toBeLessThan(full / 2);
  const log = (): number => (db.pragma('wal_checkpoint(PASSIVE)') as { log: number }[])[0]!.log;
  expect(log()).toBeGreaterThan(0);
  db.close();
  upkeep.checkpoint();
});
