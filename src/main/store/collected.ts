/** Values that data sources (lab.yaml) had, by source, metric and labels. */
import type { WriteHandle } from './handles.ts';

interface CollectedReading {
  /** JSON of the labels, in their order of name. */
  labels: string;
  atMs: number;
  /** Finite. */
  value: number;
}

export interface CollectedTable {
  /** A value that is there already stays as it is. How many there were not. */
  add(source: string, metric: string, readings: readonly CollectedReading[]): number;
  /** The moment of the newest value; null without one. */
  newestMs(source: string, metric: string): number | null;
  /** Oldest first, series by series; at most `limit`. */
  read(
    metric: string,
    fromMs: number,
    toMs: number,
    limit: number,
  ): (CollectedReading & { source: string })[];
}

export function collectedTable(db: WriteHandle): CollectedTable {
  const name = db.command<[string, string, string]>(
    'INSERT INTO collected_series (source, metric, labels) VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const insert = db.command<[number, number, string, string, string]>(
    `INSERT INTO collected_value (series_id, at_ms, value)
     SELECT id, ?, ? FROM collected_series WHERE source = ? AND metric = ? AND labels = ? ON CONFLICT DO NOTHING`,
  );
  const read = db.query<[string, number, number, number], CollectedReading & { source: string }>(
    `SELECT source, labels, at_ms AS atMs, value FROM collected_series JOIN collected_value ON series_id = id
     WHERE metric = ? AND at_ms >= ? AND at_ms < ? ORDER BY id, at_ms LIMIT ?`,
  );
  const newest = db.column<[string, string], number | null>(
    `SELECT max((SELECT max(at_ms) FROM collected_value WHERE series_id = id)) FROM collected_series
     WHERE source = ? AND metric = ?`,
  );
  return {
    add: (source, metric, readings) =>
      db.transaction(() => {
        let added = 0;
        for (const { labels, atMs, value } of readings) {
          name.run(source, metric, labels);
          added += insert.run(atMs, value, source, metric, labels).changes;
        }
        return added;
      }),
    newestMs: (source, metric) => newest.get(source, metric) ?? null,
    read: (metric, fromMs, toMs, limit) => read.all(metric, fromMs, toMs, limit),
  };
}
