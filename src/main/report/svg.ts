/** Charts of a report as SVG that needs no script: colours come from the page's style, light or dark. */
import type { ReportChart } from '../../shared/report.ts';
import { escapeHtml } from './escape.ts';

const WIDTH = 720;
const HEIGHT = 260;
const MARGIN = { top: 12, right: 16, bottom: 40, left: 68 } as const;
const TICKS = 5;
export const COLOURS = 6;

interface Scale {
  at(value: number): number;
  ticks: number[];
  digits: number;
}

/** Round steps of 1, 2 or 5 times a power of ten that hold [low, high]. */
function scaleOf(low: number, high: number, from: number, to: number): Scale {
  const span = high - low || Math.abs(high) || 1;
  const rough = span / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.floor(low / step);
  const last = Math.max(first + 1, Math.ceil(high / step));
  const digits = Math.min(12, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  return {
    at: (value) => from + ((value - first * step) / ((last - first) * step)) * (to - from),
    ticks: Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step),
    digits,
  };
}

const named = ({ title, unit }: { title: string; unit: string | null }): string =>
  escapeHtml(unit === null ? title : `${title} (${unit})`);
const px = (value: number): string => value.toFixed(1);

/** '' where there is no point to draw. */
export function svgChart(chart: ReportChart): string {
  const points = chart.series.flatMap((series) => series.points);
  const ys = points.flatMap(([, y]) => (y === null ? [] : [y]));
  if (ys.length === 0) return '';
  const extent = (values: readonly number[]): [number, number] => [
    values.reduce((a, b) => Math.min(a, b)),
    values.reduce((a, b) => Math.max(a, b)),
  ];
  const x = scaleOf(...extent(points.map(([value]) => value)), MARGIN.left, WIDTH - MARGIN.right);
  const [least, most] = extent(ys);
  const y = scaleOf(Math.min(0, least), Math.max(0, most), HEIGHT - MARGIN.bottom, MARGIN.top);
  const grid = [
    ...y.ticks.map(
      (tick) =>
        `<line class="grid" x1="${MARGIN.left}" x2="${WIDTH - MARGIN.right}" y1="${px(y.at(tick))}" y2="${px(y.at(tick))}"/>` +
        `<text class="end" x="${MARGIN.left - 6}" y="${px(y.at(tick) + 4)}">${tick.toFixed(y.digits)}</text>`,
    ),
    ...x.ticks.map(
      (tick) =>
        `<text class="mid" x="${px(x.at(tick))}" y="${HEIGHT - MARGIN.bottom + 16}">${tick.toFixed(x.digits)}</text>`,
    ),
    `<text class="mid" x="${(MARGIN.left + WIDTH - MARGIN.right) / 2}" y="${HEIGHT - 6}">${named(chart.x)}</text>`,
    `<text class="mid" transform="translate(14 ${(HEIGHT - MARGIN.bottom) / 2}) rotate(-90)">${named(chart.y)}</text>`,
  ];
  const lines = chart.series.map((series, i) => {
    let path = '';
    let isGap = true;
    const dots: string[] = [];
    for (const [at, value] of series.points) {
      if (value === null) {
        isGap = true;
        continue;
      }
      const place = `${px(x.at(at))} ${px(y.at(value))}`;
      path += `${isGap ? 'M' : 'L'}${place}`;
      isGap = false;
      if (series.points.length <= 60)
        dots.push(`<circle cx="${px(x.at(at))}" cy="${px(y.at(value))}" r="2.5"/>`);
    }
    return `<g class="c${i % COLOURS}"><path d="${path}"/>${dots.join('')}<title>${escapeHtml(series.name)}</title></g>`;
  });
  const legend =
    chart.series.length < 2
      ? ''
      : `<p class="legend">${chart.series
          .map(({ name }, i) => `<span class="c${i % COLOURS}">■</span> ${escapeHtml(name)}`)
          .join(' &nbsp; ')}</p>`;
  return (
    `<figure><figcaption>${escapeHtml(chart.title)}</figcaption>` +
    `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(chart.title)}">${grid.join('')}${lines.join('')}</svg>` +
    `${legend}</figure>`
  );
}
