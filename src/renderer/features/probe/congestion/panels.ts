/** Which quantities share a panel, how each is written, and where the panels lie. */

import type { CongestionColumn } from '../../../../shared/congestion-series.ts';
import { formatBytes, formatDuration, formatRate } from '../../../../shared/units.ts';

/** Dashes are for what moves little; a line that jitters is thin instead. */
export type Stroke = 'thick' | 'thin' | 'dashed';

export interface Line {
  name: CongestionColumn;
  label: string;
  /** Tells the lines of a panel apart where colour tells the flows apart, or nothing. */
  stroke: Stroke;
}

export interface Panel {
  id: 'window' | 'rate' | 'rtt';
  lines: readonly Line[];
  format: (value: number | null) => string;
  /** Steps of the axis' unit, the greatest first: what one of it is, and its name. */
  units: readonly (readonly [number, string])[];
  /** Whether a short burst far above the rest may leave the panel: a first pacing rate is a guess before the first RTT. */
  mayClip: boolean;
  /** Losses are marked at its foot. */
  marksLosses: boolean;
  /** Share of the height. */
  weight: number;
}

export const PANELS: readonly Panel[] = [
  {
    id: 'window',
    lines: [
      { name: 'cwndBytes', label: 'cwnd', stroke: 'thick' },
      { name: 'inFlightBytes', label: 'in flight', stroke: 'thin' },
    ],
    format: formatBytes,
    units: [
      [1e6, 'MB'],
      [1e3, 'kB'],
      [1, 'B'],
    ],
    mayClip: false,
    marksLosses: false,
    weight: 0.36,
  },
  {
    id: 'rate',
    lines: [
      { name: 'bandwidthBps', label: 'bandwidth estimate', stroke: 'thick' },
      { name: 'pacingBps', label: 'pacing', stroke: 'dashed' },
    ],
    format: formatRate,
    units: [[1e6, 'Mbit/s']],
    mayClip: true,
    marksLosses: false,
    weight: 0.32,
  },
  {
    id: 'rtt',
    lines: [
      { name: 'rttUs', label: 'RTT', stroke: 'thick' },
      { name: 'minRttUs', label: 'min RTT', stroke: 'dashed' },
    ],
    format: formatDuration,
    units: [[1e3, 'ms']],
    mayClip: false,
    marksLosses: true,
    weight: 0.32,
  },
];

export interface Box {
  top: number;
  height: number;
}

export interface Layout {
  left: number;
  /** Of what is plotted, in pixels: as many columns. */
  width: number;
  /** A strip of phases for each flow. */
  strips: Box[];
  panels: (Box & {
    /** Top of the line of readings above the panel. */
    headTop: number;
  })[];
  bottom: number;
}

/** Room for the axis' numbers. */
export const LEFT = 56;
const RIGHT = 12;
/** Height of the line of readings above a panel. */
const HEAD = 22;
const FOOT = 20;

/** The places of everything on a canvas of this size, in CSS pixels. */
export function layoutOf(width: number, height: number, flows: number): Layout {
  const stripHeight = flows > 1 ? 13 : 20;
  const strips = Array.from({ length: flows }, (_, flow) => ({
    top: HEAD + flow * (stripHeight + 2),
    height: stripHeight,
  }));
  const top = HEAD + flows * (stripHeight + 2);
  const room = Math.max(3 * 24, height - top - FOOT - PANELS.length * HEAD);
  let at = top;
  const panels = PANELS.map(({ weight }) => {
    const panel = { headTop: at, top: at + HEAD, height: Math.floor(room * weight) };
    at += HEAD + panel.height;
    return panel;
  });
  return { left: LEFT, width: Math.max(40, Math.floor(width - LEFT - RIGHT)), strips, panels, bottom: at };
}
