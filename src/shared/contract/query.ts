import { z } from 'zod';

/** REST query strings carry text; RPC carriers carry numbers. Both are accepted, neither is guessed at. */
export const queryNumber = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d+(\.\d+)?$/, 'not a number')
    .transform(Number),
]);
