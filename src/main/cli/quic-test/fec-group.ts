/** The groups of packets that `--fec-redundancy` asks for. */
import { type FecInput, fecFault, repairOf } from '../../../shared/fec.ts';
import { invalid } from './go-flags.ts';

const LEAST_GROUP = 10;
const MOST_GROUP = 20;
/** Of mode fec. */
const RATES = { least: 1, most: 5000 } as const;

/** Source packets of a group, as few as come closest to it from above: repair packets are whole. */
function groupOf(redundancy: number): number {
  const excess = (k: number): number => repairOf({ k, redundancy }) / k - redundancy;
  let best = LEAST_GROUP;
  for (let k = LEAST_GROUP + 1; k <= MOST_GROUP; k++) if (excess(k) < excess(best) - 1e-9) best = k;
  return best;
}

/** Throws RL_INPUT_INVALID for a rate that packets cannot be protected at. */
export function fecInput(redundancy: number, ratePerS: number): FecInput {
  if (ratePerS < RATES.least || ratePerS > RATES.most)
    throw invalid('rate', `${ratePerS} is not from ${RATES.least} to ${RATES.most}, as --fec needs it`);
  const input: FecInput = { scheme: 'rs', k: groupOf(redundancy), redundancy, adaptive: false };
  const fault = fecFault({ ...input, ratePerS });
  if (fault !== null) throw invalid('rate', `${fault}; --fec needs more packets`);
  return input;
}
