/** Mode `handshake`: connections made for their handshakes, one after the other. */
import { LabError } from '../../../shared/errors.ts';
import type { HandshakeTrace } from '../../../shared/probe-details.ts';
import { formatDuration } from '../../../shared/units.ts';
import { runHandshakes } from '../handshake.ts';
import { ALPN } from '../protocol.ts';
import type { Mode, ModeContext } from './mode.ts';

const DEFAULT_HANDSHAKES = 10;
/** Traces kept: what a chart can show, and a result can hold. */
const MOST_TRACES = 100;

export function handshakeMode(context: ModeContext): Mode {
  const { plan, connect, signal } = context;
  const { durationMs, handshake: start = 'cold' } = plan;
  const count = plan.count ?? (durationMs === undefined ? DEFAULT_HANDSHAKES : undefined);
  const traces: HandshakeTrace[] = [];
  let begun = 0;
  let completed = 0;
  let resumed = 0;
  let earlyDataAccepted = 0;
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
      if (start === '0-rtt' && !connect.alpn.includes(ALPN))
        throw new LabError(
          'RL_INPUT_INVALID',
          `handshake: what is sent as early data is a request of ${ALPN}, which is not offered`,
          {
            field: 'handshake',
          },
        );
      context.begin();
      return runHandshakes(connect, {
        count,
        durationMs,
        start,
        signal,
        onHandshake: (trace, info) => {
          begun++;
          traces.push(trace);
          if (traces.length > MOST_TRACES) traces.shift();
          if (info === null) return;
          completed++;
          if (info.resumed) resumed++;
          if (info.earlyData === 'accepted') earlyDataAccepted++;
          newestUs = info.durationUs;
          context.onHandshake(info);
        },
      });
    },
    figures: () => ({
      sent: begun,
      received: completed,
      detail: {
        kind: 'handshake',
        start,
        resumed,
        earlyDataAccepted,
        handshakes: [...traces],
        leftOut: begun - traces.length,
      },
    }),
    fault: () => null,
  };
}
