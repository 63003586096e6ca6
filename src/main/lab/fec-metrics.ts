/** What the lab's own probe runs with FEC came to, for the exporter: one account of all, since a run is no route. */
import type { ProbeResult } from '../../shared/probes.ts';
import type { Exporter } from '../telemetry/exporter.ts';
import { fecReading } from '../telemetry/fec-reading.ts';

/** Returns what is to be told each result of a run, those so far too. */
export function fecMetrics(exporter: Exporter): (runId: number, result: ProbeResult) => void {
  const totals = exporter.totals('client');
  let fecRedundancyRatio: number | null = null;
  exporter.add({ labels: {}, read: () => ({ fec: totals.read().fec, fecRedundancyRatio }) });
  return (runId, { detail }) => {
    if (detail?.kind !== 'fec') return;
    const reading = fecReading(detail);
    fecRedundancyRatio = reading.fecRedundancyRatio;
    totals.fec(reading.fec, runId);
  };
}
