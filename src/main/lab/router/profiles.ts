/** Handlers of the network profiles. */
import { PROFILES } from '../../path/profiles.ts';
import type { Implementation, RouterParts } from './parts.ts';

export function profileHandlers({ os }: Implementation, { capacity, probes }: RouterParts) {
  return {
    list: os.profiles.list.handler(() => [...PROFILES]),
    capacity: os.profiles.capacity.handler(async () => ({
      limitBps: probes.isMeasuring ? capacity.bestBps : await capacity.limitBps(),
    })),
  };
}
