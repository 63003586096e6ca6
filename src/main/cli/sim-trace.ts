/** `sim --trace FILE`: the series behind the figures, as CSV (a row for each flow and moment) or JSON. */
import { extname } from 'node:path';
import { LabError } from '../../shared/errors.ts';
import type { Scenario } from '../../shared/scenario.ts';
import type { SimulationTrace } from '../simulate/recorder.ts';
import type { AtomicFile } from './atomic-file.ts';

const FORMATS = ['.csv', '.json'] as const;
type TraceFormat = (typeof FORMATS)[number];

const COLUMNS = [
  't_s',
  'flow',
  'controller',
  'state',
  'cwnd_bytes',
  'in_flight_bytes',
  'pacing_bps',
  'bandwidth_bps',
  'rtt_ms',
  'min_rtt_ms',
  'lost_packets',
  'delivered_bytes',
  'queue_bytes',
];
/** Rows that are put together before they are written. */
const ROWS_PER_WRITE = 1000;

/** By the file’s extension; throws RL_INPUT_INVALID for others. */
export function traceFormat(path: string): TraceFormat {
  const found = FORMATS.find((format) => format === extname(path).toLowerCase());
  if (found === undefined) {
    throw new LabError('RL_INPUT_INVALID', `--trace: "${path}" ends neither in .csv nor in .json`, {
      field: '--trace',
    });
  }
  return found;
}

export function writeTrace(
  file: AtomicFile,
  format: TraceFormat,
  scenario: Scenario,
  trace: SimulationTrace,
): void {
  if (format === '.json') file.write(`${JSON.stringify({ scenario, ...trace })}\n`);
  else writeCsv(file, scenario, trace);
  file.commit();
}

function writeCsv(file: AtomicFile, scenario: Scenario, { everyUs, flows, queue }: SimulationTrace): void {
  file.write(`${COLUMNS.join(',')}\n`);
  flows.forEach(({ series, deliveredBytes }, index) => {
    const { controller, start_s } = scenario.flows[index]!;
    const ms = (us: number | null | undefined): number | string =>
      us === null || us === undefined ? '' : us / 1e3;
    let phase = 0;
    let rows: string[] = [];
    series.tUs.forEach((tUs, i) => {
      while ((series.phases[phase + 1]?.fromUs ?? Number.POSITIVE_INFINITY) <= tUs) phase++;
      const atUs = tUs + start_s * 1e6;
      rows.push(
        [
          atUs / 1e6,
          index,
          controller,
          series.phases[phase]!.state,
          series.cwndBytes[i],
          series.inFlightBytes[i],
          series.pacingBps[i] ?? '',
          series.bandwidthBps[i] ?? '',
          ms(series.rttUs[i]),
          ms(series.minRttUs[i]),
          series.lostPackets[i],
          deliveredBytes[i],
          queue.bytes[Math.round(atUs / everyUs)],
        ].join(','),
      );
      if (rows.length < ROWS_PER_WRITE) return;
      file.write(`${rows.join('\n')}\n`);
      rows = [];
    });
    if (rows.length > 0) file.write(`${rows.join('\n')}\n`);
  });
}
