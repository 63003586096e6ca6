/** Worker entry: measurements for probe runs, loads, and qlog files read (MeasureWorkerMethods; events: MeasureEvent, LoadEvent). */
import { decimateSeries } from '../../shared/congestion-series.ts';
import { type ErrorBody, toLabError } from '../../shared/errors.ts';
import type { ProbeResult, ProbeSeries } from '../../shared/probes.ts';
import { Load } from '../probe/load.ts';
import { Measurement } from '../probe/measurement.ts';
import { ALPN } from '../probe/protocol.ts';
import { warmUp } from '../probe/warm-up.ts';
import { QlogReader } from '../quic/qlog/reader.ts';
import { emit, serve } from './port.ts';
import type { LoadEvent, LoadJob, MeasureEvent, MeasureJob, MeasureWorkerMethods } from './protocol.ts';

const REPORT_EVERY_MS = 100;
const LOAD_REPORT_EVERY_MS = 250;
/** A result so far is computed so seldom that it takes at most one part in so many of the thread. */
const RESULT_SHARE = 20;
const RESULT_EVERY_MS = 1000;

const warm = warmUp();
/** qlog files that come in parts. */
const files = new Map<number, QlogReader>();
const underWay = new Map<number, AbortController>();

async function measure({ runId, connect, plan, points }: MeasureJob, signal: AbortSignal): Promise<void> {
  await warm;
  const measurement = new Measurement({ ...connect, alpn: [ALPN] }, plan, signal);
  const takeSeries = (): ProbeSeries[] =>
    measurement
      .takeSeries()
      .map(({ vantage, series }) => ({ vantage, series: decimateSeries(series, { points }) }));
  let resultAtMs = 0;
  const resultIfDue = (): ProbeResult | null => {
    const startedMs = performance.now();
    if (startedMs < resultAtMs) return null;
    const result = measurement.result();
    const nowMs = performance.now();
    resultAtMs = nowMs + Math.max(RESULT_EVERY_MS, RESULT_SHARE * (nowMs - startedMs));
    return result;
  };
  const report = setInterval(() => {
    const { part, leftS } = measurement.progress();
    const { controller } = measurement;
    const result = resultIfDue();
    emit<MeasureEvent>({ type: 'progress', runId, part, leftS, controller, result, series: takeSeries() });
  }, REPORT_EVERY_MS);
  let error: ErrorBody | null = null;
  try {
    await measurement.run();
  } catch (thrown) {
    error = toLabError(thrown).toBody();
  }
  clearInterval(report);
  const { controller } = measurement;
  const result = measurement.result();
  emit<MeasureEvent>({ type: 'end', runId, error, controller, result, series: takeSeries() });
}

async function load({ runId, connect, plan }: LoadJob, signal: AbortSignal): Promise<void> {
  await warm;
  const of = new Load({ ...connect, alpn: [ALPN] }, plan, signal);
  const report = setInterval(
    () => emit<LoadEvent>({ type: 'part', runId, part: of.part }),
    LOAD_REPORT_EVERY_MS,
  );
  let error: ErrorBody | null = null;
  try {
    await of.run();
  } catch (thrown) {
    error = toLabError(thrown).toBody();
  }
  clearInterval(report);
  emit<LoadEvent>({ type: 'end', runId, error, result: of.result() });
}

/** Until it is over, `cancel` ends what `begin` begins. */
function track(runId: number, begin: (signal: AbortSignal) => Promise<void>): null {
  const ending = new AbortController();
  underWay.set(runId, ending);
  void begin(ending.signal).finally(() => underWay.delete(runId));
  return null;
}

serve<MeasureWorkerMethods>({
  start: (job) => track(job.runId, (signal) => measure(job, signal)),
  startLoad: (job) => track(job.runId, (signal) => load(job, signal)),
  cancel({ runId }) {
    underWay.get(runId)?.abort();
    return null;
  },
  readQlog({ file, text, more }) {
    const reader = files.get(file) ?? new QlogReader();
    // Until the part is read, so that a file that is refused is forgotten.
    files.delete(file);
    reader.push(text);
    if (!more) return reader.end();
    files.set(file, reader);
    return null;
  },
  dropQlog({ file }) {
    files.delete(file);
    return null;
  },
});
