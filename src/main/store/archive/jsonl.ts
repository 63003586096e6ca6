/** Archives as JSON lines: one row a line, which names its table as `record`. The first line says what the file is. */
import { parseBounded } from './bounded-json.ts';
import type { ArchivedTable } from './export.ts';
import { invalid, tableOf } from './rows.ts';
import type { ArchiveTable, Row, Value } from './tables.ts';

/** Of archives in any format; raised when an older lab could not read them. */
export const ARCHIVE_VERSION = 1;
const HEADER = `{"record":"routelab-archive","version":${ARCHIVE_VERSION}}`;
/** A manifest, notes and a run's intervals are the longest. */
const LONGEST_LINE = 32_000_000;
/** Rows handed on at once, and characters of them. */
const PART = { rows: 5000, chars: 8_000_000 } as const;

/** Whether a text begins as such an archive does. */
export const isJsonl = (head: string): boolean => head.trimStart().startsWith('{"record":"routelab-archive"');

export function requireVersion(version: unknown): void {
  if (version === ARCHIVE_VERSION) return;
  const newer = typeof version === 'number' && version > ARCHIVE_VERSION;
  throw invalid(
    newer
      ? `an archive of version ${version}, of a newer RouteLab; this one reads up to ${ARCHIVE_VERSION}`
      : 'an archive without a version',
  );
}

export function* jsonlParts(tables: readonly ArchivedTable[]): Generator<string> {
  yield `${HEADER}\n`;
  for (const { table, parts } of tables) {
    const keys = table.columns.map(({ name, type }) => ({
      key: `,${JSON.stringify(name)}:`,
      isJson: type === 'json',
    }));
    const begin = `{"record":${JSON.stringify(table.name)}`;
    for (const rows of parts()) {
      let text = '';
      for (const row of rows) {
        text += begin;
        for (const [i, { key, isJson }] of keys.entries())
          text += key + (isJson ? (row[i] ?? 'null') : JSON.stringify(row[i]));
        text += '}\n';
      }
      yield text;
    }
  }
}

/** Takes the text in parts; `onRows` gets the rows of one table at a time. Throws RL_INPUT_INVALID with the line. */
export class JsonlReader {
  readonly #onRows: (table: ArchiveTable, rows: Row[]) => void;
  #rest = '';
  #line = 0;
  #table: ArchiveTable | null = null;
  #rows: Row[] = [];
  #chars = 0;
  #known: (ReturnType<typeof tableOf> & { shape: string }) | null = null;

  constructor(onRows: (table: ArchiveTable, rows: Row[]) => void) {
    this.#onRows = onRows;
  }

  push(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop()!;
    if (this.#rest.length > LONGEST_LINE) throw invalid(`a line of over ${LONGEST_LINE} characters`);
    for (const line of lines) this.#take(line);
  }

  end(): void {
    if (this.#rest !== '') this.#take(this.#rest);
    if (this.#line === 0) throw invalid('is empty');
    this.#flush();
  }

  #take(line: string): void {
    this.#line++;
    if (line.trim() === '') return;
    // Editors of some systems put a byte order mark before the text.
    const { record, ...fields } = this.#parse(this.#line === 1 ? line.replace(/^\uFEFF/, '') : line);
    if (this.#line === 1) {
      if (record !== 'routelab-archive') throw invalid('is no archive of RouteLab');
      requireVersion(fields['version']);
      return;
    }
    if (typeof record !== 'string') throw invalid(`line ${this.#line}: names no record`);
    const { table, order } = this.#tableOf(record, Object.keys(fields));
    const isFull = this.#rows.length >= PART.rows || this.#chars + line.length > PART.chars;
    if (table !== this.#table || isFull) this.#flush();
    this.#table = table;
    this.#chars += line.length;
    const values = Object.values(fields);
    this.#rows.push(
      table.columns.map(({ type }, i) => {
        const value = values[order[i]!];
        return type === 'json' && value !== null ? JSON.stringify(value) : (value as Value);
      }),
    );
  }

  /** Of one line after another it is mostly the same. */
  #tableOf(record: string, columns: readonly string[]): ReturnType<typeof tableOf> {
    const shape = `${record},${columns.join()}`;
    if (shape !== this.#known?.shape) this.#known = { shape, ...tableOf(record, columns) };
    return this.#known;
  }

  #parse(line: string): Record<string, unknown> {
    let value: unknown;
    try {
      // A line holds the JSON of its fields.
      value = parseBounded(line, 1);
    } catch (cause) {
      throw invalid(`line ${this.#line} ${(cause as Error).message}`, cause);
    }
    if (value === null || typeof value !== 'object' || Array.isArray(value))
      throw invalid(`line ${this.#line} is no object`);
    return value as Record<string, unknown>;
  }

  #flush(): void {
    if (this.#table !== null && this.#rows.length > 0) this.#onRows(this.#table, this.#rows);
    this.#rows = [];
    this.#chars = 0;
  }
}
