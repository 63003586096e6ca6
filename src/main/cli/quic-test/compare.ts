/** `--compare-tcp`: QUIC against TCP, with the server that was named, or over an emulated path between processes of its own. */
import { randomInt } from 'node:crypto';
import { LabError } from '../../../shared/errors.ts';
import { findProfile } from '../../path/profiles.ts';
import { requireEmulable } from '../../path/relay/capacity.ts';
import { ALPN } from '../../probe/protocol.ts';
import { formatAddress } from '../address.ts';
import { compareOver } from '../compare-over.ts';
import { measureAgainstTcp } from '../compare-tcp.ts';
import { type ComparisonFields, comparisonFields } from '../comparison-result.ts';
import { describePath } from '../emulate/describe.ts';
import { onInterrupt } from '../interrupt.ts';
import { note, printError } from '../output.ts';
import { probeMetrics } from '../probe-metrics.ts';
import { readTrust } from '../trust.ts';
import { tunnelMissing } from '../tunnel.ts';
import type { ComparisonPlan } from './comparison-plan.ts';
import { comparisonReport } from './comparison-report.ts';
import type { QuicTestSettings } from './settings.ts';
import { Outlet } from './tell.ts';

const MODE = 'upload';
/** Of mode test, where no path is asked for. */
const CLEAR_PATH = 'lan';

interface Outcome {
  fields: ComparisonFields;
  /** Why not all pairs could be measured. */
  error: LabError | null;
}

export async function compare(
  settings: QuicTestSettings,
  plan: ComparisonPlan,
  asJson: boolean,
): Promise<void> {
  const emulation =
    settings.mode === 'client' ? null : (settings.emulation ?? findProfile(CLEAR_PATH, '--network-profile'));
  if (emulation !== null) await requireEmulable(emulation);
  const outlet = new Outlet(settings, asJson);
  const interrupt = onInterrupt();
  try {
    if (settings.plan.durationS === null) note('comparing until it is stopped');
    const outcome = await (emulation === null
      ? measureServer(settings, plan, interrupt.signal)
      : measureOver({ ...settings, emulation }, plan, interrupt.signal));
    if ('code' in outcome) {
      if (asJson) process.stdout.write(outcome.stdout);
      process.exitCode = outcome.code;
      return;
    }
    const { fields, error } = outcome;
    outlet.tell(comparisonReport({ ...settings, emulation }, fields, Date.now()));
    if (error === null) return;
    printError(error);
    process.exitCode = error.exitCode;
  } finally {
    outlet.close();
    interrupt.dispose();
  }
}

async function measureServer(
  { server, controller, insecure, metrics: flags }: QuicTestSettings,
  { pairs, transferMs }: ComparisonPlan,
  signal: AbortSignal,
): Promise<Outcome> {
  const target = formatAddress(server!);
  const metrics = await probeMetrics(flags);
  try {
    const exported = metrics?.of({ route: target, server: target, congestion: controller.name });
    const { head, comparison } = await measureAgainstTcp(
      { target, mode: MODE, tcpPath: 'direct', emulated: false, wish: null },
      { pairs, duration: transferMs * 1000 },
      {
        ...server!,
        alpn: [ALPN],
        trust: readTrust(insecure ? { insecure } : {}),
        controller,
        onConnected: exported?.onConnected,
      },
      signal,
    );
    return { fields: comparisonFields(head, comparison), error: comparison.lastFailure };
  } finally {
    await metrics?.close();
  }
}

async function measureOver(
  { emulation, controller }: QuicTestSettings & { emulation: NonNullable<QuicTestSettings['emulation']> },
  { pairs, transferMs }: ComparisonPlan,
  signal: AbortSignal,
): Promise<Outcome | { code: number; stdout: string }> {
  const missing = tunnelMissing();
  const seed = randomInt(2 ** 32);
  note(
    `${describePath(emulation)}, seed ${seed}, ${missing === null ? 'as a tunnel' : `as relays: ${missing}`}`,
  );
  const { code, stdout } = await compareOver({
    emulation,
    seed,
    isTunnel: missing === null,
    tcpCongestion: null,
    congestion: controller.name,
    given: {
      mode: MODE,
      pairs: String(pairs),
      duration: `${transferMs}ms`,
      congestion: controller.name,
    },
    signal,
    output: 'told json',
  });
  const told = fieldsOf(stdout);
  // Its error was told where notes are.
  if (told === null) return { code, stdout };
  const { last_failure: failure } = told;
  return { fields: told, error: failure === undefined ? null : LabError.fromBody(failure) };
}

/** What a process of ours printed; null where that is no comparison. */
function fieldsOf(stdout: string): ComparisonFields | null {
  if (stdout.trim() === '') return null;
  const told = JSON.parse(stdout) as object;
  return 'metrics' in told ? (told as ComparisonFields) : null;
}
