/**
 * Reads metrics back from a Prometheus: ranges of any length, in pages that it answers, as one table. What was read before
 * something failed is kept, and said to be part of it.
 */
import { LabError, toLabError } from '../../shared/errors.ts';
import { type PrometheusSeries, seriesKey } from './prometheus-answer.ts';
import { type PrometheusClient, type PrometheusReading, TooMuch } from './prometheus-client.ts';

export interface CollectRequest {
  /** PromQL. */
  query: string;
  startMs: number;
  /** Included, if a whole number of steps leads there. */
  endMs: number;
  /** Whole milliseconds. Null asks for the values as of `endMs` alone. */
  stepMs: number | null;
}

/** Prometheus answers at most 11 000 points of a series at once. */
export const PAGE_POINTS = 11_000;
/** Kept in memory at once: of all series together. */
const MAX_POINTS = 5_000_000;

/** Ranges of `metrics` by name, as `data_sources` of lab.yaml has them. Throws RL_INPUT_INVALID, of `metrics`. */
export function requestsOf(
  metrics: readonly string[],
  window: Omit<CollectRequest, 'query'>,
  field = 'metrics',
): CollectRequest[] {
  for (const name of metrics) {
    if (/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name)) continue;
    throw new LabError('RL_INPUT_INVALID', `${field}: "${name}" is no name of a metric`, { field });
  }
  return metrics.map((query) => ({ query, ...window }));
}

/**
 * The pages of a request, oldest first, each as Prometheus answered it. One that would be too long is asked for in halves.
 * Rejects with what `PrometheusClient` rejects with.
 */
async function* collectPages(
  client: PrometheusClient,
  { query, startMs, endMs, stepMs }: CollectRequest,
  signal?: AbortSignal,
): AsyncGenerator<PrometheusReading> {
  if (stepMs === null) {
    yield await client.query(query, endMs, signal);
    return;
  }
  const points = Math.floor((endMs - startMs) / stepMs) + 1;
  let atOnce = PAGE_POINTS;
  for (let from = 0; from < points; ) {
    const count = Math.min(atOnce, points - from);
    const at = (index: number): number => startMs + index * stepMs;
    let page: PrometheusReading;
    try {
      page = await client.queryRange(
        query,
        { startMs: at(from), endMs: at(from + count - 1), stepMs },
        signal,
      );
    } catch (error) {
      if (!(error instanceof TooMuch) || count === 1) throw error;
      atOnce = Math.ceil(count / 2);
      continue;
    }
    from += count;
    yield page;
  }
}

interface Column {
  readonly name: string;
  /** `time` is unix milliseconds. */
  readonly type: 'time' | 'text' | 'number';
}

/** Time, one text for each column of labels (null where the series has no such label), and the value. */
type Row = readonly [timeMs: number, ...labels: (string | null)[], value: number];

interface TableSeries {
  query: string;
  labels: Readonly<Record<string, string>>;
  tMs: number[];
  values: number[];
}

/**
 * Columns: time, every label that a series has (the metric's name first), value; and the query, where there are several and
 * the name does not tell which of them a series answers. Rows series by series, oldest first.
 */
class CollectedTable {
  readonly #series = new Map<string, TableSeries>();
  readonly #queries = new Set<string>();
  #points = 0;

  get points(): number {
    return this.#points;
  }

  get series(): number {
    return this.#series.size;
  }

  /** The next page of a query. Throws RL_INPUT_INVALID where it becomes more than memory should hold. */
  add(query: string, series: readonly PrometheusSeries[]): void {
    const points = series.reduce((sum, { tMs }) => sum + tMs.length, this.#points);
    if (points > MAX_POINTS) {
      throw new LabError('RL_INPUT_INVALID', `query: more than ${MAX_POINTS} points`, {
        field: 'query',
        hint: 'Ask for fewer series, a shorter time or a larger step.',
      });
    }
    this.#points = points;
    this.#queries.add(query);
    for (const { labels, tMs, values } of series) {
      const key = JSON.stringify([query, seriesKey(labels)]);
      const known = this.#series.get(key) ?? { query, labels, tMs: [], values: [] };
      this.#series.set(key, known);
      for (const atMs of tMs) known.tMs.push(atMs);
      for (const value of values) known.values.push(value);
    }
  }

  /** A label that is called as a column of ours has `label_` ahead. */
  get columns(): readonly Column[] {
    const own = ['time', 'metric', 'query', 'value'];
    const title = (label: string): string => (own.includes(label) ? `label_${label}` : label);
    const labels = this.#labels().map((label) => (label === '__name__' ? 'metric' : title(label)));
    return [
      { name: 'time', type: 'time' },
      ...(this.#needsQuery() ? ['query', ...labels] : labels).map((name) => ({
        name,
        type: 'text' as const,
      })),
      { name: 'value', type: 'number' },
    ];
  }

  *rows(): Generator<Row> {
    const names = this.#labels();
    const needsQuery = this.#needsQuery();
    for (const { query, labels, tMs, values } of this.#series.values()) {
      const own = names.map((name) => (Object.hasOwn(labels, name) ? labels[name]! : null));
      if (needsQuery) own.unshift(query);
      for (let i = 0; i < tMs.length; i++) yield [tMs[i]!, ...own, values[i]!];
    }
  }

  #needsQuery(): boolean {
    return (
      this.#queries.size > 1 &&
      [...this.#series.values()].some(({ labels }) => !Object.hasOwn(labels, '__name__'))
    );
  }

  #labels(): string[] {
    const names = new Set([...this.#series.values()].flatMap(({ labels }) => Object.keys(labels)));
    return [...(names.delete('__name__') ? ['__name__'] : []), ...[...names].sort()];
  }
}

export interface Collected {
  table: CollectedTable;
  warnings: readonly string[];
  /** Why it is not all; what was read by then is in the table. */
  error: LabError | null;
}

/** Reads all requests, one after the other, until one fails. Never rejects. `onPage` is told how many points there are. */
export async function collect(
  client: PrometheusClient,
  requests: readonly CollectRequest[],
  { signal, onPage }: { signal?: AbortSignal; onPage?: (points: number) => void } = {},
): Promise<Collected> {
  const table = new CollectedTable();
  const warnings = new Set<string>();
  try {
    for (const request of requests) {
      for await (const page of collectPages(client, request, signal)) {
        for (const warning of page.warnings) warnings.add(warning);
        table.add(request.query, page.series);
        onPage?.(table.points);
      }
    }
    return { table, warnings: [...warnings], error: null };
  } catch (thrown) {
    return { table, warnings: [...warnings], error: toLabError(thrown) };
  }
}
