/** Handlers of experiments of cells. */
import { randomInt } from 'node:crypto';
import { MatrixSettings, type MatrixUpdate, ScenarioSettings } from '../../../shared/matrix.ts';
import { CompareSettings, FairnessSettings } from '../../../shared/shared-paths.ts';
import { pause } from '../changes.ts';
import { cellsManifest } from '../manifest.ts';
import type { Implementation, RouterParts } from './parts.ts';

const WATCH_EVERY_MS = 250;
const SETTINGS = {
  matrix: MatrixSettings,
  scenario: ScenarioSettings,
  fairness: FairnessSettings,
  compare: CompareSettings,
} as const;

export function matrixHandlers(
  { os, stream }: Implementation,
  { reproductions, matrices, app, store }: RouterParts,
) {
  async function* watch(id: number, signal: AbortSignal): AsyncGenerator<MatrixUpdate> {
    for (let told = ''; !signal.aborted; await pause(WATCH_EVERY_MS, signal)) {
      const update = matrices.progress(id);
      const now = JSON.stringify(update);
      if (now !== told) yield update;
      told = now;
      if (update.isOver) return;
    }
  }
  return {
    start: os.matrix.start.handler(({ input: { kind, settings, seed = randomInt(2 ** 32) } }) =>
      reproductions.run(cellsManifest(kind, SETTINGS[kind], settings, seed, app), { repetitions: 1 }),
    ),
    resume: os.matrix.resume.handler(({ input }) => reproductions.resume(input.id)),
    watch: os.matrix.watch.handler(({ input, signal, path }) => {
      const { id } = store.experiments.get(input.id);
      return stream(path, signal, (ending) => watch(id, ending));
    }),
    cancel: os.matrix.cancel.handler(({ input }) => reproductions.cancel(input.id)),
  };
}
