/** A real headless host for tests, and clients for its carriers. */
import { createORPCClient } from '@orpc/client';
import { RPCLink as PortLink } from '@orpc/client/message-port';
import { RPCLink as SocketLink } from '@orpc/client/websocket';
import type { ContractRouterClient } from '@orpc/contract';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { attachMessagePort } from '../../src/main/serve/carriers/message-port.ts';
import { type Headless, type HeadlessOptions, startHeadless } from '../../src/main/serve/index.ts';
import type { Contract } from '../../src/shared/contract/index.ts';
import { silentLog, temporaryDir } from '../lab/open-lab.ts';

export type Client = ContractRouterClient<Contract>;

export async function openHost(options: Partial<HeadlessOptions> = {}): Promise<Headless> {
  const host = await startHeadless({
    dataDir: temporaryDir(),
    host: '127.0.0.1',
    port: 0,
    log: silentLog,
    ...options,
  });
  let closing: Promise<void> | null = null;
  const end = host.close;
  host.close = () => {
    closing ??= end();
    return closing;
  };
  onTestFinished(() => host.close());
  return host;
}

/** A client over a real WebSocket. */
export async function overWebSocket(host: Headless): Promise<{ client: Client; socket: WebSocket }> {
  const socket = new WebSocket(`${host.url.replace('http', 'ws')}/api/rpc`);
  const link = new SocketLink({ websocket: socket as unknown as globalThis.WebSocket });
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  onTestFinished(() => socket.terminate());
  return { client: createORPCClient(link), socket };
}

/** A client over a real MessagePort, as the desktop’s window has one. */
export function overMessagePort(host: Headless): Client {
  const { port1, port2 } = new MessageChannel();
  attachMessagePort(host.lab.router, port1 as unknown as Parameters<typeof attachMessagePort>[1]);
  const link = new PortLink({ port: port2 });
  port2.start();
  onTestFinished(() => port2.close());
  return createORPCClient(link);
}

/** What REST answers, with its status. */
export async function rest(
  host: Headless,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${host.url}/api/v1${path}`, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  });
  return { status: response.status, body: await response.json() };
}
