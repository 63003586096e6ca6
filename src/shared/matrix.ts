/** Loads over emulated paths: what a cell of a matrix measures, which cells a matrix has, and the named scenarios. */
import { z } from 'zod';
import { Controller, ControllerParameters, type Emulation } from './domain.ts';
import type { Experiment } from './experiments.ts';
import type { LinkSettings } from './link-settings.ts';
import { LoadSettings, MOST_STREAMS } from './load.ts';
import { GateLimits } from './sla.ts';

/** What holds for each cell of an experiment. */
const common = {
  /** How often each cell is measured: once all of them, then all of them again. */
  repeat: z.number().int().min(1).max(1000).default(3),
  controller: Controller.default('cubic'),
  parameters: ControllerParameters.default({}),
};

const MAX_VALUES = 32;
const values = (of: z.ZodNumber) =>
  z
    .array(of)
    .min(1)
    .max(MAX_VALUES)
    .refine((all) => new Set(all).size === all.length, { message: 'names a value twice' });

const { ratePerS, connections, streams, packetBytes, durationS, warmUpS, coolDownS } = LoadSettings.shape;

export const MatrixSettings = z
  .strictObject({
    /** Messages per second of each stream. */
    rates: values(ratePerS).default([100, 300, 600, 1000]),
    connections: values(connections).default([1, 2, 4, 8]),
    /** Of the round trip, 0 to 1. */
    lossRatios: values(z.number().min(0).max(0.9)).default([0, 0.01, 0.03, 0.05]),
    rttsMs: values(z.number().min(0).max(10_000)).default([5, 30, 100]),
    streams: streams.default(1),
    packetBytes: packetBytes.default(1200),
    durationS: durationS.default(30),
    warmUpS: warmUpS.default(5),
    coolDownS: coolDownS.default(2),
    /** What each cell is held against. */
    limits: GateLimits.optional(),
    ...common,
  })
  .refine((matrix) => Math.max(...matrix.connections) * matrix.streams <= MOST_STREAMS, {
    path: ['streams'],
    message: `times the most connections is over ${MOST_STREAMS} streams at once`,
  });
export type MatrixSettings = z.infer<typeof MatrixSettings>;

/** What a light matrix has instead: sixteen cells. */
export const LIGHT_MATRIX = {
  rates: [100, 600],
  connections: [1, 4],
  lossRatios: [0, 0.03],
  rttsMs: [5, 100],
  durationS: 10,
} as const satisfies Partial<Record<keyof MatrixSettings, unknown>>;

interface Scenario {
  name: string;
  /** For people: what it stands for. */
  about: string;
  load: Pick<LoadSettings, 'connections' | 'streams' | 'durationS' | 'ratePerS'>;
  emulation: Emulation;
  limits: Required<Pick<GateLimits, 'rttP95Us' | 'lossRatio' | 'goodputBps' | 'errors'>>;
}

/** Of what happens to a round trip with this probability, the part of one way. */
const eachWay = (ratio: number): number => 1 - Math.sqrt(1 - ratio);

/** Packets that a burst loses, on average. */
const BURST_PACKETS = 4;

/** A path without a limit of its rate, the same both ways; RTT, loss and copies are of the round trip. */
export function plainPath(
  profile: string,
  { rttMs, lossRatio, duplicateRatio = 0 }: { rttMs: number; lossRatio: number; duplicateRatio?: number },
): Emulation {
  const link: LinkSettings = {
    rateBps: null,
    delayMs: rttMs / 2,
    jitterMs: 0,
    lossRatio: eachWay(lossRatio),
    bufferBytes: null,
    ...(duplicateRatio > 0 && { duplicateRatio: Math.sqrt(1 + duplicateRatio) - 1 }),
  };
  return { profile, up: link, down: { ...link }, flap: null };
}

const changed = (path: Emulation, change: (link: LinkSettings) => LinkSettings): Emulation => ({
  ...path,
  up: change(path.up),
  down: change(path.down),
});

/** Losses of the same mean, in bursts (Gilbert): r leaves a burst, and p / (p + r) of all packets are in one. */
const inBursts = (path: Emulation): Emulation =>
  changed(path, ({ lossRatio, ...link }) => {
    const r = 1 / BURST_PACKETS;
    const p = (r * lossRatio) / (1 - lossRatio);
    return { ...link, lossRatio: 0, loss: { model: 'gilbert', p, r, h: 0, k: 1 } };
  });

type Load = [connections: number, streams: number, durationS: number, ratePerS: number];
type Impairment = [lossPercent: number, rttMs: number, duplicatePercent: number];
type Limits = [goodputKBps: number, rttP95Ms: number, lossPercent: number, errors: number];

function scenario(
  name: string,
  about: string,
  [connectionCount, streamCount, seconds, rate]: Load,
  [lossPercent, rttMs, duplicatePercent]: Impairment,
  [goodputKBps, rttP95Ms, mostLossPercent, errors]: Limits,
  change: (path: Emulation) => Emulation = (path) => path,
): Scenario {
  const ratios = { lossRatio: lossPercent / 100, duplicateRatio: duplicatePercent / 100 };
  return {
    name,
    about,
    load: { connections: connectionCount, streams: streamCount, durationS: seconds, ratePerS: rate },
    emulation: change(plainPath(name, { rttMs, ...ratios })),
    limits: {
      goodputBps: goodputKBps * 8e3,
      rttP95Us: rttP95Ms * 1e3,
      lossRatio: mostLossPercent / 100,
      errors,
    },
  };
}

/** Load, impairment and limits as the table of docs/matrix.md has them. */
export const SCENARIOS: readonly Scenario[] = [
  scenario('wifi', 'a home’s Wi-Fi', [2, 4, 30, 100], [2, 10, 1], [50, 50, 5, 10]),
  scenario('lte', 'a mobile network', [2, 4, 30, 100], [5, 30, 2], [30, 100, 8, 20]),
  scenario('sat', 'a geostationary satellite', [1, 2, 60, 50], [1, 500, 0.5], [10, 1000, 2, 5]),
  scenario('dc-eu', 'between data centres of Europe', [4, 8, 30, 200], [0.1, 1, 0], [200, 10, 0.5, 2]),
  scenario('ru-eu', 'from Russia to Europe', [2, 4, 45, 100], [3, 80, 1], [40, 150, 5, 15]),
  scenario(
    'loss-burst',
    'losses in bursts of four packets',
    [2, 4, 60, 100],
    [10, 20, 5],
    [20, 200, 15, 50],
    inBursts,
  ),
  // The table has copies alone, and out of their order is what the scenario is called after: as many as are copied.
  scenario(
    'reorder',
    'packets copied and out of order',
    [2, 4, 30, 100],
    [2, 15, 10],
    [30, 100, 5, 25],
    (path) => changed(path, (link) => ({ ...link, reorderRatio: link.duplicateRatio ?? 0 })),
  ),
];

export const SCENARIO_NAMES = SCENARIOS.map(({ name }) => name) as [string, ...string[]];

/** Without settings of its own a scenario is measured as its table says. */
export const ScenarioSettings = z.strictObject({
  scenario: z.enum(SCENARIO_NAMES),
  packetBytes: packetBytes.default(1200),
  durationS: durationS.optional(),
  warmUpS: warmUpS.default(1),
  coolDownS: coolDownS.default(0),
  /** In place of the scenario's own. */
  limits: GateLimits.optional(),
  ...common,
  repeat: common.repeat.unwrap().default(1),
});
export type ScenarioSettings = z.infer<typeof ScenarioSettings>;

export interface Cell {
  /** Told apart by. */
  key: string;
  load: LoadSettings;
  emulation: Emulation;
  /** What a run of it keeps: all that tells it from other cells. */
  parameters: Readonly<Record<string, unknown>>;
}

/** A cell for each combination: rates change fastest, then connections, loss and RTT. */
export function matrixCells(settings: MatrixSettings): Cell[] {
  const { streams: count, packetBytes: bytes, durationS: seconds, warmUpS: warm, coolDownS: cool } = settings;
  return settings.rttsMs.flatMap((rttMs) =>
    settings.lossRatios.flatMap((lossRatio) =>
      settings.connections.flatMap((each) =>
        settings.rates.map((rate) => ({
          key: `${rate}/s × ${each}, loss ${Number((lossRatio * 100).toFixed(6))} %, RTT ${rttMs} ms`,
          load: {
            connections: each,
            streams: count,
            ratePerS: rate,
            packetBytes: bytes,
            durationS: seconds,
            warmUpS: warm,
            coolDownS: cool,
          },
          emulation: plainPath('matrix', { rttMs, lossRatio }),
          parameters: { ratePerS: rate, connections: each, lossRatio, rttMs },
        })),
      ),
    ),
  );
}

export const scenarioNamed = (name: string): Scenario | undefined =>
  SCENARIOS.find((each) => each.name === name);

/** What the parts of an experiment are held against: as it was begun with, else as its scenario has it. */
export function gateLimitsOf({ kind, manifest }: Pick<Experiment, 'kind' | 'manifest'>): GateLimits {
  const { limits, scenario } = (manifest['parameters'] ?? {}) as Record<string, unknown>;
  const told = GateLimits.safeParse(limits);
  if (told.success) return told.data;
  return (kind === 'scenario' && scenarioNamed(String(scenario))?.limits) || {};
}

/** The one cell of a scenario. */
export function scenarioCell(settings: ScenarioSettings): Cell {
  const { load, emulation } = scenarioNamed(settings.scenario)!;
  const { packetBytes: bytes, warmUpS: warm, coolDownS: cool } = settings;
  const seconds = settings.durationS ?? load.durationS;
  return {
    key: settings.scenario,
    load: { ...load, packetBytes: bytes, durationS: seconds, warmUpS: warm, coolDownS: cool },
    emulation,
    parameters: { scenario: settings.scenario },
  };
}

/** How far an experiment of cells is. */
export const MatrixUpdate = z.object({
  experimentId: z.number().int(),
  /** Runs that are over, whatever became of them, and all of them. */
  over: z.number().int(),
  total: z.number().int(),
  /** Seconds until the last is over, as far as that is known. */
  leftS: z.number().nullable(),
  /** What is measured now; `part` of it is done, 0 to 1. */
  running: z.object({ key: z.string(), repetition: z.number().int(), part: z.number() }).nullable(),
  isOver: z.boolean(),
});
export type MatrixUpdate = z.infer<typeof MatrixUpdate>;
