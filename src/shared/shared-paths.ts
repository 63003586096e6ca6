/** Settings of experiments in which several transports meet one path: controllers side by side, and QUIC against TCP. */
import { z } from 'zod';
import { Controller, Emulation } from './domain.ts';

const repeat = z.number().int().min(1).max(1000).default(1);

/** Each flow has a thread of its own. */
export const MOST_FLOWS = 16;

export const FairnessSettings = z
  .strictObject({
    flows: z.array(Controller).min(2).max(MOST_FLOWS),
    /** When each begins, in seconds. */
    startsS: z.array(z.number().min(0).max(3600)).min(2).max(MOST_FLOWS),
    emulation: Emulation,
    direction: z.enum(['upload', 'download']),
    durationS: z.number().min(1).max(3600),
    /** Left out after the last flow began. */
    warmUpS: z.number().min(0).max(3600),
    repeat,
  })
  .refine(({ flows, startsS }) => flows.length === startsS.length, {
    path: ['startsS'],
    message: 'is not a time for each flow',
  })
  .refine(({ startsS, warmUpS, durationS }) => Math.max(...startsS) + warmUpS < durationS, {
    path: ['warmUpS'],
    message: 'leaves nothing of the duration to measure',
  });
export type FairnessSettings = z.infer<typeof FairnessSettings>;

export const CompareSettings = z.strictObject({
  emulation: Emulation,
  /** How TCP passes it (docs/tcp-baseline.md). */
  path: z.enum(['tunnel', 'relay']),
  mode: z.enum(['download', 'upload', 'handshake']).default('download'),
  pairs: z.number().int().min(1).max(10_000).default(8),
  /** Of each transfer. */
  durationS: z.number().min(0.5).max(600).default(5),
  controller: Controller.default('cubic'),
  /** Of the kernel's TCP in a tunnel; null: that of QUIC where the machine allows it, else the machine's. */
  tcpCongestion: z.string().max(15).nullable().default(null),
  repeat,
});
export type CompareSettings = z.infer<typeof CompareSettings>;
