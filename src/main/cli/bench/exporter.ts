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
/** What the reaches are stated for. */
const SCRAPE_S = 5;
/** Monitors hand over what they measured so often a second. */
const BATCHES_A_SECOND = 4;
/** A lab with as many routes as its demo has. */
const FEW_ROUTES = 6;
const FULL = { warmUp: 30, renders: 50, scrapes: 100, processes: 3 };
const QUICK = { warmUp: 5, renders: 5, scrapes: 10, processes: 1 };

const REACH = {
  renderMs: { max: 15 },
  blockedMs: { max: 15 },
  registry: { max: 1 },
  cpuPercent: { max: 1 },
  memoryMb: { max: 11 },
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
    const others = await Promise.all(Array.from({ length: size.processes - 1 }, start));
    const memory = await memoryRow([many, ...others], size);
    bar.update(2, 'many series');
    const rows: Row[] = [];
    const times = {
      own: [] as number[],
      cpu: [] as number[],
      worst: [] as number[],
      blocked: [] as number[],
      registry: [] as number[],
    };
    for (let turn = 0; turn < repeat; turn++) {
      // What the registry left is not collected in the middle of a render.
      await many.usage();
      const own = await many.ask('render', { times: turn === 0 ? size.warmUp + size.renders : size.renders });
      const registry = await many.ask('registry', { series: SERIES, times: Math.ceil(size.renders / 5) });
      const counted = own.ms.slice(-size.renders);
      times.own.push(median(counted));
      times.cpu.push(...own.cpuMs.slice(-size.renders));
      times.worst.push(...counted);
      times.blocked.push(...own.blockedMs.slice(-size.renders));
      times.registry.push(median(registry.ms));
      bar.update(3 + turn, 'many series');
    }
    const peer = `prom-client, as many gauges (${median(times.registry).toFixed(1)} ms)`;
    const ratio = median(times.own) / median(times.registry);
    const name = `${memory.series} series rendered`;
    rows.push(figure(`${name}, median`, median(times.own), 'ms', REACH.renderMs));
    rows.push(against(`${name} × a plain registry`, median(times.own), 'ms', peer, ratio, REACH.registry));
    rows.push({
      ...figure(`${name}, p99 of the thread’s processor time`, p99(times.cpu), 'ms', REACH.renderMs),
      note: `p99 with what other programs took of it: ${p99(times.worst).toFixed(1)} ms`,
    });
    rows.push(
      figure(
        'most work between two turns of the loop, of all renders',
        Math.max(...times.blocked),
        'ms',
        REACH.blockedMs,
      ),
    );
    rows.push(...(await cpuRows(many, memory, size)));
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

const p99 = (values: readonly number[]): number =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.99,
  );

/**
 * Percent of one core, HTTP and the counting of what is measured meanwhile included: judged at a scrape each 5 s, and of a few routes
 * each second too.
 */
async function cpuRows(
  far: Far,
  { series, url }: Exported,
  { warmUp, scrapes }: typeof FULL,
): Promise<Row[]> {
  const costUs = async (work: () => Promise<unknown>): Promise<number> => {
    const before = await far.usage();
    await work();
    return (await far.usage()).cpuUs - before.cpuUs - (await idleUs(far));
  };
  await scrape(url, warmUp);
  // Cheap beside asking for the usage, which collects garbage: so many that it can be told.
  const counts = Math.ceil((scrapes * 10 * SERIES) / series);
  await far.ask('count', { times: warmUp });
  const scrapeUs = (await costUs(() => scrape(url, scrapes))) / scrapes;
  const countUs = ((await costUs(() => far.ask('count', { times: counts }))) / counts) * BATCHES_A_SECOND;
  return [SCRAPE_S, 1].map((everyS) => {
    const name = `processor time of a core, ${series} series each ${everyS} s`;
    const isJudged = everyS === SCRAPE_S || series < SERIES;
    return {
      ...figure(name, (scrapeUs / everyS + countUs) / 1e4, '%', isJudged ? REACH.cpuPercent : undefined),
      note: `${(scrapeUs / 1000).toFixed(2)} ms a scrape, ${(countUs / 1000).toFixed(2)} ms of counting a second`,
    };
  });
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
    ...(await cpuRows(far, exported, size)),
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

/** What an exporter of many series adds to a process, scraped a few times: the median of several processes. */
async function memoryRow(processes: readonly Far[], size: typeof FULL): Promise<Exported & { row: Row }> {
  const grown: (Exported & Growth)[] = [];
  for (const far of processes) grown.push(await growth(far, size));
  const exported = grown[0]!;
  const name = `growth of the process, ${exported.series} series scraped`;
  const heapMb = median(grown.map((each) => each.heapMb));
  const row = {
    ...figure(name, median(grown.map((each) => each.rssMb)), 'MB', REACH.memoryMb),
    note: `heap and buffers in use: ${heapMb.toFixed(1)} MB`,
  };
  return { ...exported, row };
}

interface Growth {
  rssMb: number;
  heapMb: number;
}

async function growth(far: Far, { warmUp }: typeof FULL): Promise<Exported & Growth> {
  const one = await far.ask('routes', { count: 1 });
  const before = await far.usage();
  const exported = await far.ask('routes', { count: Math.ceil(SERIES / one.series) });
  await scrape(exported.url, warmUp);
  const after = await far.usage();
  const rssMb = (after.rssBytes - before.rssBytes) / 1e6;
  const heapMb = (after.heapBytes + after.bufferBytes - before.heapBytes - before.bufferBytes) / 1e6;
  return { ...exported, rssMb, heapMb };
}
