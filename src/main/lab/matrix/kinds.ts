/** Kinds of experiments that are made of cells: what may be set, which cells that makes, and how one is measured. */
import type { z } from 'zod';
import type { LabError } from '../../../shared/errors.ts';
import type { ExperimentKind, Metrics } from '../../../shared/experiments.ts';
import {
  type Cell,
  MatrixSettings,
  matrixCells,
  ScenarioSettings,
  scenarioCell,
} from '../../../shared/matrix.ts';
import { loadMetrics } from '../../../shared/metrics.ts';
import { CompareSettings, FairnessSettings } from '../../../shared/shared-paths.ts';
import { checkParameters } from '../../congestion/index.ts';
import type { Loads } from './loads.ts';

export interface CellContext {
  runId: number;
  /** Of everything random in it. */
  seed: number;
  signal: AbortSignal;
  /** 0 to 1. */
  onPart: (part: number) => void;
}

interface CellOutcome {
  metrics: Metrics | null;
  /** Why it failed. */
  error: LabError | null;
}

/** One part of an experiment that is measured again and again. */
export interface MeasuredCell {
  key: string;
  parameters: Readonly<Record<string, unknown>>;
  /** About how long it takes. */
  seconds: number;
  /** Rejects with what could not be measured at all. */
  measure(context: CellContext): Promise<CellOutcome>;
}

export interface CellKind<S extends { repeat: number; durationS?: number | undefined }> {
  kind: ExperimentKind;
  schema: z.ZodType<S>;
  nameOf(settings: S): string;
  /** Throws RL_INPUT_INVALID of settings that cannot be measured. */
  cellsOf(settings: S): MeasuredCell[];
}

/** Handshakes, what is under way at the end, and pings that are waited for. */
const BESIDE_S = 2;

const loadCell =
  (loads: Loads, { controller: name, parameters }: Pick<MatrixSettings, 'controller' | 'parameters'>) =>
  ({ key, load, emulation, parameters: told }: Cell): MeasuredCell => ({
    key,
    parameters: told,
    seconds: load.warmUpS + load.durationS + load.coolDownS + BESIDE_S,
    measure: async ({ runId, seed, signal, onPart }) => {
      const controller = { name, parameters };
      const outcome = await loads.measure({ runId, load, emulation, controller, seed, signal, onPart });
      return { metrics: loadMetrics(outcome.result), error: outcome.error };
    },
  });

export const matrixKind = (loads: Loads): CellKind<MatrixSettings> => ({
  kind: 'matrix',
  schema: MatrixSettings,
  nameOf: (settings) => `Matrix of ${matrixCells(settings).length} cells`,
  cellsOf: (settings) => {
    checkParameters(settings.controller, settings.parameters);
    return matrixCells(settings).map(loadCell(loads, settings));
  },
});

export const scenarioKind = (loads: Loads): CellKind<ScenarioSettings> => ({
  kind: 'scenario',
  schema: ScenarioSettings,
  nameOf: ({ scenario }) => `Scenario ${scenario}`,
  cellsOf: (settings) => {
    checkParameters(settings.controller, settings.parameters);
    return [loadCell(loads, settings)(scenarioCell(settings))];
  },
});

/** Beside a measurement that threads or processes of its own make: their start and end. */
const START_S = 2;

/** What only a host can measure that has the files of the program: it starts processes of its own. */
export interface Measurers {
  compare(settings: CompareSettings, context: CellContext): Promise<Metrics>;
}

const wholeCell = (seconds: number, measure: (context: CellContext) => Promise<Metrics>): MeasuredCell[] => [
  {
    key: '',
    parameters: {},
    seconds,
    measure: async (context) => ({ metrics: await measure(context), error: null }),
  },
];

export const fairnessKind = (
  measure: (settings: FairnessSettings, context: CellContext) => Promise<Metrics>,
): CellKind<FairnessSettings> => ({
  kind: 'fairness',
  schema: FairnessSettings,
  nameOf: ({ flows }) => `Fairness of ${flows.join(', ')}`,
  cellsOf: (settings) => wholeCell(settings.durationS + START_S, (context) => measure(settings, context)),
});

export const compareKind = ({ compare }: Measurers): CellKind<CompareSettings> => ({
  kind: 'compare',
  schema: CompareSettings,
  nameOf: ({ controller, mode }) => `QUIC (${controller}) against TCP, ${mode}`,
  cellsOf: (settings) =>
    wholeCell(
      2 * settings.pairs * (settings.mode === 'handshake' ? 0.2 : settings.durationS) + START_S,
      (context) => compare(settings, context),
    ),
});
