/** Mode `handshake`: connections made for their handshakes, one after the other. */
import { formatDuration } from '../../../shared/units.ts';
import { runHandshakes } from '../handshake.ts';
import type { Mode, ModeContext } from './mode.ts';

const DEFAULT_HANDSHAKES = 10;

export function handshakeMode(context: ModeContext): Mode {
  const { plan, connect, signal } = context;
  const { durationMs } = plan;
  const count = plan.count ?? (durationMs === undefined ? DEFAULT_HANDSHAKES : undefined);
  let begun = 0;
  let completed = 0;
  let newestUs: number | null = null;

  return {
    durationMs,
    get part() {
      return count === undefined ? 0 : begun / count;
    },
    get newest() {
      return formatDuration(newestUs);
    },
    measure: () => {
      context.begin();
      return runHandshakes(connect, {
        count,
        durationMs,
        resume: plan.resume,
        signal,
        onHandshake: (sample, info) => {
          begun++;
          if (info !== null) completed++;
          newestUs = sample.durationUs ?? newestUs;
          context.onHandshake(info);
        },
      });
    },
    figures: () => ({ sent: begun, received: completed }),
    fault: () => null,
  };
}
