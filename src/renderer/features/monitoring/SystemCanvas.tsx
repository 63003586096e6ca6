import { useComputedColorScheme } from '@mantine/core';
import { Chart, LinearScale, LineController, LineElement, PointElement } from 'chart.js';
import { useEffect, useRef } from 'react';
import type { SystemSeries } from '../../../shared/monitoring.ts';
import { readColours, routeColour } from '../../parts/tokens.ts';
import { clockTime } from '../../theme/clock.ts';
import type { SystemChart } from './figures.ts';
import classes from './MonitoringPage.module.css';

Chart.register(LineController, LineElement, PointElement, LinearScale);

interface Props {
  chart: SystemChart;
  series: SystemSeries;
  fromMs: number;
  toMs: number;
  /** Between two marks of the time axis. */
  stepMs: number;
}

/** The greatest value of each bucket, so that no spike is lost. */
export function SystemCanvas({ chart: { title, figures, format }, series, fromMs, toMs, stepMs }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const scheme = useComputedColorScheme('light');
  const made = useRef<Chart<'line', { x: number; y: number | null }[]> | null>(null);

  useEffect(() => {
    made.current = new Chart(canvas.current!, { type: 'line', data: { datasets: [] } });
    return () => made.current?.destroy();
  }, []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read anew when the scheme changes.
  useEffect(() => {
    const drawn = made.current;
    if (!drawn) return;
    const { grid, line, dim } = readColours();
    const ticks = { color: dim, font: { size: 11 }, maxRotation: 0 };
    drawn.data.datasets = figures.map(({ name, column, hue, dash }) => ({
      label: name,
      data: series.tMs.map((x, index) => ({ x, y: series.columns[column]!.max[index]! })),
      borderColor: routeColour(hue),
      borderWidth: 1.5,
      borderDash: dash,
      pointRadius: series.tMs.length < 3 ? 2 : 0,
    }));
    drawn.options = {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      parsing: false,
      normalized: true,
      events: [],
      plugins: { legend: { display: false } },
      scales: {
        x: {
          type: 'linear',
          min: fromMs,
          max: toMs,
          afterBuildTicks: (axis) => {
            axis.ticks = [];
            for (let value = Math.ceil(fromMs / stepMs) * stepMs; value < toMs; value += stepMs)
              axis.ticks.push({ value });
          },
          grid: { color: grid, tickColor: line },
          ticks: { ...ticks, autoSkip: false, callback: (ms) => clockTime(Number(ms), false) },
        },
        y: {
          type: 'linear',
          min: 0,
          grid: { color: grid, tickColor: line },
          afterFit: (scale) => {
            scale.width = 84;
          },
          ticks: { ...ticks, maxTicksLimit: 4, callback: (value) => format(Number(value)) },
        },
      },
    };
    drawn.update('none');
  }, [series, fromMs, toMs, stepMs, figures, format, scheme]);

  return (
    <div className={classes.canvas}>
      <canvas ref={canvas} role="img" aria-label={`${title} over time`} data-drawn={series.tMs.length > 0} />
    </div>
  );
}
