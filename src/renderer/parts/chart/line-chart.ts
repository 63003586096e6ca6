/** What the line charts of the pages have in common. They are redrawn when what they show changes, and never animated. */
import {
  Chart,
  type ChartDataset,
  type ChartOptions,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  type Plugin,
  PointElement,
} from 'chart.js';
import { type RefObject, useEffect, useRef } from 'react';
import type { ChartColours } from '../tokens.ts';

Chart.register(LineController, LineElement, PointElement, LinearScale, LogarithmicScale, Filler);

export const baseOptions = {
  animation: false,
  responsive: true,
  maintainAspectRatio: false,
  parsing: false,
  normalized: true,
  // Pointer and keys move one cursor, which is ours.
  events: [],
  plugins: { legend: { display: false }, tooltip: { enabled: false } },
} as const satisfies ChartOptions<'line'>;

export const tickStyle = ({ dim }: ChartColours) => ({ color: dim, font: { size: 11 }, maxRotation: 0 });

export const axisTitle = (text: string, { dim }: ChartColours) => ({
  display: true,
  text,
  color: dim,
  font: { size: 11 },
  padding: 2,
});

type LineChart = Chart<'line', { x: number; y: number | null }[]>;

/** A canvas and its chart, which is null until the canvas is there and begins with `options`, as plugins need their axes. */
export function useLineChart(
  options: () => ChartOptions<'line'>,
  plugins: Plugin<'line'>[] = [],
): {
  canvas: RefObject<HTMLCanvasElement | null>;
  chart: RefObject<LineChart | null>;
} {
  const canvas = useRef<HTMLCanvasElement>(null);
  const chart = useRef<LineChart>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: made once; plugins read what is current by themselves.
  useEffect(() => {
    const made: LineChart = new Chart(canvas.current!, {
      type: 'line',
      data: { datasets: [] },
      options: options(),
      plugins,
    });
    chart.current = made;
    return () => {
      made.destroy();
      chart.current = null;
    };
  }, []);
  return { canvas, chart };
}

/** Gives a chart what it shows from now on. */
export function redraw(
  chart: LineChart,
  options: ChartOptions<'line'>,
  datasets: ChartDataset<'line', { x: number; y: number | null }[]>[],
): void {
  chart.options = options;
  chart.data.datasets = datasets;
  chart.update('none');
}
