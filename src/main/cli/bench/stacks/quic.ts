/** RouteLab's own QUIC, driven as its probes and its server drive it. */
import { Worker } from 'node:worker_threads';
import { LabError } from '../../../../shared/errors.ts';
import { goodputBps } from '../../../../shared/samples.ts';
import { runHandshakes } from '../../../probe/handshake.ts';
import { Pinger } from '../../../probe/ping.ts';
import { ALPN } from '../../../probe/protocol.ts';
import { serveSession } from '../../../probe/service.ts';
import { createCounters } from '../../../probe/service-limits.ts';
import { download, upload } from '../../../probe/throughput.ts';
import type { ConnectOptions, QuicSession } from '../../../quic/udp/api.ts';
import { connectQuic } from '../../../quic/udp/client.ts';
import { nowUs } from '../../../quic/udp/clock.ts';
import { listenQuic } from '../../../quic/udp/server.ts';
import type { MonitorEvent, MonitorTarget, WorkerMessage } from '../../../workers/protocol.ts';
import type { ConnectMethods, Stack, TransferMethods } from '../endpoint.ts';
import { type FlowFigures, type FlowOptions, quicFlow } from '../flow.ts';

interface Target {
  port: number;
  ca: string;
}

export interface QuicMethods extends TransferMethods, ConnectMethods {
  flow(options: Target & FlowOptions): Promise<FlowFigures>;
  /** Durations of handshakes as this end sees them, microseconds. */
  handshakes(options: Target & { count: number }): Promise<number[]>;
  /** RTTs of DATAGRAM echoes, microseconds. */
  pings(options: Target & { count: number; ratePerS: number }): Promise<number[]>;
  /** Opens connections that stay open, and idle; resolves when all handshakes are done. */
  idle(options: Target & { count: number }): Promise<null>;
  /** How many connections are open. */
  sessions(params: null): number;
  /** Probes `routes` routes on the probe worker; resolves when all are up. */
  monitors(options: Target & { routes: number; pingRate: number }): Promise<null>;
  /** Of all monitors so far: pings that were echoed and lost, and processor time of their thread, microseconds. */
  probed(params: null): Promise<{ echoed: number; lost: number; threadUs: number }>;
}

const HOST = '127.0.0.1';
const IDLE_TIMEOUT_MS = 600_000;
/** So many handshakes at once: fewer than make a server ask for a Retry. */
const HANDSHAKES_AT_ONCE = 25;

const connectTo = ({ port, ca }: Target): ConnectOptions => ({
  host: HOST,
  port,
  alpn: [ALPN],
  trust: { ca: [ca], system: true, insecure: false },
  mtuDiscovery: false,
});

export function quic(): Stack & QuicMethods {
  const sessions = new Set<QuicSession>();
  const ended = { sent: 0, received: 0 };
  const watch = (session: QuicSession): void => {
    sessions.add(session);
    void session.closed.then(() => {
      sessions.delete(session);
      const { packetsSent, packetsReceived } = session.stats();
      ended.sent += packetsSent;
      ended.received += packetsReceived;
    });
  };
  const echoes = { echoed: 0, lost: 0 };
  let worker: Worker | null = null;
  return {
    listen({ certificate, privateKey, discover }) {
      const counters = createCounters();
      return listenQuic({
        host: HOST,
        port: 0,
        alpn: [ALPN],
        certificate,
        privateKey,
        mtuDiscovery: discover,
        idleTimeoutMs: IDLE_TIMEOUT_MS,
        onSession: (session) => {
          watch(session);
          serveSession(session, counters);
        },
      });
    },
    async transfer({ direction, durationMs, discover, ...target }) {
      const session = await connectQuic({ ...connectTo(target), mtuDiscovery: discover });
      watch(session);
      try {
        const run = direction === 'down' ? download : upload;
        return { goodputBps: goodputBps(await run(session, { durationMs })) };
      } finally {
        await session.close();
      }
    },
    async connect({ count, ...target }) {
      const wallUs: number[] = [];
      for (let i = 0; i < count; i++) {
        const startUs = nowUs();
        const session = await connectQuic(connectTo(target));
        wallUs.push(nowUs() - startUs);
        await session.close();
      }
      return wallUs;
    },
    packets: () => {
      const sum = { ...ended };
      for (const session of sessions) {
        const { packetsSent, packetsReceived } = session.stats();
        sum.sent += packetsSent;
        sum.received += packetsReceived;
      }
      return sum;
    },
    flow: ({ port, ca, ...options }) => quicFlow(connectTo({ port, ca }), options),
    async handshakes({ count, ...target }) {
      const durations: number[] = [];
      await runHandshakes(connectTo(target), {
        count,
        signal: new AbortController().signal,
        start: 'cold',
        onHandshake: (_, info) => info !== null && durations.push(info.durationUs),
      });
      return durations;
    },
    async pings({ count, ratePerS, ...target }) {
      const session = await connectQuic(connectTo(target));
      const rtts: number[] = [];
      const onPing = ({ rttUs }: { rttUs: number | null }): void => void (rttUs !== null && rtts.push(rttUs));
      await new Pinger(session, { count, ratePerS, onPing }).finished;
      await session.close();
      return rtts;
    },
    async idle({ count, ...target }) {
      const options = { ...connectTo(target), idleTimeoutMs: IDLE_TIMEOUT_MS };
      for (let made = 0; made < count; made += HANDSHAKES_AT_ONCE) {
        const batch = Math.min(HANDSHAKES_AT_ONCE, count - made);
        const opened = await Promise.all(Array.from({ length: batch }, () => connectQuic(options)));
        for (const session of opened) watch(session);
      }
      return null;
    },
    sessions: () => sessions.size,
    async monitors({ port, ca, routes, pingRate }) {
      worker = new Worker(new URL('../../../workers/probe.ts', import.meta.url), { name: 'probe' });
      const up = new Set<string>();
      const settle = Promise.withResolvers<null>();
      worker.on('error', settle.reject);
      worker.on('message', (message: WorkerMessage) => {
        if ('error' in message) settle.reject(LabError.fromBody(message.error));
        if (!('event' in message)) return;
        const event = message.event as MonitorEvent;
        if (event.type === 'state') {
          if (event.state === 'up') up.add(event.routeId);
          if (up.size === routes) settle.resolve(null);
          return;
        }
        for (const { rttUs } of event.pings) echoes[rttUs === null ? 'lost' : 'echoed']++;
      });
      for (let id = 0; id < routes; id++) {
        const params: MonitorTarget = {
          routeId: `route-${id}`,
          host: HOST,
          port,
          serverName: HOST,
          controller: 'cubic',
          parameters: {},
          pingRate,
          transferEveryS: null,
          transferBytes: 0,
          trust: { ca: [ca], system: true, insecure: false },
        };
        worker.postMessage({ id, method: 'start', params });
      }
      return settle.promise;
    },
    async probed() {
      const { user, system } = await worker!.cpuUsage();
      return { ...echoes, threadUs: user + system };
    },
  };
}
