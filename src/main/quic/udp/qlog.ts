/** The qlog of a connection in real time. */
import type { Observer, Origin } from '../connection/observer.ts';
import type { PathAddress } from '../connection/paths.ts';
import { type QlogOptions, type QlogSink, qlogTrace } from '../qlog/trace.ts';
import { toUnixMs } from './clock.ts';

/** Records kept of a connection until a packet of its peer was authenticated. */
const EARLY_RECORDS = 64;

/**
 * Opens a trace for each connection that begins, at a server once a packet of it was authenticated: noise leaves nothing behind.
 * Nothing without options.
 */
export function qlogObserver(
  options: QlogOptions | undefined,
  local: PathAddress,
): ((origin: Origin) => Observer) | undefined {
  if (!options) return undefined;
  return (origin) => {
    const { role, originalDestinationId, startedAtUs } = origin;
    const open = (): QlogSink =>
      options.open({ odcid: originalDestinationId.toString('hex'), vantage: role });
    const facts = { local, unixMs: toUnixMs(startedAtUs), format: options.format };
    if (role === 'client') return qlogTrace(origin, open(), facts);
    const sink = new LateSink(open);
    const trace = qlogTrace(origin, sink, facts);
    const onPacketReceived = trace.onPacketReceived.bind(trace);
    trace.onPacketReceived = (packet, nowUs) => {
      sink.open();
      trace.onPacketReceived = onPacketReceived;
      onPacketReceived(packet, nowUs);
    };
    return trace;
  };
}

/** A sink that is opened when there is reason to. */
class LateSink implements QlogSink {
  readonly #open: () => QlogSink;
  #sink: QlogSink | null = null;
  #waiting: string[] = [];

  constructor(open: () => QlogSink) {
    this.#open = open;
  }

  open(): void {
    this.#sink = this.#open();
    for (const record of this.#waiting.splice(0)) this.#sink.write(record);
  }

  write(record: string): void {
    if (this.#sink) this.#sink.write(record);
    else if (this.#waiting.length < EARLY_RECORDS) this.#waiting.push(record);
  }

  end(): void {
    this.#sink?.end();
  }
}
