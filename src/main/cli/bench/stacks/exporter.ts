/** The exporter in a process of its own, with as many series as asked for, and a plain registry of as many gauges. */
import { Gauge, Registry } from 'prom-client';
import type { RouteStatus } from '../../../../shared/domain.ts';
import { type MetricsEndpoint, serveExporter } from '../../../serve/metrics-endpoint.ts';
import { createExporter, type Exporter } from '../../../telemetry/exporter.ts';

export interface ExporterMethods {
  /** Makes an exporter of as many routes; answers with the series it has, and its endpoint. */
  routes(options: { count: number }): Promise<{ series: number; bytes: number; url: string }>;
  /** Renders so often, with values that changed in between; milliseconds of each, and the longest that the loop stood still in it. */
  render(options: { times: number }): Promise<{ ms: number[]; blockedMs: number[] }>;
  /** As `render`, of a registry with so many gauges. */
  registry(options: { series: number; times: number }): Promise<{ ms: number[] }>;
}

let exporter: Exporter | null = null;
let endpoint: MetricsEndpoint | null = null;
let routes = 0;

export const exporterStack = (): ExporterMethods => ({
  routes: async ({ count }) => {
    await endpoint?.close();
    exporter = createExporter();
    routes = count;
    change(exporter);
    endpoint = await serveExporter(exporter, { host: '127.0.0.1', port: 0, option: 'port' });
    const { body } = await exporter.render();
    const series = body
      .toString()
      .split('\n')
      .filter((line) => line.startsWith('quic_')).length;
    return { series, bytes: body.length, url: endpoint.url };
  },
  render: async ({ times }) => {
    const ms: number[] = [];
    const blockedMs: number[] = [];
    for (let i = 0; i < times; i++) {
      change(exporter!);
      const standstill = watchLoop();
      const began = performance.now();
      await exporter!.render();
      ms.push(performance.now() - began);
      blockedMs.push(standstill());
    }
    return { ms, blockedMs };
  },
  registry: async ({ series, times }) => {
    const registry = new Registry();
    const labelNames = ['route', 'server', 'congestion'];
    const perGauge = 40;
    const gauges = Array.from(
      { length: perGauge },
      (_, i) =>
        new Gauge({ name: `quic_gauge_${i}_seconds`, help: 'A gauge.', labelNames, registers: [registry] }),
    );
    const ms: number[] = [];
    for (let turn = 0; turn < times; turn++) {
      for (let i = 0; i < series; i++) {
        const n = Math.floor(i / perGauge);
        const labels = { route: `route-${n}`, server: `192.0.2.1:${n}`, congestion: 'bbr3' };
        gauges[i % perGauge]!.set(labels, Math.random());
      }
      const began = performance.now();
      await registry.metrics();
      ms.push(performance.now() - began);
    }
    return { ms };
  },
});

/** The longest time between two turns of the event loop, until it is asked; the time up to then included. */
function watchLoop(): () => number {
  let lastMs = performance.now();
  let mostMs = 0;
  let isOver = false;
  const turn = (): void => {
    const nowMs = performance.now();
    mostMs = Math.max(mostMs, nowMs - lastMs);
    lastMs = nowMs;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  return () => {
    turn();
    isOver = true;
    return mostMs;
  };
}

/** Every figure of every route is another, with as many digits as a measured one has. */
function change(into: Exporter): void {
  for (let n = 0; n < routes; n++) {
    const us = 1000 * Math.random() + 20_000;
    const rttUs = { min: us, mean: us, p50: us, p95: us + 100, p99: us + 200, max: us };
    const transfer = { atMs: 0, bytes: 1e6, durationUs: us, goodputBps: 8e12 / us };
    const counted = Math.floor(us * 100);
    const status: RouteStatus = {
      routeId: `route-${n}`,
      state: 'up',
      error: null,
      runId: 1,
      sinceMs: 0,
      ping: {
        fromMs: 0,
        toMs: 1,
        sent: 600,
        received: 599,
        lost: 1,
        skipped: 0,
        lossRatio: us / 1e7,
        rttUs,
        jitterUs: us / 99,
      },
      silentSinceMs: null,
      down: transfer,
      up: transfer,
      payloadBps: { down: transfer.goodputBps, up: transfer.goodputBps },
      transferError: null,
      handshakeUs: us,
      transport: {
        atMs: performance.now(),
        controller: 'bbr3',
        state: 'ProbeBW_UP',
        cwndBytes: counted,
        pacingBps: us * 1000,
        bytesInFlight: 0,
        smoothedRttUs: us,
        rttVarUs: us / 10,
        minRttUs: us,
        packetsSent: counted,
        packetsReceived: counted,
        packetsLost: 1,
        bytesSent: counted * 1350,
        bytesReceived: counted * 1350,
        streams: 9,
      },
      emulated: false,
      insecure: false,
    };
    const { transport } = status;
    const pings = [{ atMs: 0, rttUs: us, loaded: false }];
    const handshakes = [{ atMs: 0, durationUs: us, errorCode: null, purpose: 'ping' as const }];
    const route = { id: `route-${n}`, host: '192.0.2.1', port: 4433, controller: 'bbr3' as const };
    into.observe(route, status, { pings, skips: [], transfers: [], handshakes, transport });
  }
}
