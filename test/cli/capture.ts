/** A capture of what one probe sends: a UDP hop that forwards everything and notes when each datagram of the client came by. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export interface Capture extends AsyncDisposable {
  port: number;
  /** Of the client's datagrams: microseconds since the first, and UDP payload. */
  readonly sent: readonly { tUs: number; bytes: number }[];
}

export async function captureBefore(to: number): Promise<Capture> {
  const near = createSocket('udp4');
  const far = createSocket('udp4');
  const sent: { tUs: number; bytes: number }[] = [];
  let firstUs: number | null = null;
  let client: number | null = null;
  near.on('message', (data, { port }) => {
    const nowUs = performance.now() * 1000;
    firstUs ??= nowUs;
    client = port;
    sent.push({ tUs: nowUs - firstUs, bytes: data.length });
    far.send(data);
  });
  far.on('message', (data) => client !== null && near.send(data, client, '127.0.0.1'));
  // A server that has gone refuses what is still sent to it: nobody waits for it any more.
  for (const socket of [near, far]) socket.on('error', () => {});
  near.bind(0, '127.0.0.1');
  await once(near, 'listening');
  far.connect(to, '127.0.0.1');
  await once(far, 'connect');
  const close = async (socket: Socket): Promise<void> => {
    socket.close();
    await once(socket, 'close');
  };
  return {
    port: near.address().port,
    sent,
    [Symbol.asyncDispose]: async () => void (await Promise.all([near, far].map(close))),
  };
}
