/**
 * What `/metrics` says of every source and of this process. Values are read when they are asked for: what is not known has
 * no sample, and what is no longer so disappears.
 */
import type { RouteStatus } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import type { SampleBatch } from '../../shared/samples.ts';
import {
  CONTENT_TYPE,
  ExpositionWriter,
  type Family,
  type Format,
  labelText,
  negotiate,
} from './exposition.ts';
import { bucketBounds } from './histogram.ts';
import { processMetrics } from './process-metrics.ts';
import { type Emit, QUIC_FAMILIES } from './quic-families.ts';
import { type RouteIdentity, RouteSource, routeLabels } from './route-source.ts';
import { Slices } from './slices.ts';
import type { MetricsSource, Role, SourceLabels } from './source.ts';
import { SourceTotals } from './totals.ts';

export const LABEL_SETS = ['full', 'minimal'] as const;

export interface ExporterOptions {
  /** `minimal` leaves `server` and `congestion` out. Default full. */
  labels?: (typeof LABEL_SETS)[number] | undefined;
  /** Buckets of the handshake histogram beside +Inf; as of `bucketBounds`. */
  histogramBuckets?: number | undefined;
}

interface Rendered {
  contentType: string;
  body: Buffer;
}

/** The families of one subject, as they are now. */
type FamilyReader = (format: Format) => Iterable<Family> | Promise<Iterable<Family>>;

export interface Exporter {
  /**
   * Adds a source; what it returns takes it away again, and with it its series. Throws RL_CONFLICT where another has the same
   * labels: Prometheus refuses series that come twice.
   */
  add(source: MetricsSource): () => void;
  /** Counters for a source to be added; `role` is that of its end. */
  totals(role: Role): SourceTotals;
  /** Adds families of another subject than QUIC. A family of which nothing was measured has no samples. */
  include(read: FamilyReader): void;
  /**
   * Takes a route's newest status and the samples it came with, each once. A route whose server or controller
   * changed starts new series, counting from zero; with minimal labels they go on.
   */
  observe(route: RouteIdentity, status: RouteStatus, batch?: SampleBatch): void;
  /** Takes samples of a run of the route alone: that is cheap, and a status is only wanted where somebody scrapes. */
  count(route: RouteIdentity, runId: number, batch: SampleBatch): void;
  /** Ends all series of a route. */
  forget(routeId: string): void;
  /** The exposition in the format an HTTP Accept header asks for. */
  render(accept?: string): Promise<Rendered>;
}

export function createExporter({ labels: set = 'full', histogramBuckets }: ExporterOptions = {}): Exporter {
  const boundsS = bucketBounds(histogramBuckets);
  /** By their labels as they are written. */
  const sources = new Map<string, MetricsSource>();
  const routes = new Map<string, { key: string; source: RouteSource }>();
  const readers: FamilyReader[] = [processMetrics()];
  /** What the rendering before wrote into, unless another is under way. */
  let spare: Buffer | undefined;

  const totals = (role: Role): SourceTotals => new SourceTotals(role, boundsS);
  const textOf = ({ route, server, congestion }: SourceLabels): string =>
    labelText(set === 'minimal' ? { route } : { route, server, congestion });
  const add = (key: string, source: MetricsSource): void => {
    if (sources.has(key))
      throw new LabError('RL_CONFLICT', `Two sources of metrics have the labels {${key}}`);
    sources.set(key, source);
  };
  const forget = (routeId: string): void => {
    const known = routes.get(routeId);
    if (known === undefined) return;
    sources.delete(known.key);
    routes.delete(routeId);
  };

  const sourceOf = (identity: RouteIdentity): RouteSource => {
    const labels = routeLabels(identity);
    const key = textOf(labels);
    const known = routes.get(identity.id);
    if (known?.key === key) return known.source;
    forget(identity.id);
    const source = new RouteSource(labels, totals('client'));
    add(key, source);
    routes.set(identity.id, { key, source });
    return source;
  };

  return {
    add: (source) => {
      const key = textOf(source.labels);
      add(key, source);
      return () => {
        if (sources.get(key) === source) sources.delete(key);
      };
    },
    totals,
    include: (read) => void readers.push(read),
    observe: (identity, status, batch) => {
      const source = sourceOf(identity);
      source.status = status;
      if (batch !== undefined) source.totals.add(batch, status.runId);
    },
    count: (identity, runId, batch) => sourceOf(identity).totals.add(batch, runId),
    forget,
    render: async (accept) => {
      const format = negotiate(accept);
      const slices = new Slices();
      const writer = new ExpositionWriter(format, spare);
      spare = undefined;
      await writeQuic(sources, writer, format, slices);
      await slices.pause();
      for (const read of readers) writer.families(await read(format));
      writer.end();
      const body = writer.take();
      spare = writer.bytes;
      return { contentType: CONTENT_TYPE[format], body };
    },
  };
}

/** Every source is read once and at the same time, as far as slices allow. */
async function writeQuic(
  sources: ReadonlyMap<string, MetricsSource>,
  writer: ExpositionWriter,
  format: Format,
  slices: Slices,
): Promise<void> {
  const readings = [];
  for (const [labels, source] of [...sources]) {
    readings.push({ labels, reading: source.read() });
    if (slices.isOver) await slices.pause();
  }
  let own = '';
  const emit: Emit = (value, more = '', suffix = '') => {
    if (typeof value !== 'number') return;
    writer.sample(own === '' || more === '' ? own + more : `${own},${more}`, value, suffix);
  };
  for (const family of QUIC_FAMILIES) {
    writer.begin(family);
    for (const { labels, reading } of readings) {
      own = labels;
      family.write(reading, emit, format);
      if (slices.isOver) await slices.pause();
    }
  }
}
