/** Paths that are faster than the emulator carries on the lab's machine: marked, and not to be emulated. */
import { useQuery } from '@tanstack/react-query';
import type { Emulation } from '../../../shared/domain.ts';
import { fastestBps, isBeyond, UNQUESTIONED_BPS } from '../../../shared/link-rates.ts';
import { formatRate } from '../../../shared/units.ts';
import { errorBody } from '../../lab/errors.ts';
import { orpc } from '../../lab/queries.ts';
import type { EmulationFields } from './fields.ts';

/** While runs are measured the lab does not measure itself. */
const ASK_AGAIN_MS = 2000;
/** The lab may measure again, on a machine that is less busy. */
const STALE_MS = 60_000;

export interface EmulatorLimit {
  /** Bits per second each way; null while that is not known. */
  bps: number | null;
  /** What there is to say of it. */
  words: string;
}

/** The lab measures it for this question, so it is asked only once somebody looks at paths that may be too fast. */
export function useEmulatorLimit(isWanted: boolean): EmulatorLimit {
  const { data, error } = useQuery(
    orpc.profiles.capacity.queryOptions({
      enabled: isWanted,
      staleTime: STALE_MS,
      refetchInterval: ({ state }) => (state.data?.limitBps === null ? ASK_AGAIN_MS : false),
    }),
  );
  if (error)
    return {
      bps: null,
      words: `What the emulator carries could not be measured: ${errorBody(error).message}`,
    };
  if (data === undefined) return { bps: null, words: 'What the emulator carries here is being measured.' };
  if (data.limitBps === null)
    return { bps: null, words: 'What the emulator carries here is measured once no probe is under way.' };
  const rate = formatRate(data.limitBps, 0);
  return {
    bps: data.limitBps,
    words: `The emulator carries ${rate} here; faster paths are for the simulator.`,
  };
}

/** Why a path cannot be emulated here; null where it can be, or where that is not known yet. */
export const whyTooFast = (emulation: Emulation, { bps }: EmulatorLimit): string | null =>
  bps !== null && isBeyond(bps, emulation)
    ? `Simulator only: ${formatRate(fastestBps(emulation), 0)}, the emulator carries ${formatRate(bps, 0)} here`
    : null;

/** The same of a path in a form, whose empty fields count as 0. */
export function usePathFault(path: EmulationFields | null): string | null {
  const emulation = path as Emulation | null;
  const limit = useEmulatorLimit(emulation !== null && fastestBps(emulation) > UNQUESTIONED_BPS);
  return emulation && whyTooFast(emulation, limit);
}
