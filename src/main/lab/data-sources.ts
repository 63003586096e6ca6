/**
 * Reads the data sources of the configuration, each at its interval, into the store: a value a step, as far as there is a sample in
 * it, from the newest that is stored on. What one that failed missed meanwhile is read the next time.
 */
import type { Config } from '../../shared/config/schema.ts';
import type { CollectedSeries, DataSourceStatus } from '../../shared/contract/data-sources.ts';
import { type ErrorBody, LabError, toLabError } from '../../shared/errors.ts';
import type { Store } from '../store/index.ts';
import { PrometheusClient } from '../telemetry/prometheus-client.ts';
import type { Log } from './log.ts';

type DataSource = Config['data_sources'][number];

interface Reader {
  readonly source: DataSource;
  readonly ending: AbortController;
  readonly status: DataSourceStatus;
  timer: NodeJS.Timeout | null;
  /** By metric, through when it need not be read again. */
  readonly throughMs: Map<string, number>;
}

/** Of one metric; more would be a query somebody did not think through. */
const MAX_SERIES = 2000;
/** Steps that are read again each time: scrapes come in late, and not all at once. */
const OVERLAP_STEPS = 2;
/** While nothing comes, so much is read again each time: the clocks of both machines may differ. */
const WAIT_MS = 600_000;
/** What is older is not made good. */
const LONGEST_GAP_MS = 86_400_000;
/** Read and stored at once. */
const STEPS_A_PAGE = 100;
/** Values of one request for what was read. */
const MAX_VALUES = 500_000;

export class DataSources {
  readonly #store: Store;
  readonly #log: Log;
  #readers: Reader[] = [];

  constructor({ store, log }: { store: Store; log: Log }) {
    this.#store = store;
    this.#log = log;
  }

  /** Reads these from now on, and no others. One that is as before goes on. */
  use(sources: readonly DataSource[]): void {
    const before = this.#readers;
    this.#readers = sources.map((source) => {
      const same = before.find((reader) => JSON.stringify(reader.source) === JSON.stringify(source));
      return same ?? this.#begin(source);
    });
    for (const reader of before) if (!this.#readers.includes(reader)) end(reader);
  }

  list(): DataSourceStatus[] {
    return this.#readers.map(({ status }) => ({ ...status }));
  }

  /** Why one of them cannot be read; null while all can. */
  get failure(): LabError | null {
    const failed = this.#readers.find(({ status }) => status.error !== null);
    return failed === undefined ? null : LabError.fromBody(failed.status.error as ErrorBody);
  }

  /** Throws RL_INPUT_INVALID for a window that holds too much. */
  values(metric: string, fromMs: number, toMs: number): CollectedSeries[] {
    const rows = this.#store.collected.read(metric, fromMs, toMs, MAX_VALUES + 1);
    if (rows.length > MAX_VALUES) {
      const message = `fromMs: the window holds more than ${MAX_VALUES} values; choose a shorter one`;
      throw new LabError('RL_INPUT_INVALID', message, { field: 'fromMs' });
    }
    const series = new Map<string, CollectedSeries>();
    for (const { source, labels, atMs, value } of rows) {
      const key = `${source} ${labels}`;
      let one = series.get(key);
      if (one === undefined) {
        one = { source, labels: JSON.parse(labels) as Record<string, string>, tMs: [], values: [] };
        series.set(key, one);
      }
      one.tMs.push(atMs);
      one.values.push(value);
    }
    return [...series.values()];
  }

  close(): void {
    for (const reader of this.#readers) end(reader);
    this.#readers = [];
  }

  #begin(source: DataSource): Reader {
    const { url, metrics } = source;
    const status = { url, metrics, readAtMs: null, values: 0, error: null };
    const reader: Reader = {
      source,
      ending: new AbortController(),
      status,
      timer: null,
      throughMs: new Map(),
    };
    void this.#read(reader);
    return reader;
  }

  async #read(reader: Reader): Promise<void> {
    const { source, status, ending } = reader;
    const startedAtMs = performance.now();
    try {
      // A reading that failed is not repeated: the next one comes soon enough.
      const client = new PrometheusClient({
        url: source.url,
        timeoutMs: source.scrape_interval,
        pausesMs: [],
      });
      let values = 0;
      for (const metric of source.metrics) values += await this.#readMetric(reader, client, metric);
      if (ending.signal.aborted) return;
      if (status.error !== null) this.#log.info({ url: source.url }, 'a data source is read again');
      Object.assign(status, { readAtMs: Date.now(), values, error: null });
    } catch (thrown) {
      if (ending.signal.aborted) return;
      const error = toLabError(thrown);
      if (error.message !== status.error?.message)
        this.#log.warn({ code: error.code, reason: error.message }, 'a data source cannot be read');
      status.error = error.toBody();
    }
    const waitMs = Math.max(0, startedAtMs + source.scrape_interval - performance.now());
    reader.timer = setTimeout(() => void this.#read(reader), waitMs);
  }

  /** How many values it had that were not there. Rejects with what `queryRange` rejects with. */
  async #readMetric(
    { source, ending, throughMs }: Reader,
    client: PrometheusClient,
    metric: string,
  ): Promise<number> {
    const { url, scrape_interval: stepMs } = source;
    const { collected } = this.#store;
    const nowMs = Date.now();
    const lastMs = floorTo(nowMs, stepMs);
    const knownMs = throughMs.get(metric) ?? collected.newestMs(url, metric) ?? lastMs;
    const firstMs = floorTo(Math.min(lastMs, Math.max(knownMs, nowMs - LONGEST_GAP_MS)), stepMs);
    // Of a step without a sample there is nothing, where Prometheus by itself tells for five minutes what was before.
    const query = `last_over_time(${metric}[${stepMs}ms])`;
    let added = 0;
    let newestMs = knownMs;
    for (
      let startMs = firstMs - OVERLAP_STEPS * stepMs;
      startMs <= lastMs;
      startMs += STEPS_A_PAGE * stepMs
    ) {
      const endMs = Math.min(lastMs, startMs + (STEPS_A_PAGE - 1) * stepMs);
      const { series } = await client.queryRange(query, { startMs, endMs, stepMs }, ending.signal);
      if (ending.signal.aborted) return added;
      if (series.length > MAX_SERIES)
        throw new LabError('RL_PROMETHEUS_ANSWER', `${url}: ${metric} has more than ${MAX_SERIES} series`);
      const readings = series.flatMap(({ labels, tMs, values }) => {
        const text = JSON.stringify(sorted(labels));
        return values.flatMap((value, i) =>
          Number.isFinite(value) ? [{ labels: text, atMs: tMs[i]!, value }] : [],
        );
      });
      for (const { atMs } of readings) newestMs = Math.max(newestMs, atMs);
      added += collected.add(url, metric, readings);
    }
    throughMs.set(metric, Math.min(lastMs, Math.max(newestMs, nowMs - WAIT_MS)));
    return added;
  }
}

const floorTo = (ms: number, stepMs: number): number => Math.floor(ms / stepMs) * stepMs;

function end({ ending, timer }: Reader): void {
  ending.abort();
  if (timer !== null) clearTimeout(timer);
}

/** `__name__` is the metric. */
const sorted = ({ __name__: _, ...labels }: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(labels).toSorted(([a], [b]) => (a < b ? -1 : 1)));
