/** A QuicSession in virtual time, for what only virtual time can show: pacing, timeouts, reconnecting. */
import type { CloseInfo, ConnectionStats, QuicSession } from '../../src/main/quic/udp/api.ts';
import { nowUs } from '../../src/main/quic/udp/clock.ts';

/** Milliseconds until a ping’s echo is back, by its sequence number; null when it is lost. */
export type Path = (sequence: number) => number | null;

export interface StandInSession extends QuicSession {
  /** When each ping was sent, virtual milliseconds. */
  readonly sentAtMs: number[];
  readonly figures: ConnectionStats;
  end(info: CloseInfo): void;
}

/** Of a connection that has sent and heard nothing. */
export const NO_FIGURES: ConnectionStats = {
  controller: 'cubic',
  controllerState: 'slow-start',
  cwndBytes: 13_500,
  datagramBytes: 1350,
  pacingBps: null,
  bytesInFlight: 0,
  smoothedRttUs: null,
  rttVarUs: null,
  minRttUs: null,
  latestRttUs: null,
  packetsSent: 0,
  packetsReceived: 0,
  packetsLost: 0,
  bytesLost: 0,
  spuriousLosses: 0,
  congestionEvents: 0,
  persistentCongestions: 0,
  deliveryRateBps: null,
  isAppLimited: false,
  bytesSent: 0,
  bytesReceived: 0,
  streamsOpened: 0,
  streamBytesSent: 0,
  streamBytesRetransmitted: 0,
  ptoCount: 0,
  migrations: 0,
  congestionResets: 0,
  keyUpdates: 0,
};

export function standInSession(path: Path): StandInSession {
  const closing = Promise.withResolvers<CloseInfo>();
  let open = true;
  const sentAtMs: number[] = [];
  const end = (info: CloseInfo): void => {
    open = false;
    closing.resolve(info);
  };
  const figures: ConnectionStats = { ...NO_FIGURES };
  const session: StandInSession = {
    role: 'client',
    remote: { address: '192.0.2.1', port: 4433 },
    handshake: {
      durationUs: 5000,
      cipherSuite: 'TLS_AES_128_GCM_SHA256',
      group: 'X25519',
      alpn: 'routelab/1',
      serverName: 'stand-in',
      insecure: false,
      retried: false,
      resumed: false,
      earlyData: null,
    },
    maxDatagramPayload: 1200,
    token: null,
    ticket: null,
    onTicket: null,
    sentAtMs,
    figures,
    openStream: () => {
      throw new Error('the stand-in has no streams');
    },
    sendDatagram: (data) => {
      if (!open) return false;
      figures.packetsSent++;
      sentAtMs.push(nowUs() / 1000);
      const payload = Buffer.from(data);
      const delay = path(Number(payload.readBigUInt64BE(0)));
      if (delay !== null) setTimeout(() => open && session.onDatagram?.(payload, nowUs()), delay);
      return true;
    },
    stats: () => ({ ...figures }),
    watchCongestion: () => ({ take: () => null, end: () => {} }),
    changeController: () => undefined,
    updateKeys: () => false,
    migrate: async () => undefined,
    rebind: async () => undefined,
    close: async () => end({ by: 'local', code: 0, application: true, reason: '' }),
    closed: closing.promise,
    onStream: null,
    onDatagram: null,
    end,
  };
  return session;
}
