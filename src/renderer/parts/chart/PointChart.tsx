/** A small chart of a few values over one axis, with a cursor for pointer and keys. */
import { useComputedColorScheme } from '@mantine/core';
import type { ChartDataset, ChartOptions, Plugin } from 'chart.js';
import { useEffect, useMemo, useRef, useState } from 'react';
import { type ChartColours, readColours, routeColour } from '../tokens.ts';
import { axisTitle, baseOptions, redraw, tickStyle, useLineChart } from './line-chart.ts';
import classes from './PointChart.module.css';

interface ChartPoint {
  x: number;
  /** Null: there is no value here. */
  y: number | null;
  /** What is read of it under the cursor. */
  text: string;
  isFault?: boolean;
  /** Drawn hollow: it does not count like the others. */
  isHollow?: boolean;
}

export interface PointSeries {
  name: string;
  points: readonly ChartPoint[];
}

interface Props {
  label: string;
  series: readonly PointSeries[];
  isLine: boolean;
  xTitle: string;
  yTitle: string;
  /** From the unit of the values to the axis': 1e-6 shows bits as Mbit. */
  scale: number;
  /** A line across, such as the median. */
  level: { y: number; text: string } | null;
  testId: string;
}

type Model = Pick<Props, 'series' | 'isLine' | 'xTitle' | 'yTitle' | 'scale' | 'level'> & {
  colours: ChartColours;
  hues: readonly string[];
  cursor: number | null;
};

export function PointChart({ label, series, isLine, xTitle, yTitle, scale, level, testId }: Props) {
  const scheme = useComputedColorScheme('light');
  const [cursor, setCursor] = useState<number | null>(null);
  const xs = useMemo(
    () => [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b),
    [series],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read anew when the scheme changes.
  const model = useMemo(
    (): Model => ({
      series,
      isLine,
      xTitle,
      yTitle,
      scale,
      level,
      colours: readColours(),
      hues: series.map((_, index) => routeColour(index)),
      cursor,
    }),
    [series, isLine, xTitle, yTitle, scale, level, cursor, scheme],
  );
  const current = useRef(model);
  current.current = model;

  const { canvas, chart } = useLineChart(() => optionsOf(current.current), [overlay(() => current.current)]);
  useEffect(() => {
    if (chart.current) redraw(chart.current, optionsOf(model), datasetsOf(model));
  }, [model, chart]);

  const step = (event: React.KeyboardEvent): void => {
    const steps: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };
    const at = cursor === null ? xs.length - 1 : xs.indexOf(cursor);
    const to = { Home: 0, End: xs.length - 1 }[event.key] ?? at + (steps[event.key] ?? Number.NaN);
    if (event.key === 'Escape') setCursor(null);
    else if (Number.isNaN(to)) return;
    else setCursor(xs[Math.min(xs.length - 1, Math.max(0, to))] ?? null);
    event.preventDefault();
  };
  const point = (event: React.PointerEvent): void => {
    const x = chart.current?.scales.x?.getValueForPixel(
      event.clientX - canvas.current!.getBoundingClientRect().left,
    );
    if (x === undefined || xs.length === 0) return;
    setCursor(xs.reduce((near, each) => (Math.abs(each - x) < Math.abs(near - x) ? each : near)));
  };
  const at = cursor ?? xs.at(-1) ?? null;
  const read = series.map(({ name, points }) => ({ name, text: points.find(({ x }) => x === at)?.text }));
  const words = read.flatMap(({ name, text }) => (text === undefined ? [] : [`${name} ${text}`])).join('; ');
  return (
    <div className={classes.chart}>
      <p className={classes.readout} data-testid={`${testId}-readout`}>
        {read.map(({ name, text }, index) => (
          <span key={name}>
            <i style={{ '--hue': `var(--route-${index % 8})` } as React.CSSProperties} />
            {name} <b>{text ?? '–'}</b>
          </span>
        ))}
        {level && <span className={classes.level}>{level.text}</span>}
      </p>
      <div
        className={classes.canvas}
        role="slider"
        tabIndex={0}
        aria-label={label}
        aria-valuemin={xs[0] ?? 0}
        aria-valuemax={xs.at(-1) ?? 0}
        aria-valuenow={at ?? 0}
        aria-valuetext={words || 'nothing measured'}
        onKeyDown={step}
        onPointerMove={point}
        onPointerLeave={() => setCursor(null)}
        onBlur={() => setCursor(null)}
      >
        <canvas ref={canvas} data-testid={testId} data-points={xs.length} />
      </div>
    </div>
  );
}

function datasetsOf({
  series,
  isLine,
  colours,
  hues,
}: Model): ChartDataset<'line', { x: number; y: number | null }[]>[] {
  return series.map(({ name, points }, index) => ({
    label: name,
    data: points.map(({ x, y }) => ({ x, y })),
    showLine: isLine,
    borderColor: hues[index]!,
    borderWidth: 1.5,
    // Two are told apart without colour too.
    borderDash: index === 0 ? [] : [5, 3],
    pointRadius: isLine && points.length > 40 ? 0 : 3,
    pointBackgroundColor: points.map(({ isHollow }) =>
      index > 0 || isHollow ? colours.paper : hues[index]!,
    ),
    pointBorderColor: hues[index]!,
    spanGaps: false,
  }));
}

function optionsOf({ colours, xTitle, yTitle, scale, series }: Model): ChartOptions<'line'> {
  const ticks = tickStyle(colours);
  const common = { grid: { color: colours.grid }, border: { color: colours.line } };
  const xs = series.flatMap(({ points }) => points.map(({ x }) => x));
  return {
    ...baseOptions,
    layout: { padding: { right: 12, top: 8 } },
    scales: {
      x: {
        ...common,
        type: 'linear',
        title: axisTitle(xTitle, colours),
        min: Math.min(...xs, 1) - 0.5,
        max: Math.max(...xs, 1) + 0.5,
        ticks: { ...ticks, precision: 0, callback: (x) => (Number.isInteger(Number(x)) ? String(x) : '') },
      },
      y: {
        ...common,
        type: 'linear',
        min: 0,
        title: axisTitle(yTitle, colours),
        ticks: {
          ...ticks,
          maxTicksLimit: 5,
          callback: (y) => String(Number((Number(y) * scale).toPrecision(6))),
        },
      },
    },
  };
}

/** The level, the cursor, and what came to nothing. */
function overlay(current: () => Model): Plugin<'line'> {
  return {
    id: 'routelab-points',
    afterDatasetsDraw({ ctx, scales, chartArea }) {
      const { series, level, cursor, colours } = current();
      const { x, y } = scales;
      const line = (from: [number, number], to: [number, number], colour: string, dash: number[]): void => {
        ctx.strokeStyle = colour;
        ctx.setLineDash(dash);
        ctx.beginPath();
        ctx.moveTo(...from);
        ctx.lineTo(...to);
        ctx.stroke();
      };
      ctx.save();
      ctx.lineWidth = 1;
      if (level) {
        const at = Math.round(y!.getPixelForValue(level.y)) + 0.5;
        line([chartArea.left, at], [chartArea.right, at], colours.dim, [4, 4]);
      }
      ctx.fillStyle = colours.fault;
      for (const { x: where, isFault } of series.flatMap(({ points }) => points))
        if (isFault) ctx.fillRect(x!.getPixelForValue(where) - 2, chartArea.bottom - 8, 4, 8);
      if (cursor !== null) {
        const at = Math.round(x!.getPixelForValue(cursor)) + 0.5;
        line([at, chartArea.top], [at, chartArea.bottom], colours.ink, []);
      }
      ctx.restore();
    },
  };
}
