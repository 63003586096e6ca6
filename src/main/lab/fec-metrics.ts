/** What the lab's own probe runs with FEC came to, for the exporter: one account of all, since a run is no route. */
import type { ProbeResult } from '../../shared/probes.ts';
import { fecReading } from '../telemetry/fec-reading.ts';
import type { SourceReading } from '../telemetry/source.ts';
import type { SourceTotals } from '../telemetry/totals.ts';

/** `tell` is told each result of a run, those so far too. */
export function fecMetrics(totals: SourceTotals): {
  read(): SourceReading;
  tell(runId: number, result: ProbeResult): void;
} {
  let fecRedundancyRatio: number | null = null;
  return {
    read: () => ({ fec: totals.read().fec, fecRedundancyRatio }),
    tell: (runId, { detail }) => {
      if (detail?.kind !== 'fec') return;
      const reading = fecReading(detail);
      fecRedundancyRatio = reading.fecRedundancyRatio;
      totals.fec(reading.fec, runId);
    },
  };
}
