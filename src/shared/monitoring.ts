/** How the lab and its machine are doing: samples of the system and the health of the lab's parts. */
import { z } from 'zod';

const HealthStatus = z.enum(['healthy', 'degraded', 'unhealthy']);

/** The lab's threads. */
const THREADS = [
  'probe',
  'relay',
  'endpoint',
  'transfers',
  'pings',
  'reader',
  'loader',
  'runRelay',
  'runEndpoint',
  'cellRelay',
  'cellEndpoint',
  'upkeep',
] as const;
export type ThreadName = (typeof THREADS)[number];

/** What the health of the lab is told of. */
const SERVICES = [
  'store',
  ...THREADS,
  'data_sources',
  'exporter',
  'monitoring',
  'alerts',
  'webhooks',
] as const;
export type ServiceName = (typeof SERVICES)[number];

export const Health = z.object({
  status: HealthStatus,
  /** `detail` says what is wrong. */
  services: z.record(z.enum(SERVICES), z.object({ status: HealthStatus, detail: z.string().optional() })),
});
export type Health = z.infer<typeof Health>;

/**
 * One sample of the system. Rates and CPU are those since the sample before, so the first sample has none; CPU of a
 * process or thread is in cores (2 is two cores busy), that of the machine the busy part of all its cores.
 */
export const SystemSample = z.object({
  atMs: z.number(),
  processCpu: z.number().nullable(),
  rssBytes: z.number(),
  heapUsedBytes: z.number(),
  heapTotalBytes: z.number(),
  externalBytes: z.number(),
  /** Delay of the event loop that serves pages and API, since the sample before. */
  loopLagP50Us: z.number().nullable(),
  loopLagP99Us: z.number().nullable(),
  loopLagMaxUs: z.number().nullable(),
  machineCpu: z.number().nullable(),
  /** Null where the system has no such figure. */
  load1: z.number().nullable(),
  memoryTotalBytes: z.number(),
  memoryFreeBytes: z.number(),
  /** Of the file system that holds the data folder. */
  diskFreeBytes: z.number().nullable(),
  diskTotalBytes: z.number().nullable(),
  /** UDP payload of the routes' connections, from the transport's own counters. */
  probeSentBps: z.number().nullable(),
  probeReceivedBps: z.number().nullable(),
  /** Samples given up since the lab was opened, because they could not be stored. */
  droppedSamples: z.number().int(),
  /** Of them those of the last minute, or since the sample before where that is longer ago. */
  droppedLately: z.number().int(),
  /** CPU of each worker thread, cores; null between two samples of it. */
  threads: z.array(z.object({ name: z.enum(THREADS), cpu: z.number().nullable() })),
  /** Of the whole machine, since it was started (/proc/net/dev); empty where there is no such file. */
  interfaces: z.array(z.object({ name: z.string(), receivedBytes: z.number(), sentBytes: z.number() })),
});
export type SystemSample = z.infer<typeof SystemSample>;

/** The figures of a sample that have a history. */
export const SYSTEM_COLUMNS = [
  'processCpu',
  'rssBytes',
  'heapUsedBytes',
  'heapTotalBytes',
  'externalBytes',
  'loopLagP50Us',
  'loopLagP99Us',
  'loopLagMaxUs',
  'machineCpu',
  'load1',
  'memoryTotalBytes',
  'memoryFreeBytes',
  'diskFreeBytes',
  'diskTotalBytes',
  'probeSentBps',
  'probeReceivedBps',
  'droppedSamples',
] as const satisfies readonly (keyof SystemSample)[];
export type SystemColumn = (typeof SYSTEM_COLUMNS)[number];

/** Least and greatest value of each figure in each bucket that has a sample, oldest first. */
export const SystemSeries = z.object({
  bucketMs: z.number().positive(),
  /** Start of each bucket. */
  tMs: z.array(z.number()),
  columns: z.record(
    z.enum(SYSTEM_COLUMNS),
    z.object({ min: z.array(z.number().nullable()), max: z.array(z.number().nullable()) }),
  ),
});
export type SystemSeries = z.infer<typeof SystemSeries>;

export const MonitoringNow = z.object({
  health: Health,
  /** Null before the first sample. */
  sample: SystemSample.nullable(),
  /** Seconds between two samples, and between two checks of the rules. */
  collectS: z.number(),
  checkS: z.number(),
  /** How long samples are kept. */
  keepS: z.number(),
});
export type MonitoringNow = z.infer<typeof MonitoringNow>;
