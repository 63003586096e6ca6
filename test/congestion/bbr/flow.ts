/** A BBR flow on a small path, and everything it believed on the way: what the cases of the draft's Appendix A look at. */

import type { BbrModel } from '../../../src/main/congestion/bbr/types.ts';
import type { ControllerSnapshot } from '../../../src/main/congestion/controller.ts';
import {
  type BottleneckOptions,
  type BottleneckResult,
  type Conditions,
  runBottleneck,
} from '../bottleneck.ts';

export const PACKET = 1350;

/** The flow after one ACK. */
interface Moment {
  nowUs: number;
  state: string;
  cwnd: number;
  pacingBps: number;
  inFlight: number;
  model: BbrModel;
}

/** A stay in one state: the moments of it, in order; `before` is the last one before it. */
interface Visit {
  state: string;
  before: Moment | null;
  moments: Moment[];
}

interface Flow extends BottleneckResult {
  visits: Visit[];
}

/** What a link delivers of payload, bits per second: headers take their part. */
export const payloadBps = (linkBps: number): number => (linkBps * PACKET) / (PACKET + 28);

/** 10 Mbit/s, 40 ms, a droptail buffer of 2 BDP; `after` sees each moment, and whether it is the first of its state. */
export function runFlow(
  options: Partial<BottleneckOptions> & {
    after?: (moment: Moment, conditions: Conditions, entered: boolean) => void;
  },
): Flow {
  const visits: Visit[] = [];
  const result = runBottleneck({
    controller: 'bbr3',
    rateBps: 10e6,
    rttMs: 40,
    bufferBytes: 100_000,
    durationS: 5,
    warmupS: 0,
    ...options,
    observe: (controller, nowUs, recovery, conditions) => {
      const { state, cwnd, pacingBps, model } = controller.snapshot() as ControllerSnapshot & {
        model: BbrModel;
      };
      const moment = { nowUs, state, cwnd, pacingBps: pacingBps!, inFlight: recovery.bytesInFlight, model };
      const visit = visits.at(-1);
      const entered = visit?.state !== state;
      if (entered) visits.push({ state, before: visit?.moments.at(-1) ?? null, moments: [moment] });
      else visit!.moments.push(moment);
      options.after?.(moment, conditions, entered);
    },
  });
  return { ...result, visits };
}

/** The n-th stay in a state, and the one after it. Throws when the flow did not get there. */
export function visit(
  flow: Flow,
  state: string,
  n = 1,
): Visit & { first: Moment; last: Moment; next: Visit } {
  let left = n;
  const at = flow.visits.findIndex((each) => each.state === state && --left === 0);
  const found = flow.visits[at];
  const next = flow.visits[at + 1];
  if (!found || !next) {
    throw new Error(`no ${n}. ${state} that ended: ${flow.visits.map((each) => each.state).join(' ')}`);
  }
  return { ...found, first: found.moments[0]!, last: found.moments.at(-1)!, next };
}
