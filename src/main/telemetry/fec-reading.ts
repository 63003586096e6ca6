/** What a measurement with FEC tells the exporter: both directions together. */
import type { FecFigures } from '../../shared/fec.ts';
import type { DetailOf } from '../../shared/probe-details.ts';
import type { FecCounters } from './source.ts';

export function fecReading({ up, down }: Pick<DetailOf<'fec'>, 'up' | 'down'>): {
  fec: FecCounters;
  fecRedundancyRatio: number | null;
} {
  const ways = [up, down].filter((way) => way !== null);
  const sum = (of: (way: FecFigures) => number): number => ways.reduce((all, way) => all + of(way), 0);
  const source = sum((way) => way.sentSource);
  return {
    fec: {
      recoveredPackets: sum((way) => way.recovered),
      unrecoverablePackets: sum((way) => way.unrecoverable),
    },
    fecRedundancyRatio: source === 0 ? null : sum((way) => way.sentRepair) / source,
  };
}
