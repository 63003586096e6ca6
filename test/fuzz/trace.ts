import { LabError } from '../../src/shared/errors.ts';
import { LinkTrace } from '../../src/shared/link-settings.ts';
import { parseTrace } from '../../src/shared/trace/parse.ts';
import type { FuzzTarget } from './target.ts';

/** Reads a file as a trace: one that can be replayed, or an error that names the field. */
function run(data: Buffer): void {
  let trace: LinkTrace;
  try {
    trace = parseTrace(data.toString(), '--trace');
  } catch (error) {
    if (error instanceof LabError && error.code === 'RL_INPUT_INVALID' && error.field === '--trace') return;
    throw error;
  }
  LinkTrace.parse(trace);
}

export const traces: FuzzTarget = {
  name: 'traces',
  seeds: [
    '1\n2\n2\n5\n',
    '0.0\t4.03\n0.55\t4.79\n0.88\t4.49\n',
    'time_ms,rate_kbps,delay_ms,loss_percent\n# a comment\n0,400,40,1\n1000,0,60,2.5\n',
    '1700000000.5; 20; 1e1; .01\r\n1700000001; 3e-1; 2; 0\r\n',
  ].map((text) => Buffer.from(text)),
  run,
};
