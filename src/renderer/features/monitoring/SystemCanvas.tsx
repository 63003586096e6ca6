import { useComputedColorScheme } from '@mantine/core';
import { useEffect } from 'react';
import type { SystemSeries } from '../../../shared/monitoring.ts';
import { baseOptions, redraw, tickStyle, useLineChart } from '../../parts/chart/line-chart.ts';
import { readColours, routeColour } from '../../parts/tokens.ts';
import { clockTime } from '../../theme/clock.ts';
import type { SystemChart } from './figures.ts';
import classes from './SystemPanel.module.css';

interface Props {
  chart: SystemChart;
  series: SystemSeries;
  fromMs: number;
  toMs: number;
  /** Between two marks of the time axis. */
  stepMs: number;
}

const AXIS_WIDTH = 84;

/** The greatest value of each bucket, so that no spike is lost. */
export function SystemCanvas({ chart: { title, figures, format }, series, fromMs, toMs, stepMs }: Props) {
  const { canvas, chart } = useLineChart(() => baseOptions);
  const scheme = useComputedColorScheme('light');

  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read anew when the scheme changes.
  useEffect(() => {
    if (!chart.current) return;
    const colours = readColours();
    const ticks = tickStyle(colours);
    const grid = { color: colours.grid, tickColor: colours.line };
    const options: Parameters<typeof redraw>[1] = {
      ...baseOptions,
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
          grid,
          ticks: { ...ticks, autoSkip: false, callback: (ms) => clockTime(Number(ms), false) },
        },
        y: {
          type: 'linear',
          min: 0,
          grid,
          afterFit: (scale) => {
            scale.width = AXIS_WIDTH;
          },
          ticks: { ...ticks, maxTicksLimit: 4, callback: (value) => format(Number(value)) },
        },
      },
    };
    const datasets = figures.map(({ name, column, hue, dash }) => ({
      label: name,
      data: series.tMs.map((x, index) => ({ x, y: series.columns[column]!.max[index]! })),
      borderColor: routeColour(hue),
      borderWidth: 1.5,
      borderDash: dash,
      pointRadius: series.tMs.length < 3 ? 2 : 0,
    }));
    redraw(chart.current, options, datasets);
  }, [series, fromMs, toMs, stepMs, figures, format, scheme, chart]);

  return (
    <div className={classes.canvas}>
      <canvas ref={canvas} role="img" aria-label={`${title} over time`} data-drawn={series.tMs.length > 0} />
    </div>
  );
}
