/** What the page does to probe runs. Every failure is shown with its code and hint, none is swallowed. */
import { create } from 'zustand';
import { IMPORT_PART_CHARS } from '../../../shared/contract/probes.ts';
import { type ProbeInput, type ProbeRun, REMOVED_KEPT_DAYS } from '../../../shared/probes.ts';
import { client } from '../../lab/connection.ts';
import { probesKey, queryClient } from '../../lab/queries.ts';
import { attempt } from '../../parts/attempt.ts';
import { showReading } from '../../parts/reading.ts';
import { showRemoved, takeBack } from '../../parts/removed.tsx';
import { partsOf } from './import/parts.ts';

/** Runs removed on this page and not restored, the newest last. */
export const useRemovedRuns = create<{ removed: readonly ProbeRun[] }>(() => ({ removed: [] }));

/** Changes the runs listed, page by page from the newest. */
const changeRuns = (change: (runs: ProbeRun[]) => ProbeRun[]): void =>
  void queryClient.setQueryData(
    probesKey,
    (list) => list && { ...list, pages: list.pages.map((runs) => change(runs)) },
  );

function setRuns(change: Parameters<typeof changeRuns>[0]): void {
  // A list asked for before the change would undo it on arrival.
  queryClient.cancelQueries({ queryKey: probesKey });
  changeRuns(change);
  queryClient.invalidateQueries({ queryKey: probesKey });
}

/** Into the first page that it is not too old for. */
function put(run: ProbeRun): void {
  let isPlaced = false;
  setRuns((runs) => {
    const others = runs.filter(({ id }) => id !== run.id);
    if (isPlaced || (others.at(-1)?.id ?? 0) > run.id) return others;
    isPlaced = true;
    return [...others, run].sort((a, b) => b.id - a.id);
  });
}

/** Keeps the list as new as the run that is watched. */
export const noteRun = (run: ProbeRun): void =>
  changeRuns((runs) => runs.map((other) => (other.id === run.id ? run : other)));

/** Starts a run. Throws what the lab says, for the form to show. */
export async function startProbe(input: ProbeInput): Promise<ProbeRun> {
  const run = await client.probes.start(input);
  put(run);
  return run;
}

export const cancelProbe = (run: ProbeRun): Promise<void> =>
  attempt(`probe-${run.id}`, `${run.name} was not cancelled`, async () =>
    put(await client.probes.cancel({ id: run.id })),
  );

export const runAgain = (run: ProbeRun, onStarted: (run: ProbeRun) => void): Promise<void> =>
  attempt(`probe-${run.id}`, `${run.name} was not run again`, async () => {
    if (run.input) onStarted(await startProbe(run.input));
  });

/** `onRestored` is told when somebody takes the way back that the notice offers. */
export const removeProbe = (run: ProbeRun, onRestored: (run: ProbeRun) => void): Promise<void> =>
  attempt(`probe-${run.id}`, `${run.name} was not removed`, async () => {
    await client.probes.remove({ id: run.id });
    setRuns((runs) => runs.filter(({ id }) => id !== run.id));
    useRemovedRuns.setState(({ removed }) => ({ removed: [...removed, run] }));
    showRemoved(`probe-${run.id}`, `${run.name}; it is deleted in ${REMOVED_KEPT_DAYS} days.`, () =>
      restoreProbe(run, onRestored),
    );
  });

export const restoreProbe = (run: ProbeRun, onRestored: (run: ProbeRun) => void): Promise<void> =>
  attempt(`probe-${run.id}`, `${run.name} was not restored`, async () => {
    put(await client.probes.restore({ id: run.id }));
    useRemovedRuns.setState(({ removed }) => ({ removed: removed.filter(({ id }) => id !== run.id) }));
    takeBack(`probe-${run.id}`);
    onRestored(run);
  });

/** Takes a qlog file as a run. `onRun` is told of it once it is whole. */
export const importQlog = (file: File, onRun: (run: ProbeRun) => void): Promise<void> =>
  attempt(`import-${file.name}`, `${file.name} was not imported`, async () => {
    let run: ProbeRun | null = null;
    let read = 0;
    const hide = showReading(file.name, () => Math.min(1, read / file.size));
    try {
      for await (const { text, more } of partsOf(file, IMPORT_PART_CHARS)) {
        run = await client.probes.importQlog({
          name: file.name.slice(0, 256),
          text,
          more,
          ...(run && { continues: run.id }),
        });
        read += text.length;
      }
    } finally {
      hide();
    }
    if (run === null) return;
    put(run);
    onRun(run);
  });
