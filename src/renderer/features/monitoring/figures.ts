/** The charts of the system: what each shows, of the newest sample and over time. */
import type { SystemColumn, SystemSample } from '../../../shared/monitoring.ts';
import { formatBytes, formatDuration, formatPercent, formatRate } from '../../../shared/units.ts';

interface Figure {
  name: string;
  column: SystemColumn;
  /** Index of a hue. */
  hue: number;
  dash: number[];
}

export interface SystemChart {
  title: string;
  figures: readonly Figure[];
  format: (value: number) => string;
}

const figure = (name: string, column: SystemColumn, hue: number, dash: number[] = []): Figure => ({
  name,
  column,
  hue,
  dash,
});
const DASHED = [5, 3];
const DOTTED = [2, 2];

/** CPU of a process in cores, as a percentage of one. */
export const CHARTS: readonly SystemChart[] = [
  {
    title: 'CPU',
    figures: [figure('machine', 'machineCpu', 0), figure('lab, of one core', 'processCpu', 6, DASHED)],
    format: (value) => formatPercent(value),
  },
  {
    title: 'Memory of the lab',
    figures: [
      figure('RSS', 'rssBytes', 0),
      figure('heap', 'heapUsedBytes', 6, DASHED),
      figure('external', 'externalBytes', 2, DOTTED),
    ],
    format: formatBytes,
  },
  {
    title: 'Event-loop lag',
    figures: [
      figure('p50', 'loopLagP50Us', 0),
      figure('p99', 'loopLagP99Us', 6, DASHED),
      figure('max', 'loopLagMaxUs', 2, DOTTED),
    ],
    format: (value) => formatDuration(value),
  },
  {
    title: 'Probes’ connections',
    figures: [figure('received', 'probeReceivedBps', 0), figure('sent', 'probeSentBps', 6, DASHED)],
    format: (value) => formatRate(value),
  },
];

interface Reading {
  name: string;
  value: number | null;
  text: string;
}

/** What the newest sample says beside the charts. */
export function readings(sample: SystemSample): Reading[] {
  const of = (name: string, value: number | null, format: (value: number) => string): Reading => ({
    name,
    value,
    text: value === null ? '–' : format(value),
  });
  return [
    of('Memory free', sample.memoryFreeBytes, formatBytes),
    of('of', sample.memoryTotalBytes, formatBytes),
    of('Disk free', sample.diskFreeBytes, formatBytes),
    of('Load 1 min', sample.load1, (value) => value.toFixed(2)),
    of('Samples given up', sample.droppedSamples, String),
  ];
}
