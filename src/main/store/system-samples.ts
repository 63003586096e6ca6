/** The table of system samples: kept for a stated time, read as least and greatest per bucket. */
import {
  SYSTEM_COLUMNS,
  type SystemColumn,
  type SystemSample,
  type SystemSeries,
} from '../../shared/monitoring.ts';
import type { WriteHandle } from './handles.ts';

export interface SystemSampleTable {
  add(sample: SystemSample): void;
  series(fromMs: number, toMs: number, bucketMs: number): SystemSeries;
}

const columnOf = (name: SystemColumn): string =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

export function systemSampleTable(db: WriteHandle): SystemSampleTable {
  // A clock that was set back can come by the same moment twice.
  const insert = db.command<[Record<string, number | null>]>(
    `INSERT OR REPLACE INTO system_sample (at_ms, ${SYSTEM_COLUMNS.map(columnOf).join(', ')})
     VALUES (@atMs, ${SYSTEM_COLUMNS.map((name) => `@${name}`).join(', ')})`,
  );
  const extremes = SYSTEM_COLUMNS.map(
    (name) => `min(${columnOf(name)}) AS min_${name}, max(${columnOf(name)}) AS max_${name}`,
  );
  const read = db.query<[number, number, number], Record<string, number | null>>(
    `SELECT CAST(at_ms / ? AS INTEGER) AS bucket, ${extremes.join(', ')}
     FROM system_sample WHERE at_ms >= ? AND at_ms < ? GROUP BY bucket ORDER BY bucket`,
  );
  return {
    add: (sample) => {
      const row: Record<string, number | null> = { atMs: sample.atMs };
      for (const name of SYSTEM_COLUMNS) row[name] = sample[name];
      insert.run(row);
    },
    series: (fromMs, toMs, bucketMs) => {
      const rows = read.all(bucketMs, fromMs, toMs);
      const column = (name: string): (number | null)[] => rows.map((row) => row[name]!);
      return {
        bucketMs,
        tMs: rows.map(({ bucket }) => bucket! * bucketMs),
        columns: Object.fromEntries(
          SYSTEM_COLUMNS.map((name) => [name, { min: column(`min_${name}`), max: column(`max_${name}`) }]),
        ) as SystemSeries['columns'],
      };
    },
  };
}
