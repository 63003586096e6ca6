/** The contract over WebSocket at /api/rpc: what the UI in a browser speaks. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { RPCHandler } from '@orpc/server/ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { LabError, toLabError } from '../../../shared/errors.ts';
import { RPC_BEARER, RPC_PATH, RPC_PROTOCOL, RPC_UNAUTHORIZED } from '../../../shared/rpc-socket.ts';
import type { LabRouter } from '../../lab/index.ts';
import { type Access, bearerOf } from '../auth.ts';
import { type GuardPolicy, refusal } from '../guard.ts';
import { type CallContext, limitCalls } from './calls.ts';
import { carryErrors, isRpcMessage } from './handler.ts';

const MAX_MESSAGE_BYTES = 1_048_576;
/** Streams that one client may have open: a chart has one for each route in it. */
const MAX_STREAMS = 256;
/** A client that answered no ping, or read nothing, for this long is gone. */
const HEARTBEAT_MS = 15_000;
/** What a client may leave unread before it counts as gone. */
const MAX_BUFFERED_BYTES = 8 * 1_048_576;
/** Messages a client may send in a second: many times what a busy page does. */
const MAX_MESSAGES_PER_S = 500;
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;
const INVALID_PAYLOAD = 1007;
/** How long one that was told to go may take for it. */
const GOODBYE_MS = 200;

export interface WebSocketCarrier {
  /** Says goodbye to every client and ends those that do not leave. */
  close(): void;
}

/** Takes over `server`'s upgrades. */
export function serveWebSocket(
  server: Server,
  router: LabRouter,
  policy: GuardPolicy,
  { auth, limits, sessions }: Access,
): WebSocketCarrier {
  const handler = new RPCHandler(router, {
    interceptors: [carryErrors],
    clientInterceptors: [limitCalls(limits)],
  });
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => offered.has(RPC_PROTOCOL) && RPC_PROTOCOL,
  });
  const alive = new WeakSet<WebSocket>();

  server.on('upgrade', (request, socket, head) => {
    // Without a listener a connection reset before the upgrade would be an uncaught exception.
    socket.on('error', () => socket.destroy());
    void upgrade(request, socket, head);
  });

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    try {
      const address = request.socket.remoteAddress ?? '';
      limits.count(address, 'requests');
      const refused = upgradeRefusal(request, policy);
      if (refused !== null) throw refused;
      const token = tokenOf(request);
      await auth.require(token);
      if (socket.destroyed) return;
      sessions.requireRoom('sockets');
      sockets.handleUpgrade(request, socket, head, (client) => accept(client, address, token));
    } catch (thrown) {
      const error = toLabError(thrown);
      if (error.code !== 'RL_UNAUTHORIZED') refuse(socket, error);
      // A browser tells its page nothing of an upgrade that was refused, but the code of a close.
      else if (!socket.destroyed) sockets.handleUpgrade(request, socket, head, lock);
    }
  }

  function accept(client: WebSocket, address: string, token: string | null): void {
    client.on(
      'close',
      sessions.open('sockets', token, () => lock(client)),
    );
    alive.add(client);
    let streams = 0;
    const openStream = (): (() => void) => {
      if (streams >= MAX_STREAMS)
        throw new LabError('RL_RATE_LIMITED', `${MAX_STREAMS} streams are open already.`);
      streams++;
      let isOpen = true;
      return () => {
        if (isOpen) streams--;
        isOpen = false;
      };
    };
    const context: CallContext = { caller: { address, openStream } };
    let messages = 0;
    const second = setInterval(() => {
      messages = 0;
    }, 1000);
    client.on('close', () => clearInterval(second));
    client.on('pong', () => alive.add(client));
    // `ws` closes by itself after a protocol error (too large, bad UTF-8); there is nobody to tell.
    client.on('error', () => client.terminate());
    const socket = {
      send: (data: Parameters<WebSocket['send']>[0]) => client.send(data),
      addEventListener: ((type: 'message' | 'close', listener: (event: unknown) => void) => {
        if (type === 'close') client.addEventListener('close', listener);
        else {
          client.addEventListener('message', (event) => {
            if (++messages > MAX_MESSAGES_PER_S) client.close(POLICY_VIOLATION, 'too many requests');
            else if (isRpcMessage(event.data)) listener(event);
            else client.close(INVALID_PAYLOAD, 'not a request');
          });
        }
      }) as WebSocket['addEventListener'],
    };
    void handler.upgrade(socket, { context });
  }

  const heartbeat = setInterval(() => {
    for (const client of sockets.clients) {
      if (!alive.delete(client) || client.bufferedAmount > MAX_BUFFERED_BYTES) client.terminate();
      else client.ping();
    }
  }, HEARTBEAT_MS);

  return {
    close() {
      clearInterval(heartbeat);
      for (const client of sockets.clients) dismiss(client, GOING_AWAY, 'the lab is closing');
      sockets.close();
    },
  };
}

const lock = (client: WebSocket): void => dismiss(client, RPC_UNAUTHORIZED, 'no valid token');

/** Says goodbye; who does not answer is cut off. */
function dismiss(client: WebSocket, code: number, reason: string): void {
  client.on('error', () => client.terminate());
  client.close(code, reason);
  setTimeout(() => client.terminate(), GOODBYE_MS).unref();
}

function upgradeRefusal(request: IncomingMessage, policy: GuardPolicy): LabError | null {
  const path = request.url?.split('?', 1)[0];
  if (path === RPC_PATH) return refusal(request.headers, policy);
  return new LabError('RL_NOT_FOUND', `There is no WebSocket at ${path}.`);
}

function tokenOf({ headers }: IncomingMessage): string | null {
  const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
  const token = offered.find((name) => name.startsWith(RPC_BEARER))?.slice(RPC_BEARER.length);
  return token ?? bearerOf(headers.authorization);
}

function refuse(socket: Duplex, error: LabError): void {
  const body = JSON.stringify(error.toBody());
  socket.end(
    [
      `HTTP/1.1 ${error.status} ${error.code}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
      ...(error.code === 'RL_RATE_LIMITED' ? ['retry-after: 10'] : []),
      '',
      body,
    ].join('\r\n'),
  );
}
