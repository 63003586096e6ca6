/**
 * What an experiment's archive holds, table by table. Column names are the database's, with units; `run` in a table of samples
 * is the `id` of a row of `run` (or, of congestion, of `probe_run`) of the same archive.
 */

import type { ExportTable } from '../../../shared/experiments.ts';

export interface Column {
  readonly name: string;
  /** `json` is stored as text and, where the format has it, written as JSON. */
  readonly type: 'integer' | 'real' | 'text' | 'json';
  readonly nullable?: true;
  /** The largest number, or characters of the longest text. */
  readonly most: number;
}

export interface ArchiveTable {
  readonly name: ExportTable;
  readonly columns: readonly Column[];
}

/** A table of the database that has rows for each run. */
export interface SampleTable extends ArchiveTable {
  /** Columns that, with the run, tell its rows apart and put them in order. */
  readonly key: readonly string[];
}

export type Value = string | number | null;
/** In the order of the table's columns. */
export type Row = readonly Value[];

/** A series is stored as differences, each twice as large and one more (shared/series-codec.ts). */
const MAX_FIGURE = 2 ** 52 - 1;
/** ECMA-262 §21.4.1.1: no date is later. */
const MAX_DATE_MS = 8.64e15;

const integer = (name: string): Column => ({ name, type: 'integer', most: Number.MAX_SAFE_INTEGER });
const real = (name: string): Column => ({ name, type: 'real', most: MAX_FIGURE });
const date = (name: string): Column => ({ name, type: 'real', most: MAX_DATE_MS });
const text = (name: string, most = 1000): Column => ({ name, type: 'text', most });
const json = (name: string, most: number): Column => ({ name, type: 'json', most });
const orNull = (column: Column): Column => ({ ...column, nullable: true });

export const EXPERIMENT: ArchiveTable = {
  name: 'experiment',
  columns: [
    text('name'),
    text('kind'),
    text('notes', 100_000),
    json('tags', 10_000),
    date('created_at_ms'),
    // Of a path with a long schedule; a page lists up to 500 of them.
    json('manifest', 4_000_000),
  ],
};

export const RUN: ArchiveTable = {
  name: 'run',
  columns: [
    integer('id'),
    text('key'),
    integer('repetition'),
    text('state'),
    date('created_at_ms'),
    orNull(date('started_at_ms')),
    orNull(date('ended_at_ms')),
    // iperf3's intervals of a day.
    json('parameters', 24_000_000),
    orNull(json('result', 2_000_000)),
    orNull(json('error', 1_000_000)),
    integer('samples'),
  ],
};

export const PROBE_RUN: ArchiveTable = {
  name: 'probe_run',
  columns: [
    integer('id'),
    text('name'),
    integer('repetition'),
    text('state'),
    orNull(json('input', 4_000_000)),
    text('target'),
    orNull(text('controller')),
    date('created_at_ms'),
    orNull(date('started_at_ms')),
    orNull(date('ended_at_ms')),
    integer('emulated'),
    integer('insecure'),
    orNull(json('error', 1_000_000)),
    orNull(json('result', 16_000_000)),
  ],
};

const run = integer('run');
const atUs = integer('at_us');

/** Every table of samples of the database, in the order in which they are written. */
export const SAMPLES: readonly SampleTable[] = [
  { name: 'ping', key: ['at_us'], columns: [run, atUs, orNull(integer('rtt_us')), integer('loaded')] },
  { name: 'ping_skip', key: ['at_us'], columns: [run, atUs, integer('count')] },
  {
    name: 'transfer',
    key: ['direction', 'at_us'],
    columns: [
      run,
      text('direction'),
      atUs,
      integer('bytes'),
      real('duration_us'),
      orNull(text('error_code')),
    ],
  },
  {
    name: 'handshake',
    key: ['at_us'],
    columns: [run, atUs, orNull(real('duration_us')), orNull(text('error_code')), orNull(text('purpose'))],
  },
  {
    name: 'transport',
    key: ['at_us'],
    columns: [
      run,
      atUs,
      text('controller'),
      real('cwnd_bytes'),
      orNull(real('pacing_bps')),
      integer('bytes_in_flight'),
      orNull(real('smoothed_rtt_us')),
      orNull(real('rtt_var_us')),
      orNull(real('min_rtt_us')),
      integer('packets_sent'),
      integer('packets_received'),
      integer('packets_lost'),
      integer('bytes_sent'),
      integer('bytes_received'),
    ],
  },
];

/** The congestion series of probe runs, decoded. */
export const CONGESTION: ArchiveTable = {
  name: 'congestion',
  columns: [
    run,
    text('vantage'),
    real('t_us'),
    ...[
      'cwnd_bytes',
      'in_flight_bytes',
      'pacing_bps',
      'bandwidth_bps',
      'rtt_us',
      'min_rtt_us',
      'lost_packets',
    ].map((name) => orNull(real(name))),
  ],
};

export const CONGESTION_PHASE: ArchiveTable = {
  name: 'congestion_phase',
  columns: [run, text('vantage'), real('from_us'), text('state')],
};

/** In the order in which they must come: what a row refers to is before it. */
export const TABLES: readonly ArchiveTable[] = [
  EXPERIMENT,
  RUN,
  PROBE_RUN,
  ...SAMPLES,
  CONGESTION,
  CONGESTION_PHASE,
];
