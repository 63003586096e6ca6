/** The spans of time a chart can show; those of a day and more are made of roll-ups. The buckets keep a percentile worth its name and a point per few pixels. */
export const WINDOWS = {
  '1m': { label: '1 min', ms: 60_000, bucketMs: 1_000 },
  '5m': { label: '5 min', ms: 300_000, bucketMs: 2_000 },
  '15m': { label: '15 min', ms: 900_000, bucketMs: 5_000 },
  '1h': { label: '1 h', ms: 3_600_000, bucketMs: 15_000 },
  '1d': { label: '1 d', ms: 86_400_000, bucketMs: 300_000 },
  '7d': { label: '7 d', ms: 604_800_000, bucketMs: 1_800_000 },
  '30d': { label: '30 d', ms: 2_592_000_000, bucketMs: 3_600_000 },
} as const;

export type WindowId = keyof typeof WINDOWS;

export const WINDOW_IDS = Object.keys(WINDOWS) as WindowId[];
