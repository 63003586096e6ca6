/**
 * `routelab bench exporter`: what exporting costs — processor time of scrapes over HTTP, memory, bytes — and how long 10 000
 * series take to be written, against a plain registry of 10 000 gauges in the same process.
 */
import { quantile } from '../../../shared/samples.ts';
import { progress } from '../output.ts';
import { Endpoints } from './context.ts';
import type { Endpoint } from './endpoint.ts';
import { against, figure, median, type Row } from './rows.ts';
import type { ExporterMethods } from './stacks/exporter.ts';

export interface ExporterBenchOptions {
  /** Turns, whose median counts. */
  repeat: number;
  /** Fewer renders and scrapes. */
  quick: boolean;
}

const SERIES = 10_000;
const SCRAPE_S = 5;
/** A lab with as many routes as its demo has. */
const FEW_ROUTES = 6;
const FULL = { warmUp: 30, renders: 50, scrapes: 100 };
const QUICK = { warmUp: 5, renders: 5, scrapes: 10 };

const REACH = {
  renderMs: { max: 15 },
  blockedMs: { max: 15 },
  registry: { max: 1 },
  cpuPercent: { max: 1 },
  memoryMb: { max: 12 },
  bytesPerSeries: { max: 1000 },
} as const;

type Far = Endpoint<ExporterMethods>;

export async function benchExporter({ repeat, quick }: ExporterBenchOptions): Promise<Row[]> {
  const size = quick ? QUICK : FULL;
  const bar = progress('exporter', repeat + 2);
  const endpoints = new Endpoints();
  try {
    const start = (): Promise<Far> => endpoints.start<ExporterMethods>('exporter', ['--expose-gc']);
    const few = await fewRows(await start(), size);
    bar.update(1, 'a few routes');
    const many = await start();
    const memory = await memoryRow(many, size);
    bar.update(2, 'many series');
    const rows: Row[] = [];
    const times = {
      own: [] as number[],
      worst: [] as number[],
      blocked: [] as number[],
      longest: [] as number[],
      registry: [] as number[],
    };
    for (let turn = 0; turn < repeat; turn++) {
      const own = await many.ask('render', { times: turn === 0 ? size.warmUp + size.renders : size.renders });
      const registry = await many.ask('registry', { series: SERIES, times: Math.ceil(size.renders / 5) });
      const counted = own.ms.slice(-size.renders);
      times.own.push(median(counted));
      times.worst.push(
        quantile(
          counted.toSorted((a, b) => a - b),
          0.99,
        ),
      );
      const blocked = own.blockedMs.slice(-size.renders);
      times.blocked.push(median(blocked));
      times.longest.push(Math.max(...blocked));
      times.registry.push(median(registry.ms));
      bar.update(3 + turn, 'many series');
    }
    const peer = `prom-client, as many gauges (${median(times.registry).toFixed(1)} ms)`;
    const ratio = median(times.own) / median(times.registry);
    const name = `${memory.series} series rendered`;
    rows.push(figure(`${name}, median`, median(times.own), 'ms', REACH.renderMs));
    rows.push(against(`${name} × a plain registry`, median(times.own), 'ms', peer, ratio, REACH.registry));
    rows.push(figure(`${name}, p99`, median(times.worst), 'ms'));
    rows.push({
      ...figure(
        'longest standstill of the loop in a render, median',
        median(times.blocked),
        'ms',
        REACH.blockedMs,
      ),
      note: `of all ${Math.max(...times.longest).toFixed(1)} ms, other programs and garbage collection included`,
    });
    rows.push(await cpuRow(many, memory, size));
    return [...few, memory.row, ...rows];
  } finally {
    endpoints.stop();
    bar.stop();
  }
}

interface Exported {
  series: number;
  bytes: number;
  url: string;
}

async function scrape(url: string, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await (await fetch(url)).arrayBuffer();
}

/** Percent of one core at a scrape each 5 s, its HTTP included. */
async function cpuRow(far: Far, { series, url }: Exported, { warmUp, scrapes }: typeof FULL): Promise<Row> {
  await scrape(url, warmUp);
  const before = await far.usage();
  await scrape(url, scrapes);
  const perScrapeUs = ((await far.usage()).cpuUs - before.cpuUs - (await idleUs(far))) / scrapes;
  const name = `processor time of a core, ${series} series each ${SCRAPE_S} s`;
  return {
    ...figure(name, perScrapeUs / (SCRAPE_S * 1e4), '%', REACH.cpuPercent),
    note: `${(perScrapeUs / 1000).toFixed(2)} ms a scrape`,
  };
}

/** What it costs to ask for the usage, which collects garbage. */
async function idleUs(far: Far): Promise<number> {
  const before = await far.usage();
  return (await far.usage()).cpuUs - before.cpuUs;
}

async function fewRows(far: Far, size: typeof FULL): Promise<Row[]> {
  const exported = await far.ask('routes', { count: FEW_ROUTES });
  const metrics = exported.series / FEW_ROUTES;
  const perS = exported.bytes / SCRAPE_S;
  return [
    await cpuRow(far, exported, size),
    {
      ...figure(
        `bytes a second and series, each ${SCRAPE_S} s`,
        perS / exported.series,
        'B/s',
        REACH.bytesPerSeries,
      ),
      note: `${FEW_ROUTES} routes of ${metrics} series: ${(exported.bytes / 1000).toFixed(1)} kB a scrape`,
    },
  ];
}

/** What an exporter of many series adds to a process, scraped a few times. */
async function memoryRow(far: Far, { warmUp }: typeof FULL): Promise<Exported & { row: Row }> {
  const one = await far.ask('routes', { count: 1 });
  const before = await far.usage();
  const exported = await far.ask('routes', { count: Math.ceil(SERIES / one.series) });
  await scrape(exported.url, warmUp);
  const after = await far.usage();
  const grownMb = (after.rssBytes - before.rssBytes) / 1e6;
  const heapMb = (after.heapBytes + after.bufferBytes - before.heapBytes - before.bufferBytes) / 1e6;
  const row = {
    ...figure(`growth of the process, ${exported.series} series scraped`, grownMb, 'MB', REACH.memoryMb),
    note: `heap and buffers in use: ${heapMb.toFixed(1)} MB`,
  };
  return { ...exported, row };
}
