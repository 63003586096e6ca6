import { useElementSize } from '@mantine/hooks';
import { useEffect, useRef } from 'react';
import { redraw, useLineChart } from '../../../parts/chart/line-chart.ts';
import classes from './ChartPanel.module.css';
import { type ChartModel, datasetsOf, optionsOf, overlay } from './config.ts';

interface Props {
  model: ChartModel;
  /** Where the pointer is, in unix milliseconds; null when it has left. */
  onPoint: (atMs: number | null) => void;
}

/** The canvas. */
export function RouteChart({ model, onPoint }: Props) {
  const { ref, height } = useElementSize();
  const current = useRef(model);
  const drawn = useRef<{ on: object; model: ChartModel; height: number } | null>(null);
  current.current = model;

  const { canvas, chart } = useLineChart(
    () => optionsOf(current.current, 0),
    [overlay(() => current.current)],
  );

  useEffect(() => {
    const made = chart.current;
    if (!made) return;
    const before = drawn.current;
    drawn.current = { on: made, model, height };
    // Only the cursor moved: what is drawn stays as it is.
    if (before?.on === made && before.height === height && onlyCursorDiffers(before.model, model)) {
      made.draw();
      return;
    }
    redraw(made, optionsOf(model, height), datasetsOf(model));
  }, [model, height, chart]);

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
