import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useMemo, useRef, useState } from 'react';
import classes from './CongestionView.module.css';
import type { FlowPlot } from './CongestionView.tsx';
import type { Window } from './decimate.ts';
import { drawPointed, drawScene, type Scene, type Scratch, usAt } from './draw.ts';
import { readInk } from './ink.ts';
import type { Layout } from './panels.ts';
import { type Viewport, WHOLE, within } from './viewport.ts';

interface Props {
  flows: readonly FlowPlot[];
  version: number;
  window: Window;
  wholeUs: number;
  layout: Layout;
  height: number;
  cursorUs: number | null;
  /** Where the pointer is; null when it has left. */
  onPoint: (us: number | null) => void;
  onZoom: (factor: number, aboutUs: number) => void;
  /** By a share of the window. */
  onPan: (share: number) => void;
  onShow: (viewport: Viewport) => void;
}

/** Shorter strokes of the pointer are clicks, not spans. */
const LEAST_STROKE_PX = 6;

/** Two canvases: what is measured below, and the cursor above, which moves without drawing the lines anew. */
export function CongestionCanvas(props: Props) {
  const { flows, version, window, wholeUs, layout, height, cursorUs } = props;
  const { onPoint, onZoom, onPan, onShow } = props;
  const below = useRef<HTMLCanvasElement>(null);
  const above = useRef<HTMLCanvasElement>(null);
  const scratch = useRef<Scratch>(new Map());
  const stroke = useRef<{ startUs: number; startX: number; pans: boolean; lastX: number } | null>(null);
  const [span, setSpan] = useState<Window | null>(null);
  const scheme = useComputedColorScheme('light');
  const width = layout.left + layout.width + 12;

  const { fromUs, toUs } = window;
  // biome-ignore lint/correctness/useExhaustiveDependencies: colours are read anew when the scheme changes.
  const scene = useMemo(
    (): Scene => ({
      traces: flows.map(({ trace }) => trace),
      window: { fromUs, toUs },
      layout,
      ink: readInk(),
      font: getComputedStyle(document.body).fontFamily,
    }),
    [flows, fromUs, toUs, layout, scheme],
  );

  // biome-ignore lint/correctness/useExhaustiveDependencies: the version stands for the traces.
  useEffect(() => {
    const ctx = contextOf(below.current!, width, height);
    below.current!.dataset['points'] = String(drawScene(ctx, scene, scratch.current));
  }, [scene, version, width, height]);

  useEffect(() => {
    const ctx = contextOf(above.current!, width, height);
    drawPointed(ctx, scene, { cursorUs, span });
  }, [scene, cursorUs, span, width, height]);

  const xIn = (event: { clientX: number }): number =>
    event.clientX - above.current!.getBoundingClientRect().left;

  // React listens to the wheel passively, and so could not keep the page from scrolling.
  const wheel = useRef<(event: WheelEvent) => void>(() => {});
  wheel.current = (event) => {
    // Two fingers that spread on a touchpad come as a wheel with Ctrl.
    if (event.ctrlKey || event.metaKey) onZoom(1.002 ** event.deltaY, usAt(xIn(event), scene));
    else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY))
      onPan((event.deltaX || event.deltaY) / layout.width);
    else return;
    event.preventDefault();
  };
  useEffect(() => {
    const canvas = above.current!;
    const turn = (event: WheelEvent): void => wheel.current(event);
    canvas.addEventListener('wheel', turn, { passive: false });
    return () => canvas.removeEventListener('wheel', turn);
  }, []);

  const move = (event: React.PointerEvent): void => {
    const x = xIn(event);
    onPoint(x >= layout.left && x <= layout.left + layout.width ? usAt(x, scene) : null);
    const drawn = stroke.current;
    if (!drawn) return;
    if (drawn.pans) {
      onPan((drawn.lastX - x) / layout.width);
      drawn.lastX = x;
    } else if (Math.abs(x - drawn.startX) >= LEAST_STROKE_PX) {
      const us = usAt(x, scene);
      setSpan({ fromUs: Math.min(us, drawn.startUs), toUs: Math.max(us, drawn.startUs) });
    }
  };

  return (
    <div className={classes.canvas}>
      <canvas ref={below} aria-hidden data-testid="trace-canvas" />
      <canvas
        ref={above}
        aria-hidden
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          const x = xIn(event);
          stroke.current = { startUs: usAt(x, scene), startX: x, pans: event.shiftKey, lastX: x };
        }}
        onPointerMove={move}
        onPointerUp={() => {
          if (span) onShow(within(span, wholeUs));
          stroke.current = null;
          setSpan(null);
        }}
        onPointerCancel={() => {
          stroke.current = null;
          setSpan(null);
        }}
        onPointerLeave={() => onPoint(null)}
        onDoubleClick={() => onShow(WHOLE)}
      />
    </div>
  );
}

/** A cleared context of `width` by `height` CSS pixels at the screen's own resolution. */
function contextOf(canvas: HTMLCanvasElement, width: number, height: number): CanvasRenderingContext2D {
  const ratio = devicePixelRatio;
  canvas.width = Math.max(1, Math.round(width * ratio));
  canvas.height = Math.max(1, Math.round(height * ratio));
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const ctx = canvas.getContext('2d')!;
  ctx.scale(ratio, ratio);
  return ctx;
}
