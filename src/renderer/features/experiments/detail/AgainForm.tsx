import { Button } from '@mantine/core';
import { useState } from 'react';
import type { Experiment } from '../../../../shared/experiments.ts';
import { useBusy } from '../../../parts/attempt.ts';
import { ScaledNumber } from '../../../parts/ScaledNumber.tsx';
import { runAgain } from '../actions.ts';
import { isOfCells } from '../words.ts';
import classes from './DetailView.module.css';

interface Props {
  experiment: Experiment;
  onClose: () => void;
  onBegun: (experiment: Experiment) => void;
}

const whole = (value: number | '' | null, least: number, most: number): string | null =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
    ? null
    : `a whole number from ${least} to ${most}`;

/** How often, and for monitors, which have no end of their own, how long. */
export function AgainForm({ experiment, onClose, onBegun }: Props) {
  const [repetitions, setRepetitions] = useState<number | '' | null>(1);
  const [durationS, setDurationS] = useState<number | '' | null>(30);
  const isBusy = useBusy((s) => s.busy.has(`experiment-${experiment.id}`));
  const isEndless = experiment.kind === 'monitor' || experiment.kind === 'demo';
  const faults = {
    repetitions: whole(repetitions, 1, 1000),
    duration: isEndless ? whole(durationS, 1, 86_400) : null,
  };
  const isWrong = faults.repetitions !== null || faults.duration !== null;
  return (
    <form
      className={classes.again}
      aria-label="Run the experiment again"
      onKeyDown={(event) => event.key === 'Escape' && onClose()}
      onSubmit={(event) => {
        event.preventDefault();
        if (isWrong) return;
        runAgain(
          experiment,
          { repetitions: Number(repetitions), durationS: isEndless ? Number(durationS) : null },
          onBegun,
        );
      }}
    >
      <ScaledNumber
        label="Repetitions"
        unit={isOfCells(experiment) ? 'times' : 'runs'}
        autoFocus
        value={repetitions}
        onChange={setRepetitions}
        error={faults.repetitions}
        w={110}
      />
      {isEndless && (
        <ScaledNumber
          label="Each for"
          unit="s"
          value={durationS}
          onChange={setDurationS}
          error={faults.duration}
          w={110}
        />
      )}
      <Button type="submit" variant="filled" loading={isBusy} disabled={isWrong}>
        Start
      </Button>
      <Button onClick={onClose}>Not now</Button>
      <p>
        Measured from its manifest{isOfCells(experiment) && ', each time with all that it has'}. Runs made by
        the same RouteLab on the same machine join this experiment, others make one of their own.
      </p>
    </form>
  );
}
