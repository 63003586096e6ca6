import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { arrivalBps, Hearing, sendPaced } from '../../src/main/cli/bench/one-way.ts';

const opened: Socket[] = [];
afterEach(() => {
  for (const socket of opened.splice(0)) socket.close();
});

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  opened.push(socket);
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

async function pair(): Promise<{ source: Socket; sink: Socket }> {
  const [source, sink] = [await bound(), await bound()];
  source.connect(sink.address().port, '127.0.0.1');
  await once(source, 'connect');
  return { source, sink };
}

test('tells of each datagram when it was sent and when it came, on one clock', async () => {
  const paths = [await pair(), await pair()];
  const hearings = paths.map(({ sink }) => new Hearing(sink, 30));
  const sent = await sendPaced(
    paths.map(({ source }) => source),
    { packets: 30, bytes: 100, everyUs: 500 },
  );
  await Promise.all(hearings.map((hearing) => hearing.end(5000)));
  hearings.forEach(({ arrivedUs, heard, copies }, i) => {
    expect([heard, copies]).toEqual([30, 0]);
    const { sentUs } = sent[i]!;
    expect(sentUs).toEqual(sentUs.toSorted((a, b) => a - b));
    arrivedUs.forEach((atUs, n) => {
      expect(atUs).toBeGreaterThan(sentUs[n]!);
    });
  });
});

test('knows what never came, counts copies apart and passes over what is not its own', async () => {
  const { source, sink } = await pair();
  const hearing = new Hearing(sink, 3);
  for (const number of [2, 0, 2, 9]) {
    const data = Buffer.alloc(8);
    data.writeUInt32BE(number);
    source.send(data);
  }
  source.send('x');
  await hearing.end(200);
  expect(hearing.arrivedUs.map(Number.isNaN)).toEqual([false, true, false]);
  expect([hearing.heard, hearing.copies]).toEqual([2, 1]);
});

test('a rate is what came after the first arrival, over the time until the last', () => {
  // 1000 bytes with headers each millisecond: 8 Mbit/s.
  expect(arrivalBps([3000, null, 1000, 2000, 4000], 972)).toBe(8e6);
  expect([arrivalBps([], 972), arrivalBps([5, null], 972)]).toEqual([0, 0]);
});
