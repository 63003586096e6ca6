/** Why a command that was to measure runs has not measured them all. */
import { LabError } from '../../shared/errors.ts';
import type { Run } from '../../shared/experiments.ts';

type Told = Pick<Run, 'key' | 'repetition' | 'state' | 'error'>;

/** The error of the first that has one, else what became of them; null where all are done. */
export function whyUnfinished(runs: readonly Told[]): LabError | null {
  const missing = runs.filter(({ state }) => state !== 'done');
  const [first] = missing;
  if (first === undefined) return null;
  const error = missing.find((run) => run.error !== null)?.error;
  if (error) return LabError.fromBody(error as Parameters<typeof LabError.fromBody>[0]);
  const told = `Run ${first.repetition}${first.key === '' ? '' : ` of ${first.key}`} was ${first.state}`;
  const others = missing.length - 1;
  const isCancelled = missing.some(({ state }) => state === 'cancelled');
  // Nobody ended the others: that they were over could not be stored.
  return new LabError(
    isCancelled ? 'RL_CANCELLED' : 'RL_DATA_UNWRITABLE',
    others === 0 ? told : `${told}, and ${others} more are not done`,
  );
}
