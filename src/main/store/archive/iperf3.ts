/**
 * What `iperf3 -J` prints, as a run (iperf 3.1 to 3.17, TCP and UDP, either direction or both). Its figures keep their meaning:
 * goodput is what the receiver counted.
 */
import { z } from 'zod';
import { LabError } from '../../../shared/errors.ts';
import type { Metrics } from '../../../shared/experiments.ts';

const count = z.number().min(0).max(Number.MAX_SAFE_INTEGER);
const figure = count.optional();

const Sum = z.object({
  start: figure,
  end: figure,
  seconds: figure,
  bytes: figure,
  bits_per_second: figure,
  retransmits: figure,
  jitter_ms: figure,
  lost_packets: figure,
  packets: figure,
  lost_percent: figure,
});
type Sum = z.infer<typeof Sum>;

const Stream = z.object({
  sender: Sum.extend({ min_rtt: figure, mean_rtt: figure, max_rtt: figure }).optional(),
  receiver: Sum.optional(),
  udp: Sum.optional(),
});

const Iperf3 = z.object({
  title: z.string().max(1000).optional(),
  start: z.object({
    version: z.string().max(200).optional(),
    system_info: z.string().max(1000).optional(),
    timestamp: z.object({ timesecs: count }).optional(),
    connecting_to: z.object({ host: z.string().max(300), port: count }).optional(),
    test_start: z
      .object({
        protocol: z.string().max(20),
        num_streams: figure,
        blksize: figure,
        omit: figure,
        duration: figure,
        bytes: figure,
        reverse: z.number().optional(),
        bidir: z.number().optional(),
        target_bitrate: figure,
      })
      .optional(),
    tcp_mss_default: figure,
  }),
  intervals: z
    .array(z.object({ sum: Sum.optional(), sum_bidir_reverse: Sum.optional() }))
    .max(100_000)
    .default([]),
  end: z
    .object({
      streams: z.array(Stream).max(1000).default([]),
      sum: Sum.optional(),
      sum_sent: Sum.optional(),
      sum_received: Sum.optional(),
      sum_sent_bidir_reverse: Sum.optional(),
      sum_received_bidir_reverse: Sum.optional(),
      sender_tcp_congestion: z.string().max(100).optional(),
      receiver_tcp_congestion: z.string().max(100).optional(),
    })
    .partial(),
  error: z.string().max(1000).optional(),
});

export interface Iperf3Run {
  /** Unix milliseconds; null where the file does not say. */
  startedAtMs: number | null;
  endedAtMs: number | null;
  parameters: Record<string, unknown>;
  result: Metrics;
  error: string | null;
}

const invalid = (message: string): LabError =>
  new LabError('RL_INPUT_INVALID', `file: ${message}`, { field: 'file' });

/** Whether parsed JSON looks like iperf3's. */
export const isIperf3 = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'start' in value && 'intervals' in value && 'end' in value;

/** Throws RL_INPUT_INVALID for what is not iperf3's, and for a test that failed before anything was measured. */
export function readIperf3(value: unknown): Iperf3Run {
  const parsed = Iperf3.safeParse(value);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw invalid(`is not what iperf3 -J prints: ${path.join('.')}: ${message}`);
  }
  const { start, intervals, end, error = null, title } = parsed.data;
  const test = start.test_start;
  const isReverse = test?.reverse === 1;
  const isBoth = test?.bidir === 1;
  const isUdp = test?.protocol === 'UDP';
  // Of UDP before 3.17 there is only `sum`, which is the receiver's.
  const received = end.sum_received ?? end.sum;
  if (received === undefined && error !== null) throw invalid(`iperf3 measured nothing: ${error}`);
  if (received === undefined)
    throw invalid('iperf3 summed up nothing: end.sum_received and end.sum are missing');
  const result: Metrics = {};
  const add = (
    name: string,
    value: number | undefined,
    unit: string | null,
    better: 'lower' | 'higher' | null,
  ): void => {
    if (value !== undefined) result[name] = { value, unit, better };
  };
  const way = isReverse ? 'down' : 'up';
  const addWay = (direction: 'up' | 'down', sum: Sum | undefined): void => {
    add(`goodput_${direction}`, sum?.bits_per_second, 'bps', 'higher');
    add(`bytes_${direction}`, sum?.bytes, 'bytes', null);
  };
  addWay(way, received);
  if (isBoth) addWay('down', end.sum_received_bidir_reverse);
  add('retransmits', end.sum_sent?.retransmits, null, 'lower');
  if (isUdp) {
    const { jitter_ms, lost_percent, packets, lost_packets } = { ...end.sum, ...received };
    add('jitter', jitter_ms === undefined ? undefined : jitter_ms * 1000, 'us', 'lower');
    add('loss_ratio', lost_percent === undefined ? undefined : lost_percent / 100, 'ratio', 'lower');
    add('packets', packets, null, null);
    add('lost_packets', lost_packets, null, 'lower');
  }
  const senders = (end.streams ?? []).flatMap(({ sender }) => (sender === undefined ? [] : [sender]));
  const rtt = (name: 'min_rtt' | 'mean_rtt' | 'max_rtt'): number[] =>
    senders.flatMap((sender) => (sender[name] === undefined || sender[name] === 0 ? [] : [sender[name]]));
  const [least, means, most] = [rtt('min_rtt'), rtt('mean_rtt'), rtt('max_rtt')];
  if (least.length > 0) add('rtt_min', Math.min(...least), 'us', 'lower');
  if (means.length > 0) add('rtt_mean', means.reduce((a, b) => a + b) / means.length, 'us', 'lower');
  if (most.length > 0) add('rtt_max', Math.max(...most), 'us', 'lower');

  const startedAtMs = start.timestamp === undefined ? null : start.timestamp.timesecs * 1000;
  const lastS = Math.max(received.end ?? received.seconds ?? 0, intervals.at(-1)?.sum?.end ?? 0);
  return {
    startedAtMs,
    endedAtMs: startedAtMs === null ? null : startedAtMs + lastS * 1000,
    parameters: {
      program: start.version ?? 'iperf3',
      ...(title !== undefined && { title }),
      ...(start.system_info !== undefined && { system: start.system_info }),
      ...(start.connecting_to !== undefined && start.connecting_to),
      ...test,
      ...(end.sender_tcp_congestion !== undefined && { controller: end.sender_tcp_congestion }),
      intervals: intervals.flatMap(({ sum, sum_bidir_reverse }) =>
        sum ? [{ ...sum, ...(sum_bidir_reverse && { reverse: sum_bidir_reverse }) }] : [],
      ),
    },
    result,
    error,
  };
}
