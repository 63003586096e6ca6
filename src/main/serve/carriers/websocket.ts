/** The contract over WebSocket at /api/rpc: what the UI in a browser speaks. */
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { RPCHandler } from '@orpc/server/ws';
import { type WebSocket, WebSocketServer } from 'ws';
import { LabError, toLabError } from '../../../shared/errors.ts';
import type { LabRouter } from '../../lab/index.ts';
import { type Auth, bearerOf } from '../auth.ts';
import { type GuardPolicy, refusal } from '../guard.ts';
import { carryErrors, isRpcMessage } from './handler.ts';

const PATH = '/api/rpc';
const MAX_MESSAGE_BYTES = 1_048_576;
const MAX_CLIENTS = 64;
/** A client that answered no ping, or read nothing, for this long is gone. */
const HEARTBEAT_MS = 15_000;
/** What a client may leave unread before it counts as gone. */
const MAX_BUFFERED_BYTES = 8 * 1_048_576;
/** Messages a client may send in a second: many times what a busy page does. */
const MAX_MESSAGES_PER_S = 500;
const GOING_AWAY = 1001;
const POLICY_VIOLATION = 1008;
const INVALID_PAYLOAD = 1007;

/**
 * What a browser can send with an upgrade is a list of subprotocols, of which the server takes one: ours, and beside it
 * `bearer.` with the token. Others send the Authorization header.
 */
const PROTOCOL = 'routelab';
const BEARER = 'bearer.';

export interface WebSocketCarrier {
  /** Says goodbye to every client and ends those that do not leave. */
  close(): void;
}

/** Takes over `server`'s upgrades. */
export function serveWebSocket(
  server: Server,
  router: LabRouter,
  policy: GuardPolicy,
  auth: Auth,
): WebSocketCarrier {
  const handler = new RPCHandler(router, { interceptors: [carryErrors] });
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => offered.has(PROTOCOL) && PROTOCOL,
  });
  const alive = new WeakSet<WebSocket>();
  const tokens = new WeakMap<WebSocket, string | null>();

  server.on('upgrade', (request, socket, head) => {
    // Without a listener a connection reset before the upgrade would be an uncaught exception.
    socket.on('error', () => socket.destroy());
    void upgrade(request, socket, head);
  });

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    try {
      const refused = upgradeRefusal(request, policy, sockets.clients.size);
      if (refused !== null) throw refused;
      const token = tokenOf(request);
      await auth.require(token);
      if (socket.destroyed) return;
      sockets.handleUpgrade(request, socket, head, (client) => accept(client, token));
    } catch (thrown) {
      refuse(socket, toLabError(thrown));
    }
  }

  function accept(client: WebSocket, token: string | null): void {
    alive.add(client);
    tokens.set(client, token);
    let messages = 0;
    const second = setInterval(() => {
      messages = 0;
    }, 1000);
    client.on('close', () => clearInterval(second));
    client.on('pong', () => alive.add(client));
    // `ws` closes by itself after a protocol error (too large, bad UTF-8); there is nobody to tell.
    client.on('error', () => client.terminate());
    void handler.upgrade({
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
    });
  }

  const heartbeat = setInterval(() => {
    for (const client of sockets.clients) {
      if (!alive.delete(client) || client.bufferedAmount > MAX_BUFFERED_BYTES) client.terminate();
      else client.ping();
      // It may have expired since, and the secret may be another.
      auth.require(tokens.get(client) ?? null).catch(() => client.close(POLICY_VIOLATION, 'no valid token'));
    }
  }, HEARTBEAT_MS);

  return {
    close() {
      clearInterval(heartbeat);
      for (const client of sockets.clients) {
        client.close(GOING_AWAY, 'the lab is closing');
        setTimeout(() => client.terminate(), 200).unref();
      }
      sockets.close();
    },
  };
}

function upgradeRefusal(request: IncomingMessage, policy: GuardPolicy, clients: number): LabError | null {
  const path = request.url?.split('?', 1)[0];
  if (path !== PATH) return new LabError('RL_NOT_FOUND', `There is no WebSocket at ${path}.`);
  const refused = refusal(request.headers, policy);
  if (refused !== null) return refused;
  if (clients < MAX_CLIENTS) return null;
  return new LabError('RL_RATE_LIMITED', `${MAX_CLIENTS} clients are connected already.`);
}

function tokenOf({ headers }: IncomingMessage): string | null {
  const offered = headers['sec-websocket-protocol']?.split(',').map((name) => name.trim()) ?? [];
  const token = offered.find((name) => name.startsWith(BEARER))?.slice(BEARER.length);
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
      ...(error.code === 'RL_UNAUTHORIZED' ? ['www-authenticate: Bearer realm="routelab"'] : []),
      '',
      body,
    ].join('\r\n'),
  );
}
