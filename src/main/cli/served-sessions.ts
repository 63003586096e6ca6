/** What a server counted of each of its sessions, to be told when it ends. */
import type { CloseInfo, QuicSession } from '../quic/udp/api.ts';
import { nowUs, toUnixMs } from '../quic/udp/clock.ts';
import { formatAddress } from './address.ts';

/** Sessions kept: the newest that ended. */
const MOST_KEPT = 1000;
/** Rows of the table; `--json` has all that are kept. */
const MOST_ROWS = 20;

/** One session as the server saw it. Packets and bytes are of UDP payload, losses those of what the server sent. */
export interface ServedFields {
  remote: string;
  alpn: string;
  started_at: string;
  duration_s: number;
  streams: number;
  packets_sent: number;
  packets_received: number;
  packets_lost: number;
  bytes_sent: number;
  bytes_received: number;
  migrations: number;
  closed_by: CloseInfo['by'];
}

export class ServedSessions {
  readonly #ended: ServedFields[] = [];
  readonly #open = new Set<Promise<unknown>>();
  leftOut = 0;

  /** Counts a session to its end. */
  follow(session: QuicSession): void {
    const beganAtUs = nowUs();
    const { address, port } = session.remote;
    const { alpn } = session.handshake;
    const counted = session.closed.then(({ by }) => {
      const stats = session.stats();
      this.#ended.push({
        remote: formatAddress({ host: address, port }),
        alpn,
        started_at: new Date(toUnixMs(beganAtUs)).toISOString(),
        duration_s: Math.round((nowUs() - beganAtUs) / 1000) / 1000,
        streams: stats.streamsOpened,
        packets_sent: stats.packetsSent,
        packets_received: stats.packetsReceived,
        packets_lost: stats.packetsLost,
        bytes_sent: stats.bytesSent,
        bytes_received: stats.bytesReceived,
        migrations: stats.migrations,
        closed_by: by,
      });
      this.#open.delete(counted);
      if (this.#ended.length <= MOST_KEPT) return;
      this.#ended.shift();
      this.leftOut++;
    });
    this.#open.add(counted);
  }

  /** All that have ended, in that order, once those that are closed are counted. */
  async all(): Promise<readonly ServedFields[]> {
    await Promise.all(this.#open);
    return this.#ended;
  }
}

/** The newest sessions as rows below their titles. */
export function servedRows(sessions: readonly ServedFields[]): string[][] {
  const titles = [
    'session',
    'protocol',
    's',
    'streams',
    'packets out',
    'in',
    'lost',
    'bytes out',
    'in',
    'moves',
  ];
  const rows = sessions
    .slice(-MOST_ROWS)
    .map((each) => [
      each.remote,
      each.alpn,
      each.duration_s.toFixed(1),
      ...[
        each.streams,
        each.packets_sent,
        each.packets_received,
        each.packets_lost,
        each.bytes_sent,
        each.bytes_received,
        each.migrations,
      ].map(String),
    ]);
  return [titles, ...rows];
}
