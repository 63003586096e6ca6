/** Files with recorded paths, and such paths in words. */
import { LabError } from '../../../shared/errors.ts';
import { meanRateBps, periodSOf } from '../../../shared/link-rates.ts';
import type { LinkTrace } from '../../../shared/link-settings.ts';
import { parseTrace } from '../../../shared/trace/parse.ts';
import { formatBytes, formatRate } from '../../../shared/units.ts';

/** Of a file, and of the trace as a setting: it goes with every message about the route or the run that has it. */
const MAX_FILE_BYTES = 4_000_000;
const MAX_TRACE_CHARS = 200_000;

/** Throws RL_INPUT_INVALID that names the file and what is wrong in which line of it. */
export async function readTrace(file: Pick<File, 'name' | 'size' | 'text'>): Promise<LinkTrace> {
  const refuse = (message: string): LabError =>
    new LabError('RL_INPUT_INVALID', `${file.name}: ${message}`, {
      field: file.name,
      hint: 'Cut it shorter, or replay all of it with routelab emulate --trace.',
    });
  if (file.size > MAX_FILE_BYTES)
    throw refuse(`${formatBytes(file.size)} are more than ${formatBytes(MAX_FILE_BYTES)}`);
  const trace = parseTrace(await file.text(), file.name);
  const { length } = JSON.stringify(trace);
  if (length <= MAX_TRACE_CHARS) return trace;
  throw refuse(
    `${pointsOf(trace)} take ${formatBytes(length)} of settings, more than the ${formatBytes(MAX_TRACE_CHARS)} of a direction`,
  );
}

const pointsOf = (trace: LinkTrace): string =>
  trace.kind === 'series' ? `${trace.steps.length} steps` : `${trace.atMs.length} packets`;

/** How long it is, how fast, and in how many points. */
export const describeTrace = (trace: LinkTrace): string =>
  `${Number(periodSOf(trace).toPrecision(4))} s, ${formatRate(meanRateBps(trace))} on average, ${pointsOf(trace)}`;
