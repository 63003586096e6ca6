import type { Experiment } from '../../../shared/experiments.ts';
import { useBindCommands } from '../../commands/registry.ts';
import { useConnection } from '../../lab/connection.ts';
import { useLabInfo } from '../../lab/queries.ts';
import { useBusy } from '../../parts/attempt.ts';
import { startDemo } from '../routes/actions.ts';
import { cancel, pin, remove, restore, resume, useRemovedExperiments } from './actions.ts';
import type { ExperimentsViewControl } from './view.ts';
import { isOfCells, isUnderWay, missingOf } from './words.ts';

interface Props {
  experiments: readonly Experiment[];
  /** The one commands are about. */
  at: Experiment | null;
  onAt: (id: number) => void;
  /** Lists more; null where there are none. */
  onMore: (() => void) | null;
  /** Asks how often to run it again. */
  onAsk: () => void;
  onImport: () => void;
  /** Asks what matrix or scenario to measure. */
  onCells: () => void;
  onFind: () => void;
  view: ExperimentsViewControl;
}

/** What can be done on this page, bound for buttons, palette, keys and menu alike. */
export function ExperimentCommands({
  experiments,
  at,
  onAt,
  onMore,
  onAsk,
  onImport,
  onCells,
  onFind,
  view,
}: Props) {
  const online = useConnection((s) => s.phase === 'online');
  const { data: lab } = useLabInfo();
  const isBusy = useBusy((s) => at !== null && s.busy.has(`experiment-${at.id}`));
  const last = useRemovedExperiments((s) => s.removed.at(-1));
  const { experimentId, isComparing, marked } = view;

  const unreachable = online ? null : 'the lab is unreachable';
  const one = isComparing ? 'a comparison is shown' : at ? null : 'no experiment is selected';
  const change = unreachable ?? one ?? (isBusy ? 'a request is under way' : null);
  const isListed = experimentId === null && !isComparing;
  const index = experiments.findIndex(({ id }) => id === at?.id);
  const neighbour = (step: number): void => {
    const next = experiments[index + step];
    if (!next) {
      if (step > 0) onMore?.();
      return;
    }
    onAt(next.id);
    if (!isListed) view.open(next.id);
  };
  const again =
    at?.kind === 'import'
      ? 'it was imported, not measured here'
      : at?.kind === 'compare' && lab?.host === 'desktop'
        ? 'a comparison with TCP starts programs, which the desktop has not: use the command line'
        : null;
  const few = marked.length < 2 ? 'two experiments are to be marked' : null;

  useBindCommands([
    {
      command: 'experiments.open',
      run: () => at && view.open(at.id),
      blocked: one ?? (isListed ? null : 'it is open'),
    },
    { command: 'experiments.list', run: view.list, blocked: isListed ? 'the list is shown' : null },
    { command: 'experiments.find', run: onFind, blocked: isListed ? null : 'the list is not shown' },
    {
      command: 'experiments.mark',
      run: () => at && view.mark(at.id),
      blocked:
        one ??
        (view.isFull && at && !marked.includes(at.id) ? 'as many as can be compared are marked' : null),
      checked: at !== null && marked.includes(at.id),
    },
    { command: 'experiments.compare', run: view.compare, blocked: unreachable ?? few },
    {
      command: 'experiments.all',
      run: () => view.change({ all: view.all ? undefined : true }),
      blocked: isComparing ? null : 'nothing is compared',
      checked: view.all,
    },
    { command: 'experiments.pin', run: () => at && pin(at), blocked: change, checked: at?.pinned ?? false },
    {
      command: 'experiments.again',
      run: () => {
        if (at && isListed) view.open(at.id);
        onAsk();
      },
      blocked: change ?? again,
    },
    { command: 'experiments.cells', run: onCells, blocked: unreachable },
    {
      command: 'experiments.resume',
      run: () => at && resume(at),
      blocked: change ?? (at && noRest(at)),
    },
    {
      command: 'experiments.cancel',
      run: () => at && cancel(at),
      blocked: change ?? (at && isUnderWay(at) ? null : 'nothing of it is under way'),
    },
    { command: 'experiments.import', run: onImport, blocked: unreachable },
    {
      command: 'chart.table',
      run: () => view.change({ table: view.table ? undefined : true }),
      blocked: experimentId === null ? 'no chart is shown' : null,
      checked: view.table,
    },
    {
      command: 'selection.remove',
      run: () => {
        if (!at) return;
        const next = experiments[index + 1] ?? experiments[index - 1];
        remove(
          at,
          () => {
            if (next) onAt(next.id);
            if (!isListed) view.list();
          },
          ({ id }) => onAt(id),
        );
      },
      blocked: change,
    },
    {
      command: 'selection.undo',
      run: () => last && restore(last, ({ id }) => onAt(id)),
      blocked: unreachable ?? (last ? null : 'no experiment was removed on this page'),
    },
    { command: 'selection.next', run: () => neighbour(1), blocked: one },
    { command: 'selection.previous', run: () => neighbour(-1), blocked: one },
    {
      command: 'demo.start',
      run: startDemo,
      blocked: unreachable ?? (lab?.demo ? 'the demo lab runs already' : null),
    },
  ]);
  return null;
}

/** Why nothing is missing that could be measured. */
function noRest(experiment: Experiment): string | null {
  if (!isOfCells(experiment)) return `a ${experiment.kind} has no cells`;
  if (isUnderWay(experiment)) return 'it is under way';
  return missingOf(experiment.runs) > 0 ? null : 'nothing of it is missing';
}
