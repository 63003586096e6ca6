/** Ends of paths to be measured, in a process of their own: sources, sinks, or both. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { Hearing, type Load, sendPaced } from '../one-way.ts';
import { type Pinned, pin } from './relay.ts';

/** Arrays are indexed by path, then by number of the datagram. */
export interface MeterMethods extends Pinned {
  /** Opens a sink for each path; their ports. */
  sinks(options: { paths: number }): Promise<number[]>;
  /** Opens a source for each path, which leads to one of `ports`. */
  sources(options: { ports: readonly number[] }): Promise<void>;
  hear(options: { packets: number }): void;
  send(load: Load): Promise<{ sentUs: number[]; unsure: number[] }[]>;
  /** What has come when nothing more does; null has not. */
  heard(options: { quietMs: number }): Promise<{ arrivedUs: (number | null)[]; unsure: number[] }[]>;
}

const SOCKET_BUFFER = 4 * 1024 * 1024;

async function bound(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: SOCKET_BUFFER, sendBufferSize: SOCKET_BUFFER });
  // A path that ends before its packets do answers with ICMP.
  socket.on('error', () => undefined);
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

export const meter = (): MeterMethods => {
  let sinks: Socket[] = [];
  let sources: Socket[] = [];
  let hearings: Hearing[] = [];
  const close = (sockets: readonly Socket[]): void => {
    for (const socket of sockets) socket.close();
  };
  return {
    pin,
    sinks: async ({ paths }) => {
      close(sinks);
      sinks = await Promise.all(Array.from({ length: paths }, bound));
      return sinks.map((socket) => socket.address().port);
    },
    sources: async ({ ports }) => {
      close(sources);
      sources = await Promise.all(
        ports.map(async (port) => {
          const socket = await bound();
          socket.connect(port, '127.0.0.1');
          await once(socket, 'connect');
          return socket;
        }),
      );
    },
    hear: ({ packets }) => {
      hearings = sinks.map((socket) => new Hearing(socket, packets));
    },
    send: async (load) =>
      (await sendPaced(sources, load)).map(({ sentUs, unsure }) => ({ sentUs, unsure: [...unsure] })),
    heard: async ({ quietMs }) => {
      await Promise.all(hearings.map((hearing) => hearing.end(quietMs)));
      return hearings.map(({ arrivedUs, unsure }) => ({
        arrivedUs: arrivedUs.map((atUs) => (Number.isNaN(atUs) ? null : atUs)),
        unsure: [...unsure],
      }));
    },
  };
};
