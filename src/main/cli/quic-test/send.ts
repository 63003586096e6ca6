/** Modes client and test: the load, with `--fec` packets with FEC beside it, and the report of both. */
import { type LabError, toLabError } from '../../../shared/errors.ts';
import { formatDuration, formatRate } from '../../../shared/units.ts';
import { requireEmulable } from '../../path/relay/capacity.ts';
import { Load } from '../../probe/load.ts';
import { ALPN } from '../../probe/protocol.ts';
import { warmUp } from '../../probe/warm-up.ts';
import type { ConnectOptions } from '../../quic/udp/api.ts';
import type { SessionsSource } from '../../telemetry/sessions-source.ts';
import { Threads } from '../../workers/ask.ts';
import { formatAddress } from '../address.ts';
import { onInterrupt } from '../interrupt.ts';
import { openMetrics } from '../metrics-options.ts';
import { note, printError } from '../output.ts';
import { exportLoad } from './metrics.ts';
import { Protection } from './protection.ts';
import { quicTestReport } from './result.ts';
import type { QuicTestSettings } from './settings.ts';
import { openPath, targetOf } from './target.ts';
import { Outlet } from './tell.ts';

const LIVE_MS = 1000;

export async function send(settings: QuicTestSettings, asJson: boolean): Promise<void> {
  const { emulation, plan, fec, controller } = settings;
  if (emulation !== null) await requireEmulable(emulation);
  const outlet = new Outlet(settings, asJson);
  const interrupt = onInterrupt();
  const threads = new Threads();
  let metrics: Awaited<ReturnType<typeof openMetrics>> = null;
  try {
    metrics = await openMetrics(settings.metrics);
    const { to, ...target } = await targetOf(settings, threads);
    const at = emulation === null ? to : await openPath(threads, to, emulation);
    await warmUp();
    let source: SessionsSource | null = null;
    const connect: ConnectOptions = {
      ...settings.connect,
      ...target,
      ...at,
      alpn: [ALPN],
      controller,
      onConnected: (session) => source?.watch(session),
    };
    const ending = new AbortController();
    const ends = AbortSignal.any([interrupt.signal, ending.signal]);
    const load = new Load(connect, plan, interrupt.signal);
    const protection = fec && new Protection(connect, { fec, plan }, ends);
    const server = formatAddress(to);
    if (metrics !== null) {
      const labels = { route: server, server, congestion: controller.name };
      source = exportLoad(metrics.exporter, labels, { load, protection });
      note(`metrics at ${metrics.endpoint.url}`);
    }
    note(
      `sending to ${server}${plan.durationS === null ? ' until it is stopped' : ` for ${plan.durationS} s`}`,
    );
    const live = process.stderr.isTTY ? setInterval(newestTold(load), LIVE_MS) : undefined;
    const sending = load.run();
    // Packets beside a load that is over are beside nothing.
    void sending.then(
      () => plan.durationS === null && ending.abort(),
      () => ending.abort(),
    );
    const protecting = protection?.run();
    protecting?.catch((error: LabError) => note(`no more packets with FEC: ${error.message}`));
    const errors = await failuresOf([sending, protecting]);
    clearInterval(live);
    source?.end();
    const [first] = errors;
    const result = load.result();
    const protectedPackets = protection?.figures() ?? null;
    const isCut = interrupt.signal.aborted && plan.durationS !== null;
    // Nothing was measured: the error is the whole answer.
    if (first !== undefined && result.handshakeUs === null && protectedPackets === null) throw first;
    outlet.tell(
      quicTestReport(settings, server, { result, fec: protectedPackets, errors, isCut }, Date.now()),
    );
    for (const error of errors) printError(error);
    if (first !== undefined) process.exitCode = first.exitCode;
  } finally {
    outlet.close();
    interrupt.dispose();
    await Promise.all([threads.end(), metrics?.endpoint.close()]);
  }
}

/** Of all that is `running`, once it is over. */
async function failuresOf(running: readonly (Promise<unknown> | undefined)[]): Promise<LabError[]> {
  const ends = await Promise.allSettled(running);
  return ends.flatMap((end) => (end.status === 'rejected' ? [toLabError(end.reason)] : []));
}

/** Tells each newest second once. */
function newestTold(load: Load): () => void {
  let toldS = -1;
  return () => {
    const { newest } = load;
    if (newest === null || newest.fromS === toldS) return;
    const { fromS, goodputBps, rttP50Us, lost } = newest;
    toldS = fromS;
    note(`${fromS + 1} s  ${formatRate(goodputBps)}  rtt ${formatDuration(rttP50Us)}  lost ${lost}`);
  };
}
