/**
 * What Prometheus' HTTP API answers to `query` and `query_range`, read strictly: whatever is not as its documentation has it
 * is refused as a whole, since half an answer looks like a whole one.
 */
import { LabError } from '../../shared/errors.ts';

export interface PrometheusSeries {
  /** `__name__` among them. */
  readonly labels: Readonly<Record<string, string>>;
  /** Unix milliseconds, rising. */
  readonly tMs: readonly number[];
  /** NaN and ±Infinity included. */
  readonly values: readonly number[];
}

export type PrometheusAnswer =
  | {
      readonly status: 'success';
      readonly series: readonly PrometheusSeries[];
      readonly warnings: readonly string[];
    }
  | { readonly status: 'error'; readonly type: string; readonly message: string };

/** Characters of a message of theirs that are passed on. */
const MAX_MESSAGE = 500;
const MAX_WARNINGS = 20;

/** Throws LabError RL_PROMETHEUS_ANSWER. */
export function parseAnswer(text: string): PrometheusAnswer {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    throw unreadable(`it is no whole JSON (${text.length} characters)`, cause);
  }
  const { status, errorType, error, data, warnings = [], infos = [] } = record(body, 'the answer');
  if (status === 'error') return { status, type: message(errorType), message: message(error) };
  if (status !== 'success') throw unreadable('it has no status');
  const { resultType, result } = record(data, 'data');
  const said = [...list(warnings, 'warnings'), ...list(infos, 'infos')].map(message);
  const read = seriesOf(resultType, result);
  if (read.histograms > 0) said.push(`${read.histograms} native histograms were left out`);
  return { status, series: read.series, warnings: said.slice(0, MAX_WARNINGS) };
}

function seriesOf(
  type: unknown,
  result: unknown,
): { series: readonly PrometheusSeries[]; histograms: number } {
  if (type === 'scalar') return { series: [seriesFrom({}, [result])], histograms: 0 };
  if (type === 'string') throw unreadable('it is a text, not numbers');
  if (type !== 'vector' && type !== 'matrix') throw unreadable('its resultType is unknown');
  const series: PrometheusSeries[] = [];
  const keys = new Set<string>();
  let histograms = 0;
  for (const element of list(result, 'result')) {
    const { metric, value, values, histogram, histograms: many } = record(element, 'a series');
    const labels = labelsOf(metric);
    const points = type === 'vector' ? (value === undefined ? undefined : [value]) : values;
    if (histogram !== undefined || many !== undefined) histograms++;
    if (points === undefined) {
      if (histogram === undefined && many === undefined) throw unreadable('a series has no values');
      continue;
    }
    const key = seriesKey(labels);
    if (keys.has(key)) throw unreadable('a series comes twice');
    keys.add(key);
    series.push(seriesFrom(labels, list(points, 'values')));
  }
  return { series, histograms };
}

/** Equal for equal labels. */
export const seriesKey = (labels: Readonly<Record<string, string>>): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

function labelsOf(metric: unknown): Record<string, string> {
  const entries = Object.entries(record(metric, 'metric'));
  for (const [, text] of entries) if (typeof text !== 'string') throw unreadable('a label is no text');
  return Object.fromEntries(entries) as Record<string, string>;
}

function seriesFrom(labels: Record<string, string>, points: readonly unknown[]): PrometheusSeries {
  const tMs: number[] = [];
  const values: number[] = [];
  for (const point of points) {
    if (!Array.isArray(point) || point.length !== 2) throw unreadable('a point is no pair');
    const [seconds, value] = point as unknown[];
    if (typeof seconds !== 'number' || !Number.isFinite(seconds * 1000))
      throw unreadable('a time is no number');
    const atMs = Math.round(seconds * 1000);
    if (atMs <= (tMs.at(-1) ?? Number.NEGATIVE_INFINITY)) throw unreadable('its times do not rise');
    tMs.push(atMs);
    values.push(parseValue(value));
  }
  return { labels, tMs, values };
}

const SPECIAL: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Inf: Number.POSITIVE_INFINITY,
  '+Inf': Number.POSITIVE_INFINITY,
  '-Inf': Number.NEGATIVE_INFINITY,
};

function parseValue(text: unknown): number {
  if (typeof text !== 'string') throw unreadable('a value is no text');
  if (Object.hasOwn(SPECIAL, text)) return SPECIAL[text]!;
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) throw unreadable('a value is no number');
  return Number(text);
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw unreadable(`${what} is no object`);
  return value as Record<string, unknown>;
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw unreadable(`${what} is no list`);
  return value;
}

/** On one line, without control characters. */
const message = (text: unknown): string =>
  (typeof text === 'string' ? text : '').slice(0, MAX_MESSAGE).replace(/\p{Cc}+/gu, ' ');

export const unreadable = (why: string, cause?: unknown): LabError =>
  new LabError('RL_PROMETHEUS_ANSWER', `The answer of Prometheus cannot be read: ${why}`, { cause });
