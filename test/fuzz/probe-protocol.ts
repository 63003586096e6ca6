import {
  decodeEcho,
  decodeReport,
  decodeRequest,
  encodeEcho,
  encodeReport,
  encodeRequest,
  Prefix,
  REPORT_BYTES,
  REQUEST_BYTES,
} from '../../src/main/probe/protocol.ts';
import type { FuzzTarget } from './target.ts';

/** Reads a stream’s first bytes as a request and as a report; what is accepted must write back as it was. */
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
}

export const probeProtocol: FuzzTarget = {
  name: 'probe-protocol',
  seeds: [
    encodeRequest({ kind: 'download', bytes: 2_000_000, durationMs: 2000 }),
    Buffer.concat([encodeRequest({ kind: 'upload', bytes: 0, durationMs: 500 }), Buffer.from('payload')]),
    encodeReport({ bytes: 123_456_789, durationUs: 2_000_000 }),
    encodeEcho(77, 16),
  ],
  run,
};
