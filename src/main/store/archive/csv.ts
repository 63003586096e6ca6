/** A table of an archive as CSV. */
import { CsvReader, csvLine } from '../../../shared/csv.ts';
import type { ArchivedTable } from './export.ts';
import { invalid, tableOf } from './rows.ts';
import type { ArchiveTable, Column, Row, Value } from './tables.ts';

export function* csvParts({ table, parts }: ArchivedTable): Generator<string> {
  yield csvLine(table.columns.map(({ name }) => name));
  for (const rows of parts()) yield rows.map((row) => csvLine(row)).join('');
}

/** Takes the text in parts and gives the rows of each. */
export class CsvTableReader {
  readonly #name: string;
  readonly #csv = new CsvReader();
  #columns: { table: ArchiveTable; order: number[] } | null = null;

  constructor(name: string) {
    this.#name = name;
  }

  push(text: string): { table: ArchiveTable; rows: Row[] } | null {
    return this.#rowsOf(this.#csv.push(text));
  }

  end(): { table: ArchiveTable; rows: Row[] } | null {
    const last = this.#csv.end();
    return last === null ? null : this.#rowsOf([last]);
  }

  #rowsOf(records: Iterable<(string | null)[]>): { table: ArchiveTable; rows: Row[] } | null {
    const rows: Row[] = [];
    for (const record of records) {
      if (this.#columns === null) {
        this.#columns = tableOf(
          this.#name,
          record.map((name) => name ?? ''),
        );
        continue;
      }
      const { table, order } = this.#columns;
      if (record.length !== table.columns.length)
        throw invalid(`${this.#name}: a row of ${record.length} fields, not ${table.columns.length}`);
      rows.push(table.columns.map((column, i) => cellOf(column, record[order[i]!]!)));
    }
    return this.#columns === null ? null : { table: this.#columns.table, rows };
  }
}

/** A number that is none is NaN, which no column takes. */
function cellOf({ type }: Column, text: string | null): Value {
  if (text === null || type === 'text' || type === 'json') return text;
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
}
