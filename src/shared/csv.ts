/**
 * CSV as RFC 4180 has it, with LF. Null is an empty field, an empty text is `""`. A text that a spreadsheet would take for a
 * formula gets an apostrophe before it, as does one that begins with an apostrophe: the reader takes one off again.
 */
import { LabError } from './errors.ts';

type Field = string | number | null;

/**
 * = + - @ and their full-width forms, blanks ahead of them, TAB, CR, LF: what spreadsheets begin formulae with, or skip before one
 * (OWASP, "CSV Injection").
 */
const FORMULA = /^(?:\s*[=+\-@＝＋－＠]|[\t\r\n'])/;

export function csvField(value: Field): string {
  if (value === null) return '';
  if (typeof value === 'number') return csvNumber(value);
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return safe === '' || /[",\n\r\uFEFF]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** As Prometheus writes them: NaN, +Inf, -Inf. */
export const csvNumber = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? '+Inf' : value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);

export const csvLine = (fields: readonly Field[]): string => `${fields.map(csvField).join(',')}\n`;

/** What a text was before `csvField` made it safe. */
const asWritten = (text: string): string =>
  text.startsWith("'") && FORMULA.test(text.slice(1)) ? text.slice(1) : text;

/**
 * Reads records as they come in parts. Fields are texts, null where empty and not quoted. Throws RL_INPUT_INVALID with the line
 * for what is no CSV.
 */
export class CsvReader {
  #field = '';
  #state: 'start' | 'bare' | 'quoted' | 'closed' = 'start';
  #record: (string | null)[] = [];
  /** Characters of the record's fields so far. */
  #chars = 0;
  #line = 1;
  #isBegun = false;
  readonly #longest: number;

  /** A record may have at most so many characters. */
  constructor(longest = 32_000_000) {
    this.#longest = longest;
  }

  /** The records that end within this part. */
  *push(part: string): Generator<(string | null)[]> {
    // As spreadsheets begin their files.
    const text = this.#isBegun ? part : part.replace(/^\uFEFF/, '');
    this.#isBegun ||= part !== '';
    for (let at = 0; at < text.length; ) {
      const char = text[at]!;
      if (this.#state === 'quoted') {
        const end = text.indexOf('"', at);
        this.#add(text.slice(at, end < 0 ? undefined : end));
        if (end < 0) return;
        this.#state = 'closed';
        at = end + 1;
        continue;
      }
      at++;
      if (char === ',') this.#endField();
      else if (char === '\n') yield this.#endRecord();
      // Of a line that ends as Windows has it; elsewhere it must be quoted.
      else if (char === '\r' && (this.#state === 'closed' || text[at] === '\n' || at === text.length))
        continue;
      else if (char === '"' && this.#state === 'start') this.#state = 'quoted';
      else if (char === '"' && this.#state === 'closed') {
        this.#add('"');
        this.#state = 'quoted';
      } else if (char === '"' || this.#state === 'closed') throw this.#invalid('a quote in the wrong place');
      else {
        const rest = /[,\n\r"]/g;
        rest.lastIndex = at;
        const end = rest.exec(text)?.index ?? text.length;
        this.#add(text.slice(at - 1, end));
        this.#state = 'bare';
        at = end;
      }
    }
  }

  /** The record that the file ends in, where its last line has no end. */
  end(): (string | null)[] | null {
    if (this.#state === 'quoted') throw this.#invalid('a quote that is not closed');
    return this.#state === 'start' && this.#record.length === 0 ? null : this.#endRecord();
  }

  #add(part: string): void {
    this.#field += part;
    this.#chars += part.length;
    if (this.#chars > this.#longest) throw this.#invalid(`a record of over ${this.#longest} characters`);
  }

  #endField(): void {
    this.#record.push(this.#state === 'start' ? null : asWritten(this.#field));
    if (this.#record.length > 10_000) throw this.#invalid('over 10000 fields');
    this.#field = '';
    this.#state = 'start';
  }

  #endRecord(): (string | null)[] {
    this.#endField();
    const record = this.#record;
    this.#record = [];
    this.#chars = 0;
    this.#line++;
    return record;
  }

  #invalid(what: string): LabError {
    return new LabError('RL_INPUT_INVALID', `file: line ${this.#line}: ${what}`, { field: 'file' });
  }
}
