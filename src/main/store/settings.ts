/** The settings that the lab itself keeps, by path. */
import type { WriteHandle } from './handles.ts';

export interface SettingTable {
  all(): Map<string, unknown>;
  replace(values: ReadonlyMap<string, unknown>): void;
}

export function settingTable(db: WriteHandle): SettingTable {
  const all = db.query<[], { path: string; value: string }>('SELECT path, value FROM setting');
  const clear = db.command<[]>('DELETE FROM setting');
  const insert = db.command<[string, string]>('INSERT INTO setting (path, value) VALUES (?, ?)');
  return {
    all: () => new Map(all.all().map(({ path, value }) => [path, JSON.parse(value) as unknown])),
    replace: (values) =>
      db.transaction(() => {
        clear.run();
        for (const [path, value] of values) insert.run(path, JSON.stringify(value));
      }),
  };
}
