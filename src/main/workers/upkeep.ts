/** Worker entry: the upkeep of the lab’s store, or the one look at all of it (UpkeepWorkerMethods; events: UpkeepEvent). */
import { setTimeout as delay } from 'node:timers/promises';
import { type LabError, toLabError } from '../../shared/errors.ts';
import { inspectWhole } from '../store/inspect.ts';
import { SteadyClock } from '../store/rollups/steady-clock.ts';
import { openUpkeep, type Upkeep } from '../store/rollups/upkeep.ts';
import { emit, serve } from './port.ts';
import type { UpkeepEvent, UpkeepWorkerMethods } from './protocol.ts';

/** Between two rounds, each of which ends when nothing is left to do. */
const ROUND_MS = 30_000;
/** After a slice whoever waits to write has its turn. */
const PAUSE_MS = 10;
/** Some megabytes of log. */
const SLICES_A_CHECKPOINT = 50;
/** How long one request for roll-ups works: less than requests may take. */
const REQUEST_MS = 2000;

let upkeep: Upkeep | null = null;
let timer: NodeJS.Timeout | null = null;
let isSound = false;
/** The one that every deletion of the lab waits for. */
const clock = new SteadyClock();

const say = (type: UpkeepEvent['type'], error: LabError | null): void =>
  emit<UpkeepEvent>({ type, error: error?.toBody() ?? null });

let slices = 0;
async function pause(of: Upkeep): Promise<void> {
  if (++slices % SLICES_A_CHECKPOINT === 0) of.checkpoint();
  await delay(PAUSE_MS);
}

async function round(of: Upkeep): Promise<void> {
  try {
    const nowMs = Date.now();
    const isTrusted = clock.look(nowMs, performance.now());
    while (upkeep === of && of.step(isTrusted && isSound ? nowMs : null)) await pause(of);
    if (upkeep === of) of.checkpoint();
    say('round', null);
  } catch (thrown) {
    say('round', toLabError(thrown));
  }
  if (upkeep === of) timer = setTimeout(() => round(of), ROUND_MS);
}

serve<UpkeepWorkerMethods>({
  open(options) {
    upkeep ??= openUpkeep(options);
    isSound = options.isSound;
    if (timer === null) timer = setTimeout(round, 0, upkeep);
    return null;
  },
  sound() {
    isSound = true;
    return null;
  },
  check({ dataDir }) {
    // Once the request is answered.
    setTimeout(() => {
      try {
        inspectWhole(dataDir);
        say('checked', null);
      } catch (thrown) {
        say('checked', toLabError(thrown));
      }
    }, 0);
    return null;
  },
  async roll({ routeId }) {
    const untilMs = performance.now() + REQUEST_MS;
    while (upkeep?.roll(routeId)) {
      if (performance.now() >= untilMs) return true;
      await pause(upkeep);
    }
    return false;
  },
  close() {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    upkeep?.close();
    upkeep = null;
    return null;
  },
});
