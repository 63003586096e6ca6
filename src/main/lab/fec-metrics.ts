/** What the lab's own probe runs with FEC came to, for the exporter: one account of all, since a run is no route. */
import type { ProbeResult } from '../../shared/probes.ts';
import type { Exporter } from '../telemetry/exporter.ts';
import { fecReading } from '../telemetry/fec-reading.ts';
import type { SourceReading } from '../telemetry/source.ts';

/** `take` is to be told each result of a run, those so far too. */
export function fecMetrics(exporter: Exporter): {
  read: () => Pick<SourceReading, 'fec' | 'fecRedundancyRatio'>;
  take: (runId: number, result: ProbeResult) => void;
} {
  const totals = exporter.totals('client');
  let fecRedundancyRatio: number | null = null;
  return {
    read: () => ({ fec: totals.read().fec, fecRedundancyRatio }),
    take: (runId, { detail }) => {
      if (detail?.kind !== 'fec') return;
      const reading = fecReading(detail);
      fecRedundancyRatio = reading.fecRedundancyRatio;
      totals.fec(reading.fec, runId);
    },
  };
}
