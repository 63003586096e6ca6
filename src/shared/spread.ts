import { z } from 'zod';

/** Two quantiles of some times. */
export const Spread = z.object({ p50: z.number(), p95: z.number() });
