/** A real server behind a real emulated path, and measurements over it. */
import { Relay } from '../../src/main/path/relay/relay.ts';
import { H3_ALPN } from '../../src/main/probe/http3-service.ts';
import { Measurement } from '../../src/main/probe/measurement.ts';
import type { ProbePlan } from '../../src/main/probe/modes/mode.ts';
import { ALPN } from '../../src/main/probe/protocol.ts';
import type { ConnectOptions } from '../../src/main/quic/udp/api.ts';
import type { LinkSettings } from '../../src/shared/link-settings.ts';
import type { DetailOf, ProbeDetail } from '../../src/shared/probe-details.ts';
import type { ProbeResult } from '../../src/shared/probes.ts';
import { type Loopback, startLoopback } from './loopback.ts';

const UNTOUCHED: LinkSettings = { rateBps: null, delayMs: 0, jitterMs: 0, lossRatio: 0, bufferBytes: null };

/** A path to `server` that is `way` both ways. */
export async function startRelay(
  server: Pick<Loopback, 'listener'>,
  way: LinkSettings,
): Promise<Relay & AsyncDisposable> {
  const relay = await Relay.open({
    listen: { host: '127.0.0.1', port: 0 },
    to: { host: '127.0.0.1', port: server.listener.port },
    emulation: { profile: 'test', up: way, down: way, flap: null },
    seed: 1,
  });
  return Object.assign(relay, { [Symbol.asyncDispose]: () => relay.close() });
}

/** Measures with `plan` over a path that is the same both ways. */
export async function measureOver(
  link: Partial<LinkSettings>,
  plan: Partial<ProbePlan> & Pick<ProbePlan, 'mode'>,
  options: { serverEarlyData?: boolean; connect?: Partial<ConnectOptions> } = {},
): Promise<ProbeResult> {
  const { serverEarlyData: earlyData = false } = options;
  await using loopback = await startLoopback([ALPN, H3_ALPN], undefined, { earlyData });
  await using relay = await startRelay(loopback, { ...UNTOUCHED, ...link });
  const connect = { ...loopback.options, alpn: [ALPN], port: relay.port, ...options.connect };
  const measurement = new Measurement(
    connect,
    { everyUs: null, wish: null, ...plan },
    new AbortController().signal,
  );
  await measurement.run();
  return measurement.result();
}

export function detailOf<Kind extends ProbeDetail['kind']>(result: ProbeResult, kind: Kind): DetailOf<Kind> {
  if (result.detail?.kind !== kind) throw new Error(`no ${kind} in ${JSON.stringify(result.detail)}`);
  return result.detail as DetailOf<Kind>;
}
