import type { Experiment, Run } from '../../../../shared/experiments.ts';
import { CommandButton } from '../../../commands/CommandButton.tsx';
import { useAsked } from '../actions.ts';
import { endedOf, etaS, isUnderWay, totalOf } from '../words.ts';
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
        {isMonitor
          ? 'being monitored'
          : isLive
            ? `${ended} of ${all} runs${eta === null ? '' : `, about ${Math.ceil(eta)} s left`}`
            : states.join(', ') || 'no runs'}
      </span>
      {isLive && !isMonitor && <CommandButton command="experiments.cancel">Cancel</CommandButton>}
    </div>
  );
}
