import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RelayWorkerMethods, WorkerMessage } from '../../src/main/workers/protocol.ts';
import type { Emulation } from '../../src/shared/domain.ts';

let worker: Worker;
let server: Socket;
let client: Socket;
beforeAll(async () => {
  worker = new Worker(new URL('../../src/main/workers/relay.ts', import.meta.url));
  server = createSocket('udp4', (data, from) => server.send(data, from.port, from.address));
  client = createSocket('udp4');
  server.bind(0, '127.0.0.1');
  client.bind(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), once(client, 'listening')]);
});
afterAll(async () => {
  server.close();
  client.close();
  await worker.terminate();
});

let requests = 0;
function call<K extends keyof RelayWorkerMethods>(
  method: K,
  params: Parameters<RelayWorkerMethods[K]>[0],
): Promise<ReturnType<RelayWorkerMethods[K]>> {
  const id = ++requests;
  worker.postMessage({ id, method, params });
  return new Promise((resolve, reject) => {
    const answer = (message: WorkerMessage): void => {
      if (!('id' in message) || message.id !== id) return;
      worker.off('message', answer);
      if ('error' in message) reject(message.error);
      else resolve(message.result as ReturnType<RelayWorkerMethods[K]>);
    };
    worker.on('message', answer);
  });
}

const clear = { rateBps: null, delayMs: 1, jitterMs: 0, lossRatio: 0, bufferBytes: null };
const emulation: Emulation = { profile: 'test', up: clear, down: clear, flap: null };
const open = (id: string, to = { host: '127.0.0.1', port: server.address().port }) =>
  call('open', { id, to, emulation, seed: 1 });

test('an opened relay carries a ping and its echo', async () => {
  const { host, port } = await open('a');
  const echo = once(client, 'message');
  client.send('ping', port, host);
  expect(String((await echo)[0])).toBe('ping');
  await call('close', { id: 'a' });
});

test('a relay that is closed gives its port back, and its id can be used again', async () => {
  /** Null, or why the port of a relay that was closed cannot be taken. */
  const takeAfterClose = async (): Promise<unknown> => {
    const { port } = await open('b');
    await call('close', { id: 'b' });
    const taker = createSocket('udp4');
    taker.bind({ port, address: '127.0.0.1', exclusive: true });
    const refused = await once(taker, 'listening').then(
      () => null,
      (error: unknown) => error,
    );
    taker.close();
    return refused;
  };
  // The tests beside this one take ports at random: once in a while one has it already, but not three times.
  const refused = [await takeAfterClose(), await takeAfterClose(), await takeAfterClose()];
  expect(refused).toContain(null);
});

test('a close that overtakes its open still closes the relay', async () => {
  const opening = open('c');
  await call('close', { id: 'c' });
  await opening;
  await expect(call('close', { id: 'c' })).rejects.toMatchObject({ code: 'RL_NOT_FOUND' });
});

test('the same id twice is a conflict', async () => {
  await open('d');
  await expect(open('d')).rejects.toMatchObject({ code: 'RL_CONFLICT' });
  await call('close', { id: 'd' });
});

test('an unknown host is named and leaves the id free', async () => {
  await expect(open('e', { host: 'nowhere.invalid', port: 1 })).rejects.toMatchObject({
    code: 'RL_HOST_UNKNOWN',
    field: 'to',
  });
  await open('e');
  await call('close', { id: 'e' });
});

test('what a relay carries here is measured', async () => {
  expect(await call('measureCapacity', null)).toBeGreaterThan(1e6);
});

test('a relay that is asked to carries TCP as well', async () => {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const to = { host: '127.0.0.1', port: (server.address() as AddressInfo).port };
  expect(await call('open', { id: 'without', to, emulation, seed: 1 })).toMatchObject({ tcpPort: null });
  const { tcpPort } = await call('open', { id: 'with', to, emulation, seed: 1, tcp: true });
  const socket = connect(tcpPort!, '127.0.0.1');
  socket.write('hello');
  expect(String((await once(socket, 'data'))[0])).toBe('hello');
  socket.destroy();
  await call('close', { id: 'with' });
  await call('close', { id: 'without' });
  const gone = connect(tcpPort!, '127.0.0.1');
  expect(((await once(gone, 'error')) as [NodeJS.ErrnoException])[0].code).toBe('ECONNREFUSED');
  server.close();
});
