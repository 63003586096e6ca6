/**
 * Reads what a congestion controller did off a qlog file of any implementation: main-schema-02 (0.3) to -14, contained or
 * sequential, and the arrays of draft-00 and -01 that picoquic and mvfst write. Sans-IO: text in, a series out. What it keeps is
 * bounded, however long the file.
 */
import { type CongestionSeries, decimateSeries, emptySeries } from '../../../shared/congestion-series.ts';
import { BANDWIDTH_FIELD } from './changes.ts';
import type { Json } from './frames.ts';
import { invalid, QlogScanner } from './scan.ts';

/** Points kept; with twice as many, they are taken together. */
const MAX_POINTS = 20_000;
const MAX_TITLE_CHARS = 200;
/** Longest time and largest figure that are taken for what they say. */
const MAX_VALUE = 2 ** 50;

export interface ReadQlog {
  title: string;
  vantage: 'client' | 'server';
  series: CongestionSeries;
  packetsSent: number;
  /** Without probes of the path's MTU: a size that does not pass says nothing of the path (RFC 9000 §14.4). */
  packetsLost: number;
  /** The newest of each, as far as the file has it. */
  newest: Metrics;
  durationUs: number;
}

/** In the units of CongestionSeries. */
interface Metrics {
  cwndBytes: number | null;
  inFlightBytes: number | null;
  pacingBps: number | null;
  bandwidthBps: number | null;
  rttUs: number | null;
  minRttUs: number | null;
  smoothedRttUs: number | null;
}

/** How one trace writes its times and figures. */
interface Conventions {
  vantage: 'client' | 'server';
  isDelta: boolean;
  /** Of times, and of round trips. */
  unitUs: number;
  /** Bits per second of the trace's pacing_rate unit. */
  rateUnit: number;
  /** draft-01: names of the fields of an event that is a list. */
  fields: readonly string[] | null;
}

/** Names of the figures, by implementation and draft: the first that is there counts. */
const FIGURES = {
  cwndBytes: ['congestion_window', 'cwnd', 'current_cwnd'],
  inFlightBytes: ['bytes_in_flight'],
  pacingBps: ['pacing_rate'],
  bandwidthBps: [BANDWIDTH_FIELD, 'bandwidth_estimate', 'delivery_rate'],
  rttUs: ['latest_rtt'],
  minRttUs: ['min_rtt'],
  smoothedRttUs: ['smoothed_rtt'],
} as const satisfies Record<keyof Metrics, readonly string[]>;
const ROUND_TRIPS: ReadonlySet<string> = new Set(['rttUs', 'minRttUs', 'smoothedRttUs']);

const METRIC_EVENTS = new Set([
  'metrics_updated',
  'recovery_metrics_updated',
  'metric_update',
  'congestion_metric_update',
]);
const LOSS_EVENTS = new Set(['packet_lost', 'packets_lost']);
const NO_METRICS: Metrics = {
  cwndBytes: null,
  inFlightBytes: null,
  pacingBps: null,
  bandwidthBps: null,
  rttUs: null,
  minRttUs: null,
  smoothedRttUs: null,
};

/** Throws LabError RL_INPUT_INVALID, field `text`, for what is no qlog or tells nothing of a congestion controller. */
export class QlogReader {
  readonly #scanner = new QlogScanner({
    onEvents: (text) => this.#begin(parse(text)),
    onEvent: (text) => this.#event(parse(text)),
    onRecord: (text) => this.#record(parse(text)),
  });
  #title = '';
  #conventions: Conventions | null = null;
  #traces = 0;
  /** The trace that is read: the first that tells of a congestion controller. */
  #chosen = 0;
  #originUs: number | null = null;
  /** Sum of the times so far, where each is the time since the event before. */
  #sumUs = 0;
  #newestUs = 0;
  #series = emptySeries();
  #metrics: Metrics = { ...NO_METRICS };
  #packetsSent = 0;
  #packetsLost = 0;

  push(text: string): void {
    this.#scanner.push(text);
  }

  end(): ReadQlog {
    this.#scanner.end();
    if (this.#conventions === null) throw invalid('it has neither a header nor events');
    // States alone are a series too: a point for each of them, or there would be no time that they lie in.
    if (this.#series.tUs.length === 0) for (const { fromUs } of this.#series.phases) this.#add(fromUs);
    const { series } = this.#thinned(MAX_POINTS);
    if (series.tUs.length === 0)
      throw invalid('it tells nothing of a congestion controller (recovery:metrics_updated)');
    const which = this.#traces > 1 ? ` (trace ${this.#chosen} of ${this.#traces})` : '';
    return {
      title: `${this.#title}${which}`,
      vantage: this.#conventions.vantage,
      series,
      packetsSent: this.#packetsSent,
      packetsLost: this.#packetsLost,
      newest: this.#metrics,
      durationUs: this.#newestUs,
    };
  }

  /** A trace within a document begins: what stands before its events says how they are written. */
  #begin(document: unknown): void {
    const header = requireHeader(document);
    const traces = Array.isArray(header['traces']) ? header['traces'] : [header['trace']];
    this.#traces++;
    if (this.#chosen !== 0) return;
    this.#restart(header, traces.at(-1));
  }

  #record(record: unknown): void {
    // A record of a sequence or of lines; a document whose events were read already has nothing new.
    if (this.#traces > 0 && isObject(record) && !('name' in record)) {
      if (isHeader(record) && Array.isArray(record['traces'])) this.#check(record);
      return;
    }
    if (this.#traces > 0) this.#event(record);
    else {
      const header = requireHeader(record);
      if (Array.isArray(header['traces'])) throw invalid('it has no trace with events');
      this.#traces = 1;
      this.#restart(header, header['trace']);
    }
  }

  /** What follows the events may contradict what was taken for granted before them. */
  #check(document: Json): void {
    const trace = (document['traces'] as unknown[])[this.#chosen === 0 ? 0 : this.#chosen - 1];
    const late = conventionsOf(document, trace);
    const { unitUs, isDelta, vantage } = this.#conventions!;
    if (late.unitUs !== unitUs || late.isDelta !== isDelta)
      throw invalid('its events come before what says how their times are written');
    if (late.vantage !== vantage) this.#conventions = { ...this.#conventions!, vantage: late.vantage };
  }

  #restart(header: Json, trace: unknown): void {
    this.#conventions = conventionsOf(header, trace);
    this.#title = titleOf(header, trace);
    this.#originUs = null;
    this.#sumUs = 0;
    this.#newestUs = 0;
    this.#packetsSent = 0;
    this.#packetsLost = 0;
    this.#metrics = { ...NO_METRICS };
  }

  #event(record: unknown): void {
    // One trace tells enough; where it does, the others are only counted.
    if (this.#chosen !== 0 && this.#chosen !== this.#traces) return;
    const event = eventOf(record, this.#conventions!);
    if (event === null) return;
    const { name, data } = event;
    const tUs = this.#timeOf(event.time);
    if (name === 'packet_sent') this.#packetsSent++;
    else if (LOSS_EVENTS.has(name)) {
      if (data['is_mtu_probe_packet'] === true) return;
      this.#packetsLost++;
      if (this.#chosen !== 0) this.#add(tUs);
    } else if (name === 'congestion_state_updated') this.#state(tUs, data['new'] ?? data['state']);
    else if (METRIC_EVENTS.has(name) && this.#takeMetrics(data)) {
      this.#chosen = this.#traces;
      this.#add(tUs);
      if (name === 'congestion_metric_update') this.#state(tUs, data['state']);
    }
  }

  /** Microseconds since the first event, never falling. */
  #timeOf(time: number | null): number {
    const { isDelta, unitUs } = this.#conventions!;
    if (time === null) return this.#newestUs;
    const atUs = time * unitUs;
    if (isDelta) this.#sumUs += atUs;
    const absoluteUs = isDelta ? this.#sumUs : atUs;
    this.#originUs ??= absoluteUs;
    const tUs = Math.min(MAX_VALUE, Math.round(absoluteUs - this.#originUs));
    if (tUs > this.#newestUs) this.#newestUs = tUs;
    return this.#newestUs;
  }

  #state(tUs: number, state: unknown): void {
    if (typeof state !== 'string' || state === '') return;
    this.#chosen = this.#traces;
    const { phases } = this.#series;
    const name = state.slice(0, 64);
    if (phases.at(-1)?.state === name) return;
    phases.push({ fromUs: tUs, state: name });
    this.#series = this.#thinned(2 * MAX_POINTS).series;
  }

  /** Whether the event brought a figure. */
  #takeMetrics(data: Json): boolean {
    const { unitUs, rateUnit } = this.#conventions!;
    let isAny = false;
    for (const [figure, names] of Object.entries(FIGURES) as [keyof Metrics, readonly string[]][]) {
      const value = names.map((name) => numberOf(data[name])).find((found) => found !== null);
      if (value === undefined) continue;
      isAny = true;
      const unit = ROUND_TRIPS.has(figure) ? unitUs : figure === 'pacingBps' ? rateUnit : 1;
      this.#metrics[figure] = Math.min(MAX_VALUE, Math.round(value * unit));
    }
    return isAny;
  }

  #add(tUs: number): void {
    const { cwndBytes, inFlightBytes, pacingBps, bandwidthBps, rttUs, minRttUs } = this.#metrics;
    const rows = this.#series;
    rows.tUs.push(tUs);
    rows.cwndBytes.push(cwndBytes);
    rows.inFlightBytes.push(inFlightBytes);
    rows.pacingBps.push(pacingBps);
    rows.bandwidthBps.push(bandwidthBps);
    rows.rttUs.push(rttUs);
    rows.minRttUs.push(minRttUs);
    rows.lostPackets.push(this.#packetsLost);
    this.#series = this.#thinned(2 * MAX_POINTS).series;
  }

  #thinned(limit: number): { series: CongestionSeries } {
    const series = this.#series;
    const isLong = series.tUs.length > limit || series.phases.length > limit;
    return { series: isLong ? decimateSeries(series, { points: MAX_POINTS }) : series };
  }
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid('a part of it is not JSON', cause);
  }
}

/** main-schema-14 §3 names its schema, all before it a version. */
const isHeader = (record: Json): boolean =>
  typeof record['qlog_version'] === 'string' ||
  (typeof record['file_schema'] === 'string' && record['file_schema'].includes('qlog'));

function requireHeader(record: unknown): Json {
  if (isObject(record) && isHeader(record)) return record;
  throw invalid('its header names no qlog_version and no qlog schema');
}

function titleOf(header: Json, trace: unknown): string {
  const point = isObject(trace) && isObject(trace['vantage_point']) ? trace['vantage_point'] : {};
  const names = [
    header['title'],
    isObject(trace) ? trace['title'] : null,
    point['name'],
    header['qlog_version'],
  ];
  const name = names.find((each): each is string => typeof each === 'string' && each.trim() !== '');
  return (name ?? 'qlog').trim().slice(0, MAX_TITLE_CHARS);
}

function conventionsOf(header: Json, trace: unknown): Conventions {
  const of = (value: unknown): Json => (isObject(value) ? value : {});
  const { vantage_point, common_fields, configuration, event_fields } = of(trace);
  const point = of(vantage_point);
  // draft-00 and -01 have the unit in a configuration, and mean round trips too; all others write milliseconds.
  const unit = of(configuration)['time_units'] ?? of(configuration)['time_unit'];
  const format = of(common_fields)['time_format'];
  const side = point['type'] === 'network' ? point['flow'] : point['type'];
  const writer = `${String(header['title'])} ${String(point['name'])}`.toLowerCase();
  return {
    vantage: side === 'server' ? 'server' : 'client',
    isDelta: format === 'delta' || format === 'relative_to_previous_event',
    unitUs: unit === 'us' ? 1 : 1000,
    // quiche logs bytes per second where the drafts have bits.
    rateUnit: writer.includes('quiche') ? 8 : 1,
    fields: Array.isArray(event_fields) ? event_fields.map((name) => String(name).toLowerCase()) : null,
  };
}

interface Event {
  /** In the trace's unit; null where it cannot be read. */
  time: number | null;
  /** Without its category, in lower case. */
  name: string;
  data: Json;
}

/** Null for what is no event. */
function eventOf(record: unknown, { fields }: Conventions): Event | null {
  if (Array.isArray(record)) {
    const of = (...names: string[]): unknown => {
      const at = (fields ?? []).findIndex((field) => names.includes(field));
      return at < 0 ? undefined : record[at];
    };
    return made(of('relative_time', 'time', 'delta_time'), of('event', 'event_type', 'name'), of('data'));
  }
  if (!isObject(record)) return null;
  return made(record['time'] ?? record['relative_time'], record['name'] ?? record['event'], record['data']);
}

function made(time: unknown, name: unknown, data: unknown): Event | null {
  if (typeof name !== 'string') return null;
  const own = name.slice(name.indexOf(':') + 1).toLowerCase();
  return { time: numberOf(time), name: own, data: isObject(data) ? data : {} };
}

/** mvfst writes numbers as strings. */
function numberOf(value: unknown): number | null {
  const number = typeof value === 'string' && /^\d{1,20}(\.\d{1,20})?$/.test(value) ? Number(value) : value;
  return typeof number === 'number' && number >= 0 && Number.isFinite(number) ? number : null;
}
