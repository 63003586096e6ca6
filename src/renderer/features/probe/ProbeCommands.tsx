import type { ProbeRun } from '../../../shared/probes.ts';
import { useBindCommands } from '../../commands/registry.ts';
import { useConnection } from '../../lab/connection.ts';
import { useBusy } from '../../parts/attempt.ts';
import { cancelProbe, removeProbe, restoreProbe, runAgain, useRemovedRuns } from './actions.ts';
import { takeOver } from './form/draft.ts';
import { isOver } from './run/figures.ts';
import type { ProbeViewControl } from './view.ts';

interface Props {
  /** The one that is shown. */
  run: ProbeRun | null;
  runs: readonly ProbeRun[];
  /** Lists older ones too; null where there are none. */
  onMore: (() => void) | null;
  view: ProbeViewControl;
  onSetUp: () => void;
  onImport: () => void;
}

/** What can be done on this page but for starting, which the form binds. */
export function ProbeCommands({ run, runs, onMore, view, onSetUp, onImport }: Props) {
  const online = useConnection((s) => s.phase === 'online');
  const isBusy = useBusy((s) => run !== null && s.busy.has(`probe-${run.id}`));
  const last = useRemovedRuns((s) => s.removed.at(-1));

  const unreachable = online ? null : 'the lab is unreachable';
  const one = run ? null : 'no run is shown';
  const change = unreachable ?? one ?? (isBusy ? 'a request is under way' : null);
  const again = run?.input ? null : 'it was imported, not measured here';
  const at = runs.findIndex(({ id }) => id === run?.id);
  const neighbour = (step: number): void => {
    const next = runs[at < 0 ? 0 : at + step];
    if (next) view.open(next.id);
    else if (step > 0) onMore?.();
  };
  const others = runs.filter(({ id, series }) => run !== null && id !== run.id && series.length > 0);

  useBindCommands([
    { command: 'probe.new', run: onSetUp },
    { command: 'probe.import', run: onImport, blocked: unreachable },
    {
      command: 'probe.cancel',
      run: () => run && cancelProbe(run),
      blocked: change ?? (run && isOver(run) ? 'it is over' : null),
    },
    {
      command: 'probe.again',
      run: () => run && runAgain(run, (started) => view.open(started.id)),
      blocked: change ?? again,
    },
    {
      command: 'probe.settings',
      run: () => {
        if (run?.input) takeOver(run.input);
        onSetUp();
      },
      blocked: one ?? again,
    },
    {
      command: 'probe.alone',
      run: () => run && view.compare(run.id, null),
      blocked: one ?? (view.otherId === null ? 'it is compared with none' : null),
    },
    {
      command: 'selection.remove',
      run: async () => {
        if (!run) return;
        await removeProbe(run, ({ id }) => view.open(id));
        const next = runs[at + 1] ?? runs[at - 1];
        if (next) view.open(next.id);
        else view.leave();
      },
      blocked: change,
    },
    {
      command: 'selection.undo',
      run: async () => {
        if (!last) return;
        await restoreProbe(last, ({ id }) => view.open(id));
      },
      blocked: unreachable ?? (last ? null : 'no run was removed on this page'),
    },
    {
      command: 'selection.next',
      run: () => neighbour(1),
      blocked: runs.length > 0 ? null : 'there is no run',
    },
    {
      command: 'selection.previous',
      run: () => neighbour(-1),
      blocked: runs.length > 0 ? null : 'there is no run',
    },
    ...others.slice(0, 20).map((other) => ({
      command: {
        id: `probe.compare.${other.id}`,
        title: `Compare with ${other.name} (run ${other.id})`,
        group: 'Probe' as const,
      },
      run: () => run && view.compare(run.id, other.id),
    })),
  ]);
  return null;
}
