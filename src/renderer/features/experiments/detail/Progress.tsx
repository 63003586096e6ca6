import { useState } from 'react';
import type { Experiment, Run } from '../../../../shared/experiments.ts';
import type { MatrixUpdate } from '../../../../shared/matrix.ts';
import { formatPercent, formatSpan } from '../../../../shared/units.ts';
import { CommandButton } from '../../../commands/CommandButton.tsx';
import { client } from '../../../lab/connection.ts';
import { useFollow } from '../../../lab/use-follow.ts';
import { useAsked } from '../actions.ts';
import { endedOf, etaS, isOfCells, isUnderWay, missingOf, totalOf } from '../words.ts';
import classes from './DetailView.module.css';

/** How far it is: of what was asked here, else of all its runs. Its place is kept when nothing is under way. */
export function Progress({ experiment, runs }: { experiment: Experiment; runs: readonly Run[] }) {
  const asked = useAsked((s) => s.asked[experiment.id]);
  const { runs: counts } = experiment;
  const isLive = isUnderWay(experiment);
  const ended = endedOf(counts) - (asked?.endedBefore ?? 0);
  const all = Math.max(asked?.runs ?? 0, totalOf(counts) - (asked?.endedBefore ?? 0));
  const isMonitor = isLive && asked === undefined && ['monitor', 'demo'].includes(experiment.kind);
  const eta = etaS(runs, all - ended, Date.now());
  const states = Object.entries(counts).flatMap(([state, n]) => (n > 0 ? [`${n} ${state}`] : []));
  return (
    <div className={classes.progress} data-testid="experiment-progress">
      <progress value={isLive && !isMonitor ? ended : 0} max={Math.max(1, all)} hidden={!isLive || isMonitor}>
        {ended} of {all}
      </progress>
      <span data-testid="experiment-state">
        {isMonitor ? (
          'being monitored'
        ) : !isLive ? (
          states.join(', ') || 'no runs'
        ) : isOfCells(experiment) ? (
          <Cells id={experiment.id} />
        ) : (
          `${ended} of ${all} runs${eta === null ? '' : `, about ${Math.ceil(eta)} s left`}`
        )}
      </span>
      {isLive && !isMonitor && <CommandButton command="experiments.cancel">Cancel</CommandButton>}
      {!isLive && isOfCells(experiment) && missingOf(counts) > 0 && (
        <CommandButton command="experiments.resume">Resume</CommandButton>
      )}
    </div>
  );
}

/** As the lab tells it: which cell is measured now, and how long all of them will take. */
function Cells({ id }: { id: number }) {
  const [update, setUpdate] = useState<MatrixUpdate | null>(null);
  useFollow((signal) => client.matrix.watch({ id }, { signal }), setUpdate, { of: String(id), hasEnd: true });
  if (update === null) return null;
  const { over, total, leftS, running } = update;
  return (
    <>
      {over} of {total} runs{leftS !== null && `, about ${formatSpan(leftS)} left`}
      {running && ` · ${running.key === '' ? 'now' : running.key}: ${formatPercent(running.part, 0)}`}
    </>
  );
}
