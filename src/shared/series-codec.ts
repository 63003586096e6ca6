/**
 * A congestion series as bytes, about two for each number: what the store keeps and servers send. Numbers are rounded to
 * whole ones; what is not finite is null.
 *
 *     number of points · tUs, as differences · each column of CONGESTION_COLUMNS: 0 for null, else 1 + zigzag(difference to the number before)
 *     number of phases · each: fromUs, as difference · length of its state · the state, UTF-8
 *
 * All numbers are unsigned LEB128, at most 2^53.
 */
import { CONGESTION_COLUMNS, type CongestionSeries, emptySeries } from './congestion-series.ts';
import { LabError } from './errors.ts';

const MAX_STATE_BYTES = 64;
const text = new TextEncoder();

export function encodeSeries(series: CongestionSeries): Uint8Array<ArrayBuffer> {
  const out: number[] = [];
  const put = (value: number): void => {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128);
    out.push(rest);
  };
  put(series.tUs.length);
  let before = 0;
  for (const value of series.tUs) {
    const now = Math.max(before, Math.round(value));
    put(now - before);
    before = now;
  }
  for (const name of CONGESTION_COLUMNS) {
    before = 0;
    for (const value of series[name]) {
      if (value === null || !Number.isFinite(value)) {
        put(0);
        continue;
      }
      const now = Math.round(value);
      const difference = now - before;
      put(1 + (difference < 0 ? -2 * difference - 1 : 2 * difference));
      before = now;
    }
  }
  put(series.phases.length);
  before = 0;
  for (const { fromUs, state } of series.phases) {
    const now = Math.max(before, Math.round(fromUs));
    put(now - before);
    before = now;
    // A longer name is cut within a character at worst, which then reads as U+FFFD.
    const name = text.encode(state).subarray(0, MAX_STATE_BYTES);
    put(name.length);
    out.push(...name);
  }
  return Uint8Array.from(out);
}

/** Throws LabError RL_INPUT_INVALID, field `series`, for bytes that are no series. Makes no more than it was given bytes for. */
export function decodeSeries(bytes: Uint8Array): CongestionSeries {
  let at = 0;
  const take = (): number => {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = bytes[at++];
      if (byte === undefined) throw unreadable('it is cut off');
      value += (byte % 128) * unit;
      if (value > Number.MAX_SAFE_INTEGER) throw unreadable('a number is too large');
      if (byte < 128) return value;
    }
  };
  const sum = (before: number, difference: number): number => {
    const value = before + difference;
    if (!Number.isSafeInteger(value)) throw unreadable('a number is too large');
    return value;
  };
  const series = emptySeries();
  const rows = take();
  // Each point takes a byte in each column.
  if (rows * (1 + CONGESTION_COLUMNS.length) > bytes.length - at) throw unreadable('it is cut off');
  for (let row = 0, tUs = 0; row < rows; row++) {
    tUs = sum(tUs, take());
    series.tUs.push(tUs);
  }
  for (const name of CONGESTION_COLUMNS) {
    for (let row = 0, value = 0; row < rows; row++) {
      const coded = take();
      if (coded === 0) {
        series[name].push(null);
        continue;
      }
      const zigzag = coded - 1;
      value = sum(value, zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2);
      series[name].push(value);
    }
  }
  const decoder = new TextDecoder();
  for (let left = take(), fromUs = 0; left > 0; left--) {
    fromUs = sum(fromUs, take());
    const length = take();
    if (length > MAX_STATE_BYTES || length > bytes.length - at)
      throw unreadable('a state has no such length');
    series.phases.push({ fromUs, state: decoder.decode(bytes.subarray(at, at + length)) });
    at += length;
  }
  if (at !== bytes.length) throw unreadable('something follows it');
  return series;
}

const unreadable = (why: string): LabError =>
  new LabError('RL_INPUT_INVALID', `series: not a congestion series: ${why}`, { field: 'series' });
