/**
 * The congestion view on a canvas: a strip of phases, three panels on one axis of time, losses at the foot of the last.
 * Drawn by hand: Chart.js holds an object for each point, and knows neither hatched strips nor a cursor across charts.
 */
import { decimate, lossMarks, type Points, type Window } from './decimate.ts';
import type { Ink } from './ink.ts';
import { type Box, type Layout, PANELS, type Panel, type Stroke } from './panels.ts';
import { bandsOf, type Hatch, styleOf } from './phases.ts';
import { type Axis, axisTo, ticksWithin, worthShowing } from './scale.ts';
import type { CongestionTrace } from './trace.ts';

export interface Scene {
  traces: readonly CongestionTrace[];
  window: Window;
  layout: Layout;
  ink: Ink;
  font: string;
}

type Context = CanvasRenderingContext2D;

/** From the lowest to the topmost: dashes would vanish under the line they lie on. */
const STROKES: readonly Stroke[] = ['thin', 'thick', 'dashed'];

/** Memory of the lines drawn last, taken again for the next frame. */
export type Scratch = Map<string, Points>;

/** Fewer pixels than this hold no hatching; fewer than the text's own, no text. */
const HATCHED_FROM = 5;
const TEXT_PADDING = 6;

/** A line that jitters beside one of the same flow, and so of the same colour. As in the legend's style sheet. */
const FAINT = 0.5;

/** Pixel of a moment. */
const xOf = (us: number, { layout, window }: Pick<Scene, 'layout' | 'window'>): number =>
  layout.left + ((us - window.fromUs) / (window.toUs - window.fromUs)) * layout.width;

/** Moment at a pixel, held within the window. */
export function usAt(x: number, { layout, window }: Pick<Scene, 'layout' | 'window'>): number {
  const share = Math.min(1, Math.max(0, (x - layout.left) / layout.width));
  return window.fromUs + share * (window.toUs - window.fromUs);
}

/** Draws everything but the cursor. Returns how many points the lines took. */
export function drawScene(ctx: Context, scene: Scene, scratch: Scratch): number {
  ctx.font = `11px ${scene.font}`;
  ctx.textBaseline = 'middle';
  ctx.lineJoin = 'round';
  for (const [flow, trace] of scene.traces.entries())
    drawStrip(ctx, scene, trace, scene.layout.strips[flow]!);
  let points = 0;
  PANELS.forEach((panel, index) => {
    points += drawPanel(ctx, scene, panel, scene.layout.panels[index]!, scratch);
  });
  drawTime(ctx, scene);
  return points;
}

function drawStrip(ctx: Context, scene: Scene, trace: CongestionTrace, { top, height }: Box): void {
  const { ink, layout } = scene;
  ctx.fillStyle = ink.grid;
  ctx.fillRect(layout.left, top, layout.width, height);
  let drawnTo = Number.NEGATIVE_INFINITY;
  for (const { state, fromUs, toUs } of bandsOf(trace.phases, scene.window, trace.endUs)) {
    const left = xOf(fromUs, scene);
    const right = xOf(toUs, scene);
    // Of many bands within a pixel the first is seen.
    if (right <= drawnTo) continue;
    const x = Math.max(left, drawnTo);
    const width = Math.max(1, right - x);
    drawnTo = x + width;
    const { label, short, tone, hatch } = styleOf(state);
    ctx.save();
    ctx.beginPath();
    ctx.rect(x, top, width, height);
    ctx.clip();
    ctx.fillStyle = ink.phases[tone]!;
    ctx.fillRect(x, top, width, height);
    if (width >= HATCHED_FROM) drawHatch(ctx, hatch, { x, width, top, height }, ink.dim);
    const text = [label, short].find((each) => ctx.measureText(each).width + TEXT_PADDING <= width);
    if (text !== undefined && height >= 13) {
      const half = ctx.measureText(text).width / 2 + 2;
      // Letters stand on the plain tone, not on the hatching.
      ctx.fillRect(x + width / 2 - half, top, 2 * half, height);
      ctx.fillStyle = ink.ink;
      ctx.textAlign = 'center';
      ctx.fillText(text, x + width / 2, top + height / 2 + 0.5);
    }
    if (width >= 3) {
      ctx.fillStyle = ink.paper;
      ctx.fillRect(x + width - 1, top, 1, height);
    }
    ctx.restore();
  }
}

function drawHatch(
  ctx: Context,
  hatch: Hatch,
  { x, width, top, height }: Box & { x: number; width: number },
  colour: string,
): void {
  ctx.strokeStyle = colour;
  ctx.globalAlpha = 0.55;
  ctx.lineWidth = 1;
  ctx.beginPath();
  const line = (x0: number, y0: number, x1: number, y1: number): void => {
    ctx.moveTo(x0, y0);
    ctx.lineTo(x1, y1);
  };
  const bottom = top + height;
  // Steps count from the canvas' edge, so that hatchings of neighbours join and do not crawl.
  const firstX = Math.floor((x - height) / 6) * 6;
  for (let at = firstX; at < x + width; at += 6) {
    if (hatch === 'rising' || hatch === 'cross') line(at, bottom, at + height, top);
    if (hatch === 'falling' || hatch === 'cross') line(at, top, at + height, bottom);
    if (hatch === 'upright') line(at + 0.5, top, at + 0.5, bottom);
    if (hatch === 'dots') for (let y = top + 3; y < bottom; y += 5) line(at, y, at + 1.5, y);
  }
  if (hatch === 'level') for (let y = top + 3.5; y < bottom; y += 5) line(x, y, x + width, y);
  ctx.stroke();
  ctx.globalAlpha = 1;
}

function drawPanel(ctx: Context, scene: Scene, panel: Panel, box: Box, scratch: Scratch): number {
  const { traces, window, layout, ink } = scene;
  const lines = traces.flatMap((trace, flow) =>
    panel.lines.map(({ name, stroke }, line) => {
      const key = `${flow} ${name}`;
      const points = decimate(trace.tUs, trace.column(name), window, layout.width, scratch.get(key));
      scratch.set(key, points);
      const isFaint = traces.length > 1 && stroke === 'thin';
      return { points, stroke, isFaint, colour: traces.length > 1 ? ink.flows[flow]! : ink.lines[line]! };
    }),
  );
  const greatest = Math.max(0, ...lines.map(({ points }) => points.max));
  const max = panel.mayClip ? worthShowing(valuesOf(lines.map(({ points }) => points))) : greatest;
  const [unit] = panel.units.find(([size]) => max >= size) ?? panel.units.at(-1)!;
  const axis = axisTo((max * 1.04) / unit, box.height / 34);
  drawGrid(ctx, scene, box, axis, panel.units.find(([size]) => size === unit)![1]);

  ctx.save();
  ctx.beginPath();
  ctx.rect(layout.left, box.top - 1, layout.width, box.height + 2);
  ctx.clip();
  if (panel.marksLosses) drawLosses(ctx, scene, box);
  const inOrder = lines.toSorted((a, b) => STROKES.indexOf(a.stroke) - STROKES.indexOf(b.stroke));
  for (const { points, stroke, colour, isFaint } of inOrder) {
    ctx.globalAlpha = isFaint ? FAINT : 1;
    ctx.strokeStyle = colour;
    ctx.fillStyle = colour;
    ctx.lineWidth = stroke === 'thick' ? 1.75 : stroke === 'thin' ? 0.75 : 1.25;
    ctx.setLineDash(stroke === 'dashed' ? [5, 3] : []);
    drawLine(ctx, scene, points, box, axis.max * unit);
  }
  ctx.restore();
  if (greatest > axis.max * unit) {
    ctx.fillStyle = ink.dim;
    ctx.textAlign = 'right';
    const text = `▲ up to ${(greatest / unit).toFixed(axis.digits)}`;
    ctx.fillText(text, layout.left + layout.width, box.top - 11);
  }
  return lines.reduce((total, { points }) => total + points.length / 2, 0);
}

function valuesOf(lines: readonly Points[]): Float64Array {
  const values = new Float64Array(lines.reduce((total, { length }) => total + length / 2, 0));
  let count = 0;
  for (const { xy, length } of lines) {
    for (let i = 1; i < length; i += 2) if (!Number.isNaN(xy[i]!)) values[count++] = xy[i]!;
  }
  return values.subarray(0, count);
}

function drawLine(ctx: Context, scene: Scene, { xy, length }: Points, box: Box, max: number): void {
  const bottom = box.top + box.height;
  ctx.beginPath();
  let isDown = false;
  for (let i = 0; i < length; i += 2) {
    const value = xy[i + 1]!;
    if (Number.isNaN(value)) {
      isDown = false;
      continue;
    }
    const x = xOf(xy[i]!, scene);
    const y = bottom - (value / max) * box.height;
    if (isDown) ctx.lineTo(x, y);
    else {
      ctx.moveTo(x, y);
      // A sample alone between breaks would be a line of no length.
      if (i + 2 >= length || Number.isNaN(xy[i + 3]!)) ctx.fillRect(x - 1, y - 1, 2, 2);
    }
    isDown = true;
  }
  ctx.stroke();
}

function drawLosses(ctx: Context, scene: Scene, box: Box): void {
  const { traces, layout, window, ink } = scene;
  const lane = Math.min(16, box.height / 3) / traces.length;
  traces.forEach((trace, flow) => {
    const foot = box.top + box.height - flow * lane;
    for (const { column, packets } of lossMarks(
      trace.tUs,
      trace.column('lostPackets'),
      window,
      layout.width,
    )) {
      const height = Math.min(lane, 4 + 2 * Math.log2(packets));
      ctx.fillStyle = traces.length > 1 ? ink.flows[flow]! : ink.fault;
      ctx.fillRect(layout.left + column - 0.5, foot - height, 2, height);
    }
  });
}

function drawGrid(ctx: Context, { layout, ink }: Scene, box: Box, axis: Axis, unit: string): void {
  const right = layout.left + layout.width;
  ctx.textAlign = 'right';
  ctx.lineWidth = 1;
  for (const tick of axis.ticks) {
    const y = Math.round(box.top + box.height * (1 - tick / axis.max)) + 0.5;
    ctx.strokeStyle = tick === 0 ? ink.line : ink.grid;
    ctx.beginPath();
    ctx.moveTo(layout.left, y);
    ctx.lineTo(right, y);
    ctx.stroke();
    ctx.fillStyle = ink.dim;
    // The foot of one panel and the head of the next keep apart.
    if (tick > 0) ctx.fillText(tick.toFixed(axis.digits), layout.left - 8, y);
  }
  ctx.fillText(unit, layout.left - 8, box.top + box.height - 5);
}

function drawTime(ctx: Context, { window, layout, ink }: Scene): void {
  const { ticks, digits } = ticksWithin(window.fromUs / 1e6, window.toUs / 1e6, layout.width / 96);
  const right = layout.left + layout.width;
  const first = layout.panels[0]!.top;
  ctx.fillStyle = ink.dim;
  ctx.lineWidth = 1;
  for (const tick of ticks) {
    const x = Math.round(xOf(tick * 1e6, { layout, window })) + 0.5;
    ctx.strokeStyle = ink.grid;
    ctx.globalCompositeOperation = 'destination-over';
    for (const { top, height } of layout.panels) {
      ctx.beginPath();
      ctx.moveTo(x, top);
      ctx.lineTo(x, top + height);
      ctx.stroke();
    }
    ctx.globalCompositeOperation = 'source-over';
    const text = `${tick.toFixed(digits)} s`;
    const half = ctx.measureText(text).width / 2;
    ctx.textAlign = 'center';
    ctx.fillText(text, Math.min(right - half, Math.max(layout.left + half, x)), layout.bottom + 11);
  }
  ctx.strokeStyle = ink.line;
  ctx.beginPath();
  ctx.moveTo(layout.left - 0.5, first);
  ctx.lineTo(layout.left - 0.5, layout.bottom);
  ctx.stroke();
}

export interface Pointed {
  cursorUs: number | null;
  /** A span being drawn with the pointer. */
  span: Window | null;
}

/** The cursor through all panels and the span to zoom into, on a canvas of their own. */
export function drawPointed(ctx: Context, scene: Scene, { cursorUs, span }: Pointed): void {
  const { layout, ink, window } = scene;
  const top = layout.strips[0]!.top;
  if (span) {
    const left = xOf(Math.max(window.fromUs, span.fromUs), scene);
    ctx.globalAlpha = 0.12;
    ctx.fillStyle = ink.ink;
    ctx.fillRect(left, top, xOf(Math.min(window.toUs, span.toUs), scene) - left, layout.bottom - top);
    ctx.globalAlpha = 1;
  }
  if (cursorUs === null || cursorUs < window.fromUs || cursorUs > window.toUs) return;
  const x = Math.round(xOf(cursorUs, scene)) + 0.5;
  ctx.strokeStyle = ink.ink;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(x, top);
  ctx.lineTo(x, layout.bottom);
  ctx.stroke();
}
