/** Comma-separated values (RFC 4180) that a spreadsheet takes for data only. */

type CsvValue = string | number | null;

/**
 * One cell. What was not measured is empty. A text that a spreadsheet would take for a formula — it begins with =, +, - or @,
 * or with a character that is skipped ahead of them — has an apostrophe ahead; numbers are written as they are.
 */
function csvCell(value: CsvValue): string {
  if (value === null) return '';
  if (typeof value === 'number') return csvNumber(value);
  const text = /^[\s]*[=+\-@]|^[\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** As Prometheus writes them: NaN, +Inf, -Inf. */
export const csvNumber = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? '+Inf' : value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value);

/** One line, its end included. */
export const csvLine = (values: readonly CsvValue[]): string => `${values.map(csvCell).join(',')}\r\n`;
