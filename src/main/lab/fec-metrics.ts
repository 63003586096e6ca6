/** What the lab's own probe runs with FEC came to, for the exporter: one account of all, since a run is no route. */
import type { ProbeResult } from '../../shared/probes.ts';
import { fecReading } from '../telemetry/fec-reading.ts';
import type { SourceReading } from '../telemetry/source.ts';
import type { SourceTotals } from '../telemetry/totals.ts';

/** `totals` are of the client's role; `onResult` is to be told each result of a run, those so far too. */
export function fecMetrics(totals: SourceTotals): {
  onResult: (runId: number, result: ProbeResult) => void;
  read: () => Pick<SourceReading, 'fec' | 'fecRedundancyRatio'>;
} {
  let fecRedundancyRatio: number | null = null;
  return {
    onResult: (runId, { detail }) => {
      if (detail?.kind !== 'fec') return;
      const reading = fecReading(detail);
      fecRedundancyRatio = reading.fecRedundancyRatio;
      totals.fec(reading.fec, runId);
    },
    read: () => ({ fec: totals.read().fec, fecRedundancyRatio }),
  };
}
