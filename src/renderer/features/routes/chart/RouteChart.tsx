import { useElementSize } from '@mantine/hooks';
import {
  Chart,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  LogarithmicScale,
  PointElement,
} from 'chart.js';
import { useEffect, useRef } from 'react';
import classes from './ChartPanel.module.css';
import { type ChartModel, datasetsOf, optionsOf, overlay } from './config.ts';

Chart.register(LineController, LineElement, PointElement, LinearScale, LogarithmicScale, Filler);

interface Props {
  model: ChartModel;
  /** Where the pointer is, in unix milliseconds; null when it has left. */
  onPoint: (atMs: number | null) => void;
}

/** The canvas. It is redrawn when its model changes and never animated. */
export function RouteChart({ model, onPoint }: Props) {
  const { ref, height } = useElementSize();
  const canvas = useRef<HTMLCanvasElement>(null);
  const chart = useRef<Chart<'line'> | null>(null);
  const current = useRef(model);
  const drawn = useRef<{ model: ChartModel; height: number } | null>(null);
  current.current = model;

  useEffect(() => {
    const made = new Chart(canvas.current!, {
      type: 'line',
      data: { datasets: [] },
      options: optionsOf(current.current, 0),
      plugins: [overlay(() => current.current)],
    });
    chart.current = made;
    drawn.current = null;
    return () => {
      made.destroy();
      chart.current = null;
    };
  }, []);

  useEffect(() => {
    const made = chart.current;
    if (!made) return;
    const before = drawn.current;
    drawn.current = { model, height };
    // Only the cursor moved: what is drawn stays as it is.
    if (before?.height === height && onlyCursorDiffers(before.model, model)) {
      made.draw();
      return;
    }
    made.options = optionsOf(model, height);
    made.data.datasets = datasetsOf(model);
    made.update('none');
  }, [model, height]);

  const point = (event: React.PointerEvent): void => {
    const x = chart.current?.scales.x;
    if (!x) return;
    const atMs = x.getValueForPixel(event.clientX - canvas.current!.getBoundingClientRect().left) ?? 0;
    onPoint(atMs >= model.fromMs && atMs < model.toMs ? atMs : null);
  };

  return (
    <div ref={ref} className={classes.canvas} onPointerMove={point} onPointerLeave={() => onPoint(null)}>
      <canvas ref={canvas} data-testid="chart" data-drawn={model.plots.length > 0} />
    </div>
  );
}

const onlyCursorDiffers = (a: ChartModel, b: ChartModel): boolean =>
  (Object.keys(b) as (keyof ChartModel)[]).every((key) => key === 'cursorMs' || a[key] === b[key]);
