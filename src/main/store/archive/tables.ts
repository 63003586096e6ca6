/**
 * What an experiment's archive holds, table by table. Column names are the database's, with units; `run` in a table of samples
 * is the `id` of a row of `run` (or, of congestion, of `probe_run`) of the same archive.
 */

export interface Column {
  readonly name: string;
  /** `json` is stored as text and, where the format has it, written as JSON. */
  readonly type: 'integer' | 'real' | 'text' | 'json';
  readonly nullable?: true;
}

export interface ArchiveTable {
  readonly name: string;
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

const integer = (name: string): Column => ({ name, type: 'integer' });
const real = (name: string): Column => ({ name, type: 'real' });
const text = (name: string): Column => ({ name, type: 'text' });
const json = (name: string): Column => ({ name, type: 'json' });
const orNull = (column: Column): Column => ({ ...column, nullable: true });

export const EXPERIMENT: ArchiveTable = {
  name: 'experiment',
  columns: [text('name'), text('kind'), text('notes'), json('tags'), real('created_at_ms'), json('manifest')],
};

export const RUN: ArchiveTable = {
  name: 'run',
  columns: [
    integer('id'),
    text('key'),
    integer('repetition'),
    text('state'),
    real('created_at_ms'),
    orNull(real('started_at_ms')),
    orNull(real('ended_at_ms')),
    json('parameters'),
    orNull(json('result')),
    orNull(json('error')),
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
    orNull(json('input')),
    text('target'),
    orNull(text('controller')),
    real('created_at_ms'),
    orNull(real('started_at_ms')),
    orNull(real('ended_at_ms')),
    integer('emulated'),
    integer('insecure'),
    orNull(json('error')),
    orNull(json('result')),
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
