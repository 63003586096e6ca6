/**
 * A report: what was measured, in tables and charts, ready to be printed. Numbers are rounded once, here, so that every format
 * prints the same digits.
 */

export interface ReportColumn {
  key: string;
  title: string;
  unit: string | null;
  /** Decimals of its numbers; null prints them as they are. */
  digits: number | null;
}

/** Null: not measured. */
export type ReportCell = string | number | null;

export interface ReportTable {
  id: string;
  title: string;
  columns: ReportColumn[];
  rows: ReportCell[][];
}

/** A limit that was to be kept. */
export interface Gate {
  title: string;
  /** Of a run's result. */
  metric: string;
  relation: 'at most' | 'at least';
  limit: number;
  /** Null: not measured, and so not passed. */
  measured: number | null;
  unit: string | null;
  digits: number;
  passed: boolean;
}

/** Lines over a common x; a null y is a gap. */
export interface ReportChart {
  id: string;
  title: string;
  x: { title: string; unit: string | null };
  y: { title: string; unit: string | null };
  series: { name: string; points: [x: number, y: number | null][] }[];
}

export interface Report {
  title: string;
  createdAtMs: number;
  facts: [name: string, value: string][];
  tables: ReportTable[];
  charts: ReportChart[];
  gates: Gate[];
  manifest: Readonly<Record<string, unknown>> | null;
}

const rounded = (value: number, digits: number): number => Number(value.toFixed(digits));

/** The report with its numbers as they are printed. */
export const createReport = (draft: Report): Report => ({
  ...draft,
  tables: draft.tables.map((table) => ({
    ...table,
    rows: table.rows.map((row) =>
      row.map((cell, i) => {
        const { digits } = table.columns[i]!;
        return typeof cell === 'number' && digits !== null ? rounded(cell, digits) : cell;
      }),
    ),
  })),
  gates: draft.gates.map((gate) => ({
    ...gate,
    measured: gate.measured === null ? null : rounded(gate.measured, gate.digits),
  })),
});

/** A cell as people read it; `absent` where nothing was measured. */
export const formatCell = (
  cell: ReportCell,
  { digits }: { digits: number | null },
  absent: string,
): string =>
  cell === null
    ? absent
    : typeof cell === 'string'
      ? cell
      : digits === null
        ? String(cell)
        : cell.toFixed(digits);

/** `RTT p50 (ms)`. */
export const columnTitle = ({ title, unit }: ReportColumn): string =>
  unit === null ? title : `${title} (${unit})`;

/** The gates as a table: for formats that know nothing else. */
export const gateTable = ({ gates }: Report): ReportTable => ({
  id: 'gates',
  title: 'Gates',
  columns: [
    { key: 'gate', title: 'Gate', unit: null, digits: null },
    { key: 'relation', title: 'Relation', unit: null, digits: null },
    { key: 'limit', title: 'Limit', unit: null, digits: null },
    { key: 'measured', title: 'Measured', unit: null, digits: null },
    { key: 'unit', title: 'Unit', unit: null, digits: null },
    { key: 'passed', title: 'Passed', unit: null, digits: null },
  ],
  rows: gates.map(({ title, relation, limit, measured, unit, passed }) => [
    title,
    relation,
    limit,
    measured,
    unit,
    passed ? 'yes' : measured === null ? 'no: not measured' : 'no',
  ]),
});
