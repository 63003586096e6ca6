/** `--prometheus-port` while a load runs: its sessions, its pings of the last minute, its last second, and its packets with FEC. */
import type { Load } from '../../probe/load.ts';
import type { Exporter } from '../../telemetry/exporter.ts';
import { SessionsSource } from '../../telemetry/sessions-source.ts';
import type { SourceLabels, SourceReading } from '../../telemetry/source.ts';
import type { Protection } from './protection.ts';

/** A newest second that ended longer ago is no last one: what arrives now is not known. */
const LAST_S = 5;

/** Exports until `end`. `onConnected` of both comes first: it is for the options that they connect with. */
export function exportLoad(
  exporter: Exporter,
  labels: SourceLabels,
  { load, protection }: { load: Load; protection: Protection | null },
): SessionsSource {
  const source = new SessionsSource({
    labels,
    totals: exporter.totals('client'),
    beside: () => ({ ...pingsOf(load), ...goodputOf(load), ...fecOf(protection) }),
  });
  exporter.add(source);
  return source;
}

/** Echoes tell more than the acknowledgements that every session has. */
function pingsOf({ pings }: Load): SourceReading {
  if (pings === null || pings.rttTotal.count === 0) return {};
  const { rttUs, jitterUs, lossRatio } = pings.lastMinute;
  return { rttUs, jitterUs, lossRatio, rttTotal: pings.rttTotal };
}

function goodputOf({ newest, elapsedS }: Load): SourceReading {
  const isLast = newest !== null && elapsedS - (newest.fromS + 1) <= LAST_S;
  return { goodputBps: isLast ? { up: newest.goodputBps } : null };
}

function fecOf(protection: Protection | null): SourceReading {
  const figures = protection?.figures() ?? null;
  if (figures === null) return {};
  const { redundancy, recovered, unrecoverable } = figures;
  return {
    fecRedundancyRatio: redundancy,
    fec: { recoveredPackets: recovered, unrecoverablePackets: unrecoverable },
  };
}
