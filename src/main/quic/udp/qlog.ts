/** The qlog of a connection in real time. */
import type { Observer, Origin } from '../connection/observer.ts';
import type { PathAddress } from '../connection/paths.ts';
import { type QlogOptions, qlogTrace } from '../qlog/trace.ts';
import { toUnixMs } from './clock.ts';

/** Opens a trace for each connection that begins; nothing without options. */
export function qlogObserver(
  options: QlogOptions | undefined,
  local: PathAddress,
): ((origin: Origin) => Observer) | undefined {
  if (!options) return undefined;
  return (origin) => {
    const sink = options.open({
      odcid: origin.originalDestinationId.toString('hex'),
      vantage: origin.role,
    });
    return qlogTrace(origin, sink, { local, unixMs: toUnixMs(origin.startedAtUs), format: options.format });
  };
}
