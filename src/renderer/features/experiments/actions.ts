/** What the page does to experiments. Every failure is shown with its code and hint, none is swallowed. */
import { notifications } from '@mantine/notifications';
import { create } from 'zustand';
import { IMPORT_PART_BYTES } from '../../../shared/contract/experiments.ts';
import type { Experiment, ExperimentPatch, ExportFormat } from '../../../shared/experiments.ts';
import { REMOVED_KEPT_DAYS } from '../../../shared/probes.ts';
import { formatBytes } from '../../../shared/units.ts';
import { client } from '../../lab/connection.ts';
import { orpc, queryClient } from '../../lab/queries.ts';
import { storedToken } from '../../lab/token.ts';
import { attempt } from '../../parts/attempt.ts';
import { showReading } from '../../parts/reading.ts';
import { showRemoved, takeBack } from '../../parts/removed.tsx';
import type { CellInput } from './cells/fields.ts';
import { endedOf } from './words.ts';

/** Experiments removed on this page and not restored, the newest last. */
export const useRemovedExperiments = create<{ removed: readonly Experiment[] }>(() => ({ removed: [] }));

/** What was asked for on this page: runs of experiments, and how many had ended before. */
interface Asked {
  endedBefore: number;
  runs: number;
}
export const useAsked = create<{ asked: Readonly<Record<number, Asked>> }>(() => ({ asked: {} }));

const listKey = orpc.experiments.list.key();
const keyOf = (id: number) => orpc.experiments.get.queryKey({ input: { id } });

export const noteExperiment = (experiment: Experiment): void =>
  void queryClient.setQueryData(keyOf(experiment.id), experiment);

const relist = (): Promise<void> => queryClient.invalidateQueries({ queryKey: listKey });

/** Shown at once; taken back where the lab refuses it. */
export const change = (experiment: Experiment, what: string, patch: ExperimentPatch): Promise<void> =>
  attempt(`experiment-${experiment.id}`, `${what} of ${experiment.name} was not saved`, async () => {
    noteExperiment({ ...experiment, ...patch });
    try {
      noteExperiment(await client.experiments.update({ id: experiment.id, ...patch }));
    } catch (thrown) {
      noteExperiment(experiment);
      throw thrown;
    }
    await relist();
  });

export const pin = (experiment: Experiment): Promise<void> =>
  attempt(`experiment-${experiment.id}`, `${experiment.name} was not pinned`, async () => {
    noteExperiment(await client.experiments.pin({ id: experiment.id, pinned: !experiment.pinned }));
    await relist();
  });

/** `onRestored` is told when somebody takes the way back that the notice offers. */
export const remove = (
  experiment: Experiment,
  onRemoved: () => void,
  onRestored: (experiment: Experiment) => void,
): Promise<void> =>
  attempt(`experiment-${experiment.id}`, `${experiment.name} was not removed`, async () => {
    await client.experiments.remove({ id: experiment.id });
    useRemovedExperiments.setState(({ removed }) => ({ removed: [...removed, experiment] }));
    onRemoved();
    showRemoved(
      `experiment-${experiment.id}`,
      `${experiment.name}; it is deleted in ${REMOVED_KEPT_DAYS} days.`,
      () => restore(experiment, onRestored),
    );
    await relist();
  });

export const restore = (
  experiment: Experiment,
  onRestored: (experiment: Experiment) => void,
): Promise<void> =>
  attempt(`experiment-${experiment.id}`, `${experiment.name} was not restored`, async () => {
    noteExperiment(await client.experiments.restore({ id: experiment.id }));
    useRemovedExperiments.setState(({ removed }) => ({
      removed: removed.filter(({ id }) => id !== experiment.id),
    }));
    takeBack(`experiment-${experiment.id}`);
    onRestored(experiment);
    await relist();
  });

/** `onBegun` is told of the experiment that the new runs belong to: another one where this lab is not as it was. */
export const runAgain = (
  experiment: Experiment,
  { repetitions, durationS }: { repetitions: number; durationS: number | null },
  onBegun: (experiment: Experiment) => void,
): Promise<void> =>
  attempt(`experiment-${experiment.id}`, `${experiment.name} was not run again`, async () => {
    const begun = await client.experiments.again({
      id: experiment.id,
      repetitions,
      ...(durationS !== null && { durationS }),
    });
    const asked = { endedBefore: endedOf(begun.runs), runs: repetitions };
    useAsked.setState((all) => ({ asked: { ...all.asked, [begun.id]: asked } }));
    noteExperiment(begun);
    onBegun(begun);
    await relist();
  });

/** Begins a matrix or a scenario. Throws what the lab says, for the form to show. */
export async function startCells(input: CellInput): Promise<Experiment> {
  const begun = await client.matrix.start(input);
  noteExperiment(begun);
  await relist();
  return begun;
}

/** Measures what is missing of an experiment of cells. */
export const resume = (experiment: Experiment): Promise<void> =>
  attempt(`experiment-${experiment.id}`, `${experiment.name} was not resumed`, async () => {
    noteExperiment(await client.matrix.resume({ id: experiment.id }));
    await relist();
  });

export const cancel = (experiment: Experiment): Promise<void> =>
  attempt(`experiment-${experiment.id}`, `${experiment.name} was not cancelled`, async () =>
    noteExperiment(await client.experiments.cancel({ id: experiment.id })),
  );

/** A lab that wants a token gets it in a header, which a link alone cannot carry. */
async function download(url: string, name: string): Promise<void> {
  const token = storedToken();
  const link = document.createElement('a');
  link.download = name;
  if (token === null) link.href = url;
  else {
    const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    if (!answer.ok) throw new Error(`the lab answered ${answer.status} to the download`);
    link.href = URL.createObjectURL(await answer.blob());
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }
  link.click();
}

/** The file is downloaded; the desktop, which serves none, says where it is. */
export const exportAs = (experiment: Experiment, format: ExportFormat, redact: boolean): Promise<void> =>
  attempt(`export-${experiment.id}`, `${experiment.name} was not exported`, async () => {
    const { name, path, url, bytes } = await client.experiments.export({ id: experiment.id, format, redact });
    if (window.routelab === undefined) await download(url, name);
    notifications.show({
      message:
        window.routelab === undefined
          ? `Exported ${name}, ${formatBytes(bytes)}.`
          : `Exported to ${path}, ${formatBytes(bytes)}.`,
      autoClose: 8000,
    });
  });

/** Takes a file in parts. `onImported` is told of what was in it once all of it is there. */
export const importFile = (file: File, onImported: (experiments: Experiment[]) => void): Promise<void> =>
  attempt(`import-${file.name}`, `${file.name} was not imported`, async () => {
    let continues: number | null = null;
    let at = 0;
    const hide = showReading(file.name, () => (file.size === 0 ? 0 : at / file.size));
    try {
      do {
        const end = Math.min(file.size, at + IMPORT_PART_BYTES);
        const step = await client.experiments.importFile({
          name: file.name.slice(0, 256) || 'file',
          data: base64Of(new Uint8Array(await file.slice(at, end).arrayBuffer())),
          more: end < file.size,
          ...(continues !== null && { continues }),
        });
        at = end;
        continues = step.continues;
        if (continues === null) onImported(step.experiments);
      } while (continues !== null);
    } finally {
      hide();
    }
    await relist();
  });

/** In pieces: the arguments of a call are limited. */
function base64Of(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 8192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}
