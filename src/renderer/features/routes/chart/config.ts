/**
 * The Chart.js side of a routes chart: RTT above, a lane of losses, throughput below, on one time axis. One route is
 * drawn with its percentile bands, several by their p50.
 */
import type { ChartDataset, ChartOptions, Plugin } from 'chart.js';
import type { Series } from '../../../../shared/domain.ts';
import { axisTitle, baseOptions, tickStyle } from '../../../parts/chart/line-chart.ts';
import { type ChartColours, withAlpha } from '../../../parts/tokens.ts';
import { clockTime, dayOf, momentOf, offsetOf } from '../../../theme/clock.ts';
import { type Point, pointsOf, sparsePointsOf } from './series.ts';
import { logTicks, timeTicks } from './ticks.ts';

interface PlotModel {
  name: string;
  colour: string;
  series: Series;
}

/** Everything a frame of the chart is drawn from. */
export interface ChartModel {
  plots: PlotModel[];
  fromMs: number;
  toMs: number;
  log: boolean;
  cursorMs: number | null;
  colours: ChartColours;
}

type LineSet = ChartDataset<'line', Point[]>;

const AXIS_WIDTH = 56;
/** Top of an axis on which nothing is drawn yet. */
const EMPTY_RTT_US = 100_000;
const AXIS_HEIGHT = 36;
const LABEL_ROOM = 96;

const isLone = ({ raw }: { raw: unknown }): number => ((raw as Point | undefined)?.lone ? 2 : 0);

function line(label: string, data: Point[], colour: string, rest: Partial<LineSet> = {}): LineSet {
  return {
    label,
    data,
    yAxisID: 'rtt',
    borderColor: colour,
    borderWidth: 1.75,
    borderJoinStyle: 'round',
    pointRadius: isLone,
    pointBackgroundColor: colour,
    pointBorderWidth: 0,
    spanGaps: false,
    fill: false,
    ...rest,
  };
}

/** From min to max, each band filled down to the percentile below it: the denser, the more likely. */
function bandSets({ series, colour }: PlotModel): LineSet[] {
  const edge = { borderWidth: 0, pointRadius: 0 };
  const band = (alpha: number): Partial<LineSet> => ({
    ...edge,
    fill: '-1',
    backgroundColor: withAlpha(colour, alpha),
  });
  return [
    line('min', pointsOf(series, 'rttMin'), colour, edge),
    line('p50', pointsOf(series, 'rttP50'), colour, {
      fill: '-1',
      backgroundColor: withAlpha(colour, 0.14),
      order: -1,
    }),
    line('p95', pointsOf(series, 'rttP95'), colour, band(0.42)),
    line('p99', pointsOf(series, 'rttP99'), colour, band(0.26)),
    line('max', pointsOf(series, 'rttMax'), colour, band(0.14)),
  ];
}

function throughputSets({ series, colour }: PlotModel, paper: string, both: boolean): LineSet[] {
  const set = (label: string, data: Point[], hollow: boolean): LineSet =>
    line(label, data, colour, {
      yAxisID: 'rate',
      // Measurements minutes apart: a line between them would show what nobody measured.
      showLine: false,
      pointRadius: data.length > 60 ? 1.5 : 3.5,
      pointStyle: 'triangle',
      pointRotation: hollow ? 0 : 180,
      pointBackgroundColor: hollow ? paper : colour,
      pointBorderColor: colour,
      pointBorderWidth: 1.25,
    });
  const down = set('down', sparsePointsOf(series, 'goodputDown'), false);
  return both ? [down, set('up', sparsePointsOf(series, 'goodputUp'), true)] : [down];
}

export function datasetsOf({ plots, colours }: ChartModel): LineSet[] {
  const single = plots.length === 1;
  return plots.flatMap((plot) => [
    ...(single ? bandSets(plot) : [line(plot.name, pointsOf(plot.series, 'rttP50'), plot.colour)]),
    ...throughputSets(plot, colours.paper, single),
  ]);
}

/** Microseconds on the axis, in milliseconds with no more digits than the steps need. */
const axisMs = (us: number): string => String(Number((us / 1e3).toPrecision(6)));
const axisMbit = (bps: number): string => String(Number((bps / 1e6).toPrecision(6)));

const tickText = (ms: number, spanMs: number): string => {
  if (spanMs > 3 * 86_400_000) return dayOf(ms).slice(5);
  return spanMs > 3_600_000 ? momentOf(ms, spanMs) : clockTime(ms, spanMs <= 300_000);
};

/** The lanes' shares of a canvas `height` pixels high: losses need a fixed room, the rest is divided. */
function lanesOf(plots: number, height: number): { rtt: number; loss: number; rate: number } {
  const area = Math.max(120, height - AXIS_HEIGHT);
  const loss = Math.max(26, 8 + 9 * plots);
  const rate = Math.max(40, area * 0.2);
  return { rtt: Math.max(60, area - loss - rate), loss, rate };
}

export function optionsOf(model: ChartModel, height: number): ChartOptions<'line'> {
  const { colours, plots, log } = model;
  const lanes = lanesOf(plots.length, height);
  const ticks = tickStyle(colours);
  const grid = { color: colours.grid, tickLength: 4, tickColor: colours.line };
  const lane = {
    position: 'left',
    stack: 'lanes',
    border: { color: colours.line },
    afterFit: (scale: { width: number }): void => {
      scale.width = AXIS_WIDTH;
    },
  } as const;
  const valueAxis = (text: string, weight: number, label: (value: number) => string) => ({
    ...lane,
    stackWeight: weight,
    ...(log ? { type: 'logarithmic' as const } : { type: 'linear' as const, min: 0 }),
    grid,
    title: { ...axisTitle(text, colours), display: weight > 80, padding: 0 },
    ticks: {
      ...ticks,
      autoSkip: !log,
      maxTicksLimit: Math.max(3, weight / 30),
      callback: (v: unknown) => label(Number(v)),
    },
    afterBuildTicks: (axis: { min: number; max: number; ticks: { value: number }[] }): void => {
      if (log) axis.ticks = logTicks(axis.min, axis.max).map((value) => ({ value }));
    },
  });
  return {
    ...baseOptions,
    layout: { padding: { right: plots.length > 1 ? LABEL_ROOM : 12, top: 8 } },
    scales: {
      x: {
        type: 'linear',
        min: model.fromMs,
        max: model.toMs,
        grid,
        border: { color: colours.line },
        ticks: {
          ...ticks,
          callback: (ms) => tickText(Number(ms), model.toMs - model.fromMs),
        },
        afterBuildTicks: (axis) => {
          axis.ticks = timeTicks(axis.min, axis.max, Math.max(2, axis.width / 96), offsetOf(axis.max)).map(
            (value) => ({
              value,
            }),
          );
        },
      },
      rate: {
        ...valueAxis(plots.length > 1 ? 'down, Mbit/s' : 'Mbit/s', lanes.rate, axisMbit),
        ...(log ? {} : { suggestedMax: 1e6 }),
      },
      loss: {
        ...lane,
        type: 'linear',
        stackWeight: lanes.loss,
        min: 0,
        max: 1,
        grid: { display: false },
        ticks: { display: false },
      },
      rtt: {
        ...valueAxis('RTT in ms', lanes.rtt, axisMs),
        ...(log || plots.some(({ series }) => series.rttP50.some((us) => us !== null))
          ? {}
          : { suggestedMax: EMPTY_RTT_US }),
      },
    },
  };
}

/** Draws what Chart.js has no element for, from the model `current` gives: losses, cursor, names at the lines' ends. */
export function overlay(current: () => ChartModel): Plugin<'line'> {
  return {
    id: 'routelab-overlay',
    beforeDatasetsDraw(chart) {
      const { plots, colours } = current();
      const { ctx, scales, chartArea } = chart;
      const lane = scales.loss!;
      const height = (lane.bottom - lane.top) / plots.length;
      ctx.save();
      ctx.font = `11px ${getComputedStyle(document.body).fontFamily}`;
      ctx.fillStyle = colours.dim;
      ctx.textAlign = 'right';
      ctx.textBaseline = 'middle';
      ctx.fillText('loss', chartArea.left - 8, (lane.top + lane.bottom) / 2);
      ctx.textAlign = 'left';
      ctx.fillText(plots.length > 1 ? '▼ down' : '▼ down  △ up', chartArea.left + 8, scales.rate!.top + 8);
      ctx.beginPath();
      ctx.rect(chartArea.left, lane.top, chartArea.width, lane.bottom - lane.top);
      ctx.clip();
      plots.forEach(({ series, colour }, row) => {
        const bottom = lane.top + (row + 1) * height - 1;
        if (plots.length > 1) {
          ctx.fillStyle = colour;
          ctx.fillRect(chartArea.left, bottom - height + 3, 3, height - 3);
        }
        ctx.fillStyle = colours.fault;
        series.lost.forEach((lost, index) => {
          if (lost === 0) return;
          const left = scales.x!.getPixelForValue(series.tMs[index]!);
          const right = scales.x!.getPixelForValue(series.tMs[index]! + series.bucketMs);
          // One lost ping must be seen: the mark is never under 3 px, and fills the lane when all are lost.
          const mark = Math.max(3, (height - 3) * (lost / series.sent[index]!));
          ctx.fillRect(left, bottom - mark, Math.max(1.5, right - left - 0.5), mark);
        });
      });
      ctx.restore();
    },
    afterDatasetsDraw(chart) {
      const { plots, colours, cursorMs } = current();
      const { ctx, scales, chartArea } = chart;
      ctx.save();
      if (plots.length > 1) {
        ctx.font = `11px ${getComputedStyle(document.body).fontFamily}`;
        ctx.textBaseline = 'middle';
        for (const { name, colour, y } of endLabels(
          plots,
          (us) => scales.rtt!.getPixelForValue(us),
          scales.rtt!,
        )) {
          ctx.fillStyle = colour;
          ctx.fillRect(chartArea.right + 6, y - 1, 6, 2.5);
          ctx.fillStyle = colours.ink;
          ctx.fillText(name, chartArea.right + 16, y, LABEL_ROOM - 18);
        }
      }
      if (cursorMs !== null) {
        const x = Math.round(scales.x!.getPixelForValue(cursorMs)) + 0.5;
        ctx.strokeStyle = colours.ink;
        ctx.lineWidth = 1;
        ctx.beginPath();
        ctx.moveTo(x, scales.rtt!.top);
        ctx.lineTo(x, chartArea.bottom);
        ctx.stroke();
      }
      ctx.restore();
    },
  };
}

const LABEL_HEIGHT = 13;

/** Names at the height of each line's newest point, moved apart so that none covers another. */
function endLabels(
  plots: readonly PlotModel[],
  pixelOf: (us: number) => number,
  area: { top: number; bottom: number },
): { name: string; colour: string; y: number }[] {
  const labels = plots
    .flatMap(({ name, colour, series }) => {
      const newest = series.rttP50.findLast((us) => us !== null);
      return newest === undefined || newest === null ? [] : [{ name, colour, y: pixelOf(newest) }];
    })
    .sort((a, b) => a.y - b.y);
  labels.forEach((label, index) => {
    if (index > 0) label.y = Math.max(label.y, labels[index - 1]!.y + LABEL_HEIGHT);
  });
  let floor = area.bottom - LABEL_HEIGHT / 2;
  for (const label of labels.toReversed()) {
    label.y = Math.min(label.y, floor);
    floor = label.y - LABEL_HEIGHT;
  }
  return labels;
}
