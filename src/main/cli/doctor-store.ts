/** What `routelab doctor` says of a data folder’s database. */
import { join } from 'node:path';
import { toLabError } from '../../shared/errors.ts';
import { Configuration } from '../lab/index.ts';
import { reportStore, type StoreReport } from '../store/report.ts';

export interface Check {
  name: string;
  state: 'ok' | 'warn' | 'fail';
  value: string;
  /** What to do about it; absent when ok. */
  hint?: string;
}

/** A lab works the log off every half a minute: one so long was left by something else. */
const LONG_LOG_BYTES = 256 * 2 ** 20;
/** Beyond this part of the file, empty pages are worth a word. */
const MUCH_FREE = 0.5;
const DAY_MS = 86_400_000;

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

interface StoreCheckOptions {
  isFull: boolean;
  /** Its lab.yaml; else the one in the data folder, if there is one. */
  config?: string | undefined;
  env?: Readonly<Record<string, string | undefined>>;
  nowMs?: number;
}

export function storeChecks(dataDir: string, options: StoreCheckOptions): Check[] {
  const { isFull, nowMs = Date.now() } = options;
  let report: StoreReport | null;
  try {
    report = reportStore(dataDir, isFull);
  } catch (thrown) {
    const { message, hint } = toLabError(thrown);
    return [{ name: 'store', state: 'fail', value: message, hint }];
  }
  if (report === null) return [{ name: 'store', state: 'ok', value: 'no database yet' }];
  return [
    integrity(report, isFull),
    samples(report, nowMs),
    rollups(report),
    retention(dataDir, report, options),
  ];
}

function integrity({ bytes, logBytes, freeBytes, givesBack }: StoreReport, isFull: boolean): Check {
  const free = `${megabytes(freeBytes)} of it free${givesBack ? '' : ', which stays in the file'}`;
  const sizes = `${megabytes(bytes)}, ${free}, log ${megabytes(logBytes)}`;
  const value = `${isFull ? 'sound to the last index' : 'sound'}; ${sizes}`;
  if (logBytes > LONG_LOG_BYTES) {
    const hint = 'A program that reads the database keeps its log from being worked off; end it.';
    return { name: 'store', state: 'warn', value, hint };
  }
  if (!givesBack && freeBytes > MUCH_FREE * bytes) {
    const hint =
      'New samples will fill it. To give it back: stop the lab and run VACUUM with sqlite3 (docs/store.md).';
    return { name: 'store', state: 'warn', value, hint };
  }
  return { name: 'store', state: 'ok', value };
}

function samples({ oldestMs, newestMs }: StoreReport, nowMs: number): Check {
  if (oldestMs === null || newestMs === null) return { name: 'samples', state: 'ok', value: 'none' };
  const value = `pings from ${new Date(oldestMs).toISOString()} to ${new Date(newestMs).toISOString()}`;
  return newestMs > nowMs + DAY_MS
    ? {
        name: 'samples',
        state: 'warn',
        value,
        hint: 'The newest lie ahead of this machine’s clock; check the clock.',
      }
    : { name: 'samples', state: 'ok', value };
}

function rollups({ oldestMinuteMs, oldestHourMs, due, unmarkedRuns }: StoreReport): Check {
  const since = (ms: number | null): string => (ms === null ? 'none' : `since ${day(ms)}`);
  const value = `minutes ${since(oldestMinuteMs)}, hours ${since(oldestHourMs)}, ${due} due`;
  return unmarkedRuns === 0
    ? { name: 'roll-ups', state: 'ok', value }
    : {
        name: 'roll-ups',
        state: 'warn',
        value: `${value}; ${unmarkedRuns} runs of an earlier version wait`,
        hint: 'Start the lab: it rolls them up beside measuring.',
      };
}

/** As the lab of this folder would have it: what it keeps, its lab.yaml, the environment. */
function retention(
  dataDir: string,
  { settings }: StoreReport,
  { config, env = {} }: StoreCheckOptions,
): Check {
  try {
    const file = { path: config ?? join(dataDir, 'lab.yaml'), required: config !== undefined };
    const configuration = new Configuration({ file, env });
    configuration.setKept(settings);
    const { raw_days, rollup_days } = configuration.values.store;
    const value = `samples are kept ${raw_days} days, minutes ${rollup_days}, hours for good`;
    return { name: 'retention', state: 'ok', value };
  } catch (thrown) {
    const { message, hint } = toLabError(thrown);
    return { name: 'retention', state: 'fail', value: message, hint };
  }
}
