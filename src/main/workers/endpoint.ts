/** Worker entry: one server that echoes, sources and sinks, over QUIC and TCP (EndpointWorkerMethods). */
import { LabError } from '../../shared/errors.ts';
import { H3_ALPN } from '../probe/http3-service.ts';
import { ALPN } from '../probe/protocol.ts';
import { serveSession } from '../probe/service.ts';
import { createCounters } from '../probe/service-limits.ts';
import { listenTcp, type TcpListener } from '../probe/tcp-service.ts';
import { warmUp } from '../probe/warm-up.ts';
import type { QuicListener } from '../quic/udp/api.ts';
import { listenQuic } from '../quic/udp/server.ts';
import { SessionCounts } from '../quic/udp/session-counts.ts';
import { emit, serve } from './port.ts';
import type { EndpointEvent, EndpointWorkerMethods } from './protocol.ts';

/** Between two events. */
const COUNT_EVERY_MS = 1000;

const warm = warmUp();
let listener: QuicListener | null = null;
let tcp: TcpListener | null = null;
let handshakesUs: number[] = [];
const sessions = new SessionCounts((durationUs) => handshakesUs.push(durationUs));
let told = '';

function tell(): void {
  sessions.countHandshakes();
  const counters = sessions.sum();
  const text = JSON.stringify(counters);
  if (text === told && handshakesUs.length === 0) return;
  told = text;
  emit<EndpointEvent>({ counters, handshakesUs });
  handshakesUs = [];
}
setInterval(() => sessions.any && tell(), COUNT_EVERY_MS);

serve<EndpointWorkerMethods>({
  async listen(params) {
    if (listener !== null) throw new LabError('RL_CONFLICT', 'This endpoint already listens');
    await warm;
    const counters = createCounters();
    listener = await listenQuic({
      ...params,
      alpn: [ALPN, H3_ALPN],
      // What its clients can ask for may be asked twice (RFC 9001 §9.2).
      earlyData: true,
      // On loopback, and none but the lab's own probes come: they may choose what governs their downloads.
      onSession: (session) => {
        sessions.watch(session);
        serveSession(session, counters, { clientsChoose: true });
      },
    });
    const { address: host, port } = listener;
    // Another process may have that port of TCP: the lab measures on without it, and says so where TCP is asked for.
    tcp = await listenTcp({ ...params, host, port }, counters).catch(() => null);
    return { host, port, tcpPort: tcp?.port ?? null };
  },
  async close() {
    await Promise.all([listener?.close(), tcp?.close()]);
    listener = tcp = null;
    return null;
  },
});
