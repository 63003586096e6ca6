import { createORPCClient } from '@orpc/client';
import { RPCLink as PortLink } from '@orpc/client/message-port';
import { RPCLink as SocketLink } from '@orpc/client/websocket';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import type { StatusBoard } from '../../src/main/lab/status-board.ts';
import { attachMessagePort } from '../../src/main/serve/carriers/message-port.ts';
import { openCarriers } from './open-carriers.ts';
import type { Client } from './open-host.ts';

/** Resolves once as many streams sleep on the board as are said to be open. */
async function openStreams(board: StatusBoard, count: number): Promise<void> {
  while (board.changes.waiting !== count) await new Promise(setImmediate);
}

test('a stream over REST is freed when its reader goes away', async () => {
  const { board, url } = await openCarriers();
  const cancel = new AbortController();
  const response = await fetch(`${url}/api/v1/routes/watch`, { signal: cancel.signal });
  await openStreams(board, 1);
  cancel.abort();
  await openStreams(board, 0);
  expect(response.status).toBe(200);
});

test('a stream over WebSocket is freed by its cancellation, while others go on', async () => {
  const { board, url } = await openCarriers();
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/rpc`);
  onTestFinished(() => socket.terminate());
  const client: Client = createORPCClient(
    new SocketLink({ websocket: socket as unknown as globalThis.WebSocket }),
  );
  const cancel = new AbortController();
  const first = await client.routes.watch(undefined, { signal: cancel.signal });
  const second = await client.routes.watch();
  await Promise.all([first.next(), second.next()]);
  await openStreams(board, 2);
  cancel.abort();
  await openStreams(board, 1);
  board.changes.bump();
  expect((await second.next()).value).toEqual([]);
  socket.close();
  await openStreams(board, 0);
});

test('a stream over a MessagePort is freed by its reader’s return, or by the port’s end', async () => {
  const { board, router } = await openCarriers();
  const { port1, port2 } = new MessageChannel();
  attachMessagePort(router, port1 as unknown as Parameters<typeof attachMessagePort>[1]);
  const client: Client = createORPCClient(new PortLink({ port: port2 }));
  port2.start();
  const first = await client.routes.watch();
  const second = await client.routes.watch();
  await Promise.all([first.next(), second.next()]);
  await openStreams(board, 2);
  await first.return();
  await openStreams(board, 1);
  port2.close();
  await openStreams(board, 0);
});
