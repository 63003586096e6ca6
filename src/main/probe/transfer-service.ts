/** The server's side of one transfer: each takes the slot that it holds, and returns what takes the client's further bytes. */
import { nowUs } from '../quic/udp/clock.ts';
import { answerEchoes } from './echo.ts';
import { AppError, encodeReport, PAYLOAD, type TransferRequest, WRITES_PER_TURN } from './protocol.ts';
import { SERVICE_LIMITS } from './service-limits.ts';
import type { Slot } from './slot.ts';

/** Upload reports, and the check whether a download is through. */
const TICK_MS = 250;

/** Sends until the bytes or the time are used up. Returns what takes the client’s further bytes. */
export function source(slot: Slot, request: TransferRequest): (data: Buffer) => void {
  const { stream, counters } = slot;
  const endsAtUs = nowUs() + (request.durationMs || SERVICE_LIMITS.durationMs) * 1000;
  let left = request.bytes || SERVICE_LIMITS.bytes;
  let turn: NodeJS.Immediate | undefined;
  let ended = false;

  const pump = (): void => {
    for (let writes = 0; writes < WRITES_PER_TURN; writes++) {
      if (left === 0 || nowUs() >= endsAtUs) {
        ended = true;
        stream.onDrain = null;
        stream.end();
        return;
      }
      const chunk = left < PAYLOAD.length ? PAYLOAD.subarray(0, left) : PAYLOAD;
      left -= chunk.length;
      counters.bytesDown += chunk.length;
      const more = stream.write(chunk);
      // What was just written is not even queued: the client sent STOP_SENDING.
      if (stream.queuedBytes === 0) {
        slot.release();
        return;
      }
      if (!more) return;
    }
    turn = setImmediate(pump);
  };
  const tick = setInterval(() => {
    if (ended) {
      if (stream.queuedBytes === 0) slot.release();
    } else if (stream.queuedBytes === 0 || nowUs() >= endsAtUs) pump();
  }, TICK_MS);
  slot.onRelease(() => {
    clearInterval(tick);
    clearImmediate(turn);
  });
  stream.onDrain = pump;
  // The request is all a downloading client has to say; its FIN does not end the download.
  stream.onEnd = null;
  pump();
  return () => slot.fail(AppError.BAD_REQUEST);
}

/** Counts until the client ends, reporting on the way. Returns what takes the payload. */
export function sink(slot: Slot, request: TransferRequest): (data: Buffer) => void {
  const { stream, counters } = slot;
  const limit = request.bytes || SERVICE_LIMITS.bytes;
  let bytes = 0;
  let firstAtUs = 0;
  let newestAtUs = 0;
  const report = (untilUs: number): void => {
    if (bytes > 0) stream.write(encodeReport({ bytes, durationUs: untilUs - firstAtUs }));
  };
  const reports = setInterval(() => report(nowUs()), TICK_MS);
  slot.onRelease(() => clearInterval(reports));
  stream.onEnd = () => {
    report(newestAtUs);
    stream.end();
    slot.release();
  };
  return (data) => {
    newestAtUs = nowUs();
    if (bytes === 0) firstAtUs = newestAtUs;
    bytes += data.length;
    counters.bytesUp += data.length;
    if (bytes > limit) slot.fail(AppError.OVER_LIMIT);
  };
}

/** Sends back what comes, until the client ends or has sent what it may. Returns what takes the payload. */
export function echo(slot: Slot, request: TransferRequest): (data: Buffer) => void {
  const { stream, counters } = slot;
  let left = request.bytes || SERVICE_LIMITS.bytes;
  const answer = answerEchoes(stream, () => slot.release());
  return (data) => {
    left -= data.length;
    if (left < 0) return slot.fail(AppError.OVER_LIMIT);
    counters.echoes++;
    answer(data);
  };
}
