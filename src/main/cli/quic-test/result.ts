/** What quic-test measured, as a report. */
import type { LabError } from '../../../shared/errors.ts';
import type { LoadResult } from '../../../shared/load.ts';
import { fecMetrics, loadMetrics } from '../../../shared/metrics.ts';
import { createReport, type Gate, type Report, type ReportColumn } from '../../../shared/report.ts';
import { judge, withOccasion } from '../../../shared/sla.ts';
import { describePath } from '../emulate/describe.ts';
import type { Protected } from './protection.ts';
import type { QuicTestSettings } from './settings.ts';

const column = (key: string, title: string, unit: string | null, digits: number | null): ReportColumn => ({
  key,
  title,
  unit,
  digits,
});

const scaled = (value: number | null | undefined, per: number): number | null =>
  value === null || value === undefined ? null : value / per;

type Row = [name: string, value: number | null, digits: number, unit: string | null];

/** Of the protected packets, towards the server. */
const fecRows = ({ sent, lost, unrecoverable, redundancy, recovery }: Protected): Row[] => [
  ['FEC packets sent', sent, 0, null],
  ['FEC redundancy', redundancy, 3, null],
  ['FEC packets lost', lost, 0, null],
  ['FEC recovery', recovery, 3, null],
  ['FEC residual loss', sent === 0 ? null : (unrecoverable / sent) * 100, 3, '%'],
];

/** Each in the unit that it is shown in. */
function rowsOf(result: LoadResult): Row[] {
  const { rttUs } = result;
  return [
    ['Duration', result.durationUs / 1e6, 3, 's'],
    ['Goodput', scaled(result.goodputBps, 1e6), 3, 'Mbit/s'],
    ['Payload received', result.bytes, 0, 'bytes'],
    ['RTT min', scaled(rttUs?.min, 1e3), 3, 'ms'],
    ['RTT mean', scaled(rttUs?.mean, 1e3), 3, 'ms'],
    ['RTT p50', scaled(rttUs?.p50, 1e3), 3, 'ms'],
    ['RTT p95', scaled(rttUs?.p95, 1e3), 3, 'ms'],
    ['RTT p99', scaled(rttUs?.p99, 1e3), 3, 'ms'],
    ['RTT max', scaled(rttUs?.max, 1e3), 3, 'ms'],
    ['Jitter', scaled(result.jitterUs, 1e3), 3, 'ms'],
    ['Loss', scaled(result.lossRatio, 0.01), 3, '%'],
    ['Pings', result.pings, 0, null],
    ['Connections', result.connections, 0, null],
    ['Handshake p50', scaled(result.handshakeUs?.p50, 1e3), 3, 'ms'],
    ['Messages sent', result.messages, 0, null],
    ['Messages skipped', result.skipped, 0, null],
    ['Errors', result.errors, 0, null],
    ['QUIC packets sent', result.packetsSent, 0, null],
    ['QUIC packets lost', result.packetsLost, 0, null],
    ['Sent again', scaled(result.retransmitRatio, 0.01), 3, '%'],
    ['Key updates', result.keyUpdates, 0, null],
    ['Early data accepted', result.earlyDataAccepted, 0, null],
  ];
}

export function quicTestReport(
  settings: QuicTestSettings,
  server: string,
  {
    result,
    fec,
    errors,
    isCut,
  }: { result: LoadResult; fec: Protected | null; errors: readonly LabError[]; isCut: boolean },
  createdAtMs: number,
): Report {
  const { mode, plan, emulation, controller, limits, insecure } = settings;
  const gates: Gate[] = judge(fec === null ? limits : withOccasion(limits, fec), {
    ...loadMetrics(result),
    ...(fec !== null && fecMetrics(fec)),
  });
  return createReport({
    title: `quic-test of ${server}`,
    createdAtMs,
    facts: [
      ['Mode', mode],
      ['Server', server],
      [
        'Load',
        `${plan.connections} connections of ${plan.streams} streams, each ${plan.ratePerS} messages/s of ${plan.packetBytes} bytes (${plan.pattern})`,
      ],
      ['Congestion control', controller.name],
      ['Path', emulation === null ? 'the network as it is' : `emulated: ${describePath(emulation)}`],
      ...(insecure ? [['Certificate', 'not checked'] as [string, string]] : []),
      ...(isCut ? [['Ended', 'early: it was interrupted'] as [string, string]] : []),
      ...errors.map(({ code, message }): [string, string] => ['Error', `${code}: ${message}`]),
    ],
    tables: [
      {
        id: 'result',
        title: 'Result',
        columns: [
          column('metric', 'Metric', null, null),
          column('value', 'Value', null, null),
          column('unit', 'Unit', null, null),
        ],
        rows: [...rowsOf(result), ...(fec === null ? [] : fecRows(fec))].map(
          ([name, value, digits, unit]) => [
            name,
            value === null ? null : Number(value.toFixed(digits)),
            unit,
          ],
        ),
      },
      {
        id: 'seconds',
        title: 'Second by second',
        columns: [
          column('second', 'Second', null, 0),
          column('goodput', 'Goodput', 'Mbit/s', 3),
          column('rtt', 'RTT p50', 'ms', 3),
          column('pings', 'Pings', null, 0),
          column('lost', 'Lost', null, 0),
        ],
        rows: result.intervals.map(({ fromS, goodputBps, rttP50Us, pings, lost }) => [
          fromS,
          scaled(goodputBps, 1e6),
          scaled(rttP50Us, 1e3),
          pings,
          lost,
        ]),
      },
    ],
    charts: [],
    gates,
    manifest: null,
  });
}
