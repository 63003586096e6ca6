import {
  decodeWish,
  encodeObservation,
  encodeWish,
  ObservationReader,
} from '../../src/main/probe/observation.ts';
import {
  decodeEcho,
  decodeGreeting,
  decodeReport,
  decodeRequest,
  encodeEcho,
  encodeGreeting,
  encodeReport,
  encodeRequest,
  GREETING_BYTES,
  Prefix,
  REPORT_BYTES,
  REQUEST_BYTES,
} from '../../src/main/probe/protocol.ts';
import { LabError } from '../../src/shared/errors.ts';
import type { FuzzTarget } from './target.ts';

/**
 * Reads a stream’s first bytes as a request, as a report, as a wish and as what a server tells; what is accepted must write back as
 * it was.
 */
function run(data: Buffer): void {
  decodeEcho(data);
  const request = new Prefix(REQUEST_BYTES).push(data);
  if (request !== null) {
    if (request.head.length + request.rest.length !== data.length) throw new Error('bytes lost');
    const decoded = decodeRequest(request.head);
    if (decoded !== null && !encodeRequest(decoded).equals(request.head)) throw new Error('request changed');
  }
  const report = new Prefix(REPORT_BYTES).push(data);
  if (report !== null) {
    const decoded = decodeReport(report.head);
    if (decoded !== null && !encodeReport(decoded).equals(report.head)) throw new Error('report changed');
  }
  const greeting = new Prefix(GREETING_BYTES).push(data);
  if (greeting !== null) {
    const decoded = decodeGreeting(greeting.head);
    if (decoded !== null && !encodeGreeting(decoded).equals(greeting.head))
      throw new Error('greeting changed');
  }
  const wish = decodeWish(data);
  if (wish !== null && decodeWish(encodeWish(wish)) === null) throw new Error('wish changed');
  try {
    const told = new ObservationReader().push(data);
    const again = new ObservationReader().push(Buffer.concat(told.map(encodeObservation)));
    if (JSON.stringify(again) !== JSON.stringify(told)) throw new Error('what was told changed');
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
  }
}

export const probeProtocol: FuzzTarget = {
  name: 'probe-protocol',
  seeds: [
    encodeRequest({ kind: 'download', bytes: 2_000_000, durationMs: 2000 }),
    Buffer.concat([encodeRequest({ kind: 'upload', bytes: 0, durationMs: 500 }), Buffer.from('payload')]),
    encodeRequest({ kind: 'echo', bytes: 0, durationMs: 1000 }),
    encodeGreeting({ code: 0, congestion: 'cubic' }),
    encodeReport({ bytes: 123_456_789, durationUs: 2_000_000 }),
    encodeEcho(77, 16),
    encodeRequest({ kind: 'observe', everyUs: 1000, wishBytes: 0 }),
    encodeWish({ name: 'newreno', parameters: { PacingGain: 2 } }),
    encodeObservation({ type: 'declined' }),
    encodeObservation({ type: 'controller', name: 'cubic' }),
    encodeObservation({
      type: 'series',
      series: {
        tUs: [5, 9],
        cwndBytes: [12_000, 13_000],
        inFlightBytes: [0, 500],
        pacingBps: [null, 1e6],
        bandwidthBps: [null, null],
        rttUs: [2000, 1900],
        minRttUs: [1900, 1900],
        lostPackets: [0, 1],
        phases: [{ fromUs: 5, state: 'slow-start' }],
      },
    }),
  ],
  run,
};
