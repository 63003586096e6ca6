/**
 * `routelab bench store`: the store at scale — a month of one route’s pings inserted, rolled up, charted and deleted again. The
 * peer of an insertion is the same rows put into the same table by better-sqlite3 alone, in the same run.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { RouteInput } from '../../../shared/domain.ts';
import type { PingSample } from '../../../shared/samples.ts';
import { openStore, type Store } from '../../store/index.ts';
import { pings as pingTable } from '../../store/migrations/0003-pings.ts';
import { openUpkeep, type Upkeep } from '../../store/rollups/upkeep.ts';
import { progress } from '../output.ts';
import { against, figure, median, type Row } from './rows.ts';

export interface StoreBenchOptions {
  /** A fiftieth of the pings. */
  quick: boolean;
}

const PINGS = { full: 10_000_000, quick: 200_000 } as const;
/** Rows of one transaction: what a hundred routes at 100 pings/s bring in a second. */
const BATCH = 10_000;
const DAY_MS = 86_400_000;
const MONTH_MS = 30 * DAY_MS;
/** A whole day. */
const FROM_MS = 20_700 * DAY_MS;
const READS = 20;

const REACH = {
  insert: { min: 100_000 },
  plain: { min: 0.4 },
  bytes: { max: 30 },
  rolled: { max: 1.1 },
  chartMs: { max: 100 },
  sliceMs: { max: 50 },
} as const;

export async function benchStore({ quick }: StoreBenchOptions): Promise<Row[]> {
  const count = PINGS[quick ? 'quick' : 'full'];
  const dir = mkdtempSync(join(tmpdir(), 'routelab-bench-'));
  const bar = progress('store', 4);
  let done = 0;
  try {
    const dataDir = join(dir, 'lab');
    const store = openStore({ dataDir });
    try {
      const { routeId, runId } = begin(store);
      const { rate, plainRate, plainBytes } = insertAll(store, runId, join(dir, 'plain.db'), count);
      const upkeep = openUpkeep({ dataDir });
      try {
        upkeep.checkpoint();
        const size = statSync(join(dataDir, 'lab.db')).size;
        bar.update(++done, 'inserted');
        const rolled = rollUp(upkeep);
        upkeep.checkpoint();
        const rolledSize = statSync(join(dataDir, 'lab.db')).size;
        bar.update(++done, 'rolled up');
        const reads = readAll(store, routeId);
        bar.update(++done, 'read');
        const swept = sweep(upkeep);
        bar.update(++done, 'deleted');
        const million = (count / 1e6).toFixed(1);
        return [
          {
            ...figure(`${million} million pings stored`, rate, 'rows/s', REACH.insert),
            note: `in transactions of ${BATCH}, marks for roll-ups among them`,
          },
          against(
            'the same',
            rate,
            'rows/s',
            `better-sqlite3 alone (${plainRate.toFixed(0)})`,
            rate / plainRate,
            REACH.plain,
          ),
          {
            ...figure('a ping in the database', size / count, 'bytes', REACH.bytes),
            note: `${(size / 1e6).toFixed(0)} MB; plain table ${(plainBytes / count).toFixed(1)}`,
          },
          against(
            'the database rolled up',
            rolledSize / 1e6,
            'MB',
            'before',
            rolledSize / size,
            REACH.rolled,
          ),
          {
            ...figure('rolled up', count / rolled.totalS, 'pings/s'),
            note: `${rolled.totalS.toFixed(1)} s, all slices together`,
          },
          figure('longest slice of rolling up', rolled.longestMs, 'ms', REACH.sliceMs),
          ...reads,
          {
            ...figure('deleted', count / swept.totalS, 'pings/s'),
            note: `${swept.totalS.toFixed(1)} s, all slices together`,
          },
          figure('longest slice of deleting', swept.longestMs, 'ms', REACH.sliceMs),
        ];
      } finally {
        upkeep.close();
      }
    } finally {
      store.close();
    }
  } finally {
    bar.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** The ping at `index` of `count`, evenly over the month: RTTs of some 20 ms with a tail, a hundredth lost. */
function pingAt(index: number, count: number): PingSample {
  // Marsaglia’s xorshift of the index, for the same pings in every run.
  let x = index + 1;
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b);
  x = Math.imul(x ^ (x >>> 16), 0x45d9f3b);
  const u = ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
  return {
    atMs: FROM_MS + Math.floor((index * MONTH_MS * 1000) / count) / 1000,
    rttUs: u < 0.01 ? null : Math.round(20_000 - 3000 * Math.log(1 - u)),
    loaded: false,
  };
}

const batchAt = (from: number, count: number): PingSample[] =>
  Array.from({ length: Math.min(BATCH, count - from) }, (_, i) => pingAt(from + i, count));

interface Inserted {
  /** Rows a second. */
  rate: number;
  plainRate: number;
  plainBytes: number;
}

/** The same rows into the store and into a plain table, batch by batch in turn: other load on the machine falls on both. */
function insertAll(store: Store, runId: number, plainPath: string, count: number): Inserted {
  const nothing = { skips: [], transfers: [], handshakes: [], transport: null };
  const db = new Database(plainPath);
  try {
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = NORMAL');
    db.exec(`CREATE TABLE run (id INTEGER PRIMARY KEY); INSERT INTO run VALUES (1); ${pingTable}`);
    const insert = db.prepare('INSERT INTO ping VALUES (?, ?, ?, ?)');
    let ms = 0;
    let plainMs = 0;
    for (let from = 0; from < count; from += BATCH) {
      const pings = batchAt(from, count);
      const began = performance.now();
      db.transaction(() => {
        for (const { atMs, rttUs, loaded } of pings)
          insert.run(1, Math.round(atMs * 1000), rttUs, Number(loaded));
      })();
      const turn = performance.now();
      store.writer.add(runId, { ...nothing, pings });
      store.writer.flush();
      plainMs += turn - began;
      ms += performance.now() - turn;
    }
    db.pragma('wal_checkpoint(TRUNCATE)');
    return {
      rate: (count / ms) * 1000,
      plainRate: (count / plainMs) * 1000,
      plainBytes: statSync(plainPath).size,
    };
  } finally {
    db.close();
  }
}

/** A route with a run, and their ids. */
function begin(store: Store): { routeId: string; runId: number } {
  const input = RouteInput.parse({ name: 'bench', host: '127.0.0.1', port: 4433 });
  const route = store.routes.create(input, { demo: false, enabled: false });
  const experiment = store.experiments.create({ name: 'bench', kind: 'monitor', manifest: {} });
  return { routeId: route.id, runId: store.runs.start(experiment.id, route.id).id };
}

/** Slices until nothing is left, with what is done between them: checkpoints, for which no writer waits. */
function slices(upkeep: Upkeep, step: () => boolean): { totalS: number; longestMs: number } {
  let longestMs = 0;
  let totalMs = 0;
  for (let isMore = true, count = 0; isMore; count++) {
    if (count % 50 === 49) upkeep.checkpoint();
    const began = performance.now();
    isMore = step();
    const ms = performance.now() - began;
    totalMs += ms;
    longestMs = Math.max(longestMs, ms);
  }
  return { totalS: totalMs / 1000, longestMs };
}

const rollUp = (upkeep: Upkeep) => slices(upkeep, () => upkeep.roll());
/** As if the month were long over. */
const sweep = (upkeep: Upkeep) => slices(upkeep, () => upkeep.step(FROM_MS + 3 * MONTH_MS));

function readAll(store: Store, routeId: string): Row[] {
  const toMs = FROM_MS + MONTH_MS;
  const timesOf = (read: () => { source: string }): { ms: number; source: string } => {
    let source = '';
    const times = Array.from({ length: READS }, () => {
      const began = performance.now();
      ({ source } = read());
      return performance.now() - began;
    });
    return { ms: median(times), source };
  };
  const row = (name: string, read: () => { source: string }): Row => {
    const { ms, source } = timesOf(read);
    return {
      ...figure(name, ms, 'ms', REACH.chartMs),
      note: `from ${source === 'raw' ? 'samples' : `${source} roll-ups`}`,
    };
  };
  const chart = (spanMs: number) => () => store.chart(routeId, toMs - spanMs, toMs, spanMs / 300);
  return [
    row('chart of a month', chart(MONTH_MS)),
    row('chart of five days', chart(5 * DAY_MS)),
    row('chart of a day', chart(DAY_MS)),
    row('chart of an hour', chart(DAY_MS / 24)),
    row('statistics of a month', () => store.stats(routeId, FROM_MS, toMs)),
    row('statistics of five days', () => store.stats(routeId, toMs - 5 * DAY_MS, toMs)),
  ];
}
