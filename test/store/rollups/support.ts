import { onTestFinished } from 'vitest';
import type { Store, StoreOptions } from '../../../src/main/store/index.ts';
import type { Retention } from '../../../src/main/store/rollups/retention.ts';
import { openUpkeep, type Upkeep } from '../../../src/main/store/rollups/upkeep.ts';
import type { PingSample } from '../../../src/shared/samples.ts';
import { tempStore } from '../temp.ts';

export const DAY_MS = 86_400_000;
export const HOUR_MS = 3_600_000;
export const MINUTE_MS = 60_000;
/** A whole day. */
export const T0 = 20_700 * DAY_MS;

/** A store that reads no window from its samples alone, and the upkeep of its folder. */
export function keptStore(options: Partial<StoreOptions> & { retention?: Retention } = {}): {
  store: Store;
  upkeep: Upkeep;
} {
  const { retention, ...others } = options;
  const store = tempStore({ maxRawPings: -1, ...others });
  return { store, upkeep: keeperOf(store, retention) };
}

function keeperOf(store: Store, retention?: Retention): Upkeep {
  const upkeep = openUpkeep({ dataDir: store.dataDir, ...(retention && { retention }) });
  onTestFinished(() => upkeep.close());
  return upkeep;
}

/** All that is to be done at `nowMs`; null deletes nothing. */
export function keepUp(upkeep: Upkeep, nowMs: number | null = null): void {
  while (upkeep.step(nowMs));
}

/** One every `everyMs` of [fromMs, toMs); every seventh is lost. */
export const pingsEvery = (everyMs: number, fromMs: number, toMs: number): PingSample[] =>
  Array.from({ length: Math.ceil((toMs - fromMs) / everyMs) }, (_, i) => ({
    atMs: fromMs + i * everyMs,
    rttUs: i % 7 === 6 ? null : 10_000 + ((i * 37) % 9000),
    loaded: false,
  }));
