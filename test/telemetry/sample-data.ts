import type { Exporter } from '../../src/main/telemetry/exporter.ts';
import type { Route, RouteStatus, TransportSnapshot } from '../../src/shared/domain.ts';
import type { SampleBatch } from '../../src/shared/samples.ts';

export const ROUTE: Pick<Route, 'id' | 'host' | 'port' | 'controller'> = {
  id: 'lan',
  host: '127.0.0.1',
  port: 4433,
  controller: 'cubic',
};

export const snapshot = (atMs: number, counters: Partial<TransportSnapshot> = {}): TransportSnapshot => ({
  atMs,
  controller: 'cubic',
  cwndBytes: 13_500,
  pacingBps: 8_000_000,
  bytesInFlight: 0,
  smoothedRttUs: 20_000,
  rttVarUs: 1500,
  minRttUs: 19_000,
  packetsSent: 100,
  packetsReceived: 90,
  packetsLost: 2,
  bytesSent: 10_000,
  bytesReceived: 9000,
  ...counters,
});

export const status = (changes: Partial<RouteStatus> = {}): RouteStatus => ({
  routeId: 'lan',
  state: 'up',
  error: null,
  runId: 1,
  sinceMs: 0,
  ping: {
    fromMs: 0,
    toMs: 60_000,
    sent: 100,
    received: 98,
    lost: 2,
    skipped: 0,
    lossRatio: 0.02,
    rttUs: { min: 1000, mean: 2000, p50: 2000, p95: 3000, p99: 4000, max: 5000 },
    jitterUs: 250,
  },
  down: { atMs: 0, bytes: 1_000_000, durationUs: 1e6, goodputBps: 8e6 },
  up: null,
  payloadBps: { down: 4e6, up: 0 },
  transferError: null,
  silentSinceMs: null,
  handshakeUs: 5000,
  transport: snapshot(1000),
  emulated: false,
  insecure: false,
  ...changes,
});

export const batch = (changes: Partial<SampleBatch> = {}): SampleBatch => ({
  pings: [],
  skips: [],
  transfers: [],
  handshakes: [],
  transport: null,
  ...changes,
});

/** A route that uses every family, and a server. */
export function everything(exporter: Exporter): void {
  const transport = snapshot(1000, { controller: 'bbr3', state: 'ProbeBW_UP', streams: 4 });
  exporter.observe(
    { ...ROUTE, controller: 'bbr3' },
    status({ transport }),
    batch({
      pings: [{ atMs: 1, rttUs: 2345.678, loaded: false }],
      handshakes: [{ atMs: 0, durationUs: 7123, errorCode: null, purpose: 'ping' as const }],
      transport,
    }),
  );
  const totals = exporter.totals('server');
  totals.handshake(6000);
  totals.transport(transport, 'run');
  totals.fec({ recoveredPackets: 7, unrecoverablePackets: 2 }, 'run');
  exporter.add({
    labels: { server: '[::1]:4433', congestion: 'cubic' },
    read: () => ({ ...totals.read(), fecRedundancyRatio: 0.2, cwndBytes: 12_000 }),
  });
}
