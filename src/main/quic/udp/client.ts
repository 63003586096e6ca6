/** A QUIC client on a UDP socket of its own. */

import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { LabError } from '../../../shared/errors.ts';
import type { ClientConfig, CloseReason } from '../connection/config.ts';
import { Connection } from '../connection/connection.ts';
import type { PathAddress } from '../connection/paths.ts';
import { makeVerifier } from '../tls/verify.ts';
import type { ConnectOptions, QuicSession } from './api.ts';
import { nowUs } from './clock.ts';
import { closeError, reachError } from './failure.ts';
import { watchMarks } from './handshake-marks.ts';
import { qlogObserver } from './qlog.ts';
import { pooledRandom } from './random.ts';
import { Session } from './session.ts';
import {
  checkDatagramBytes,
  checkPort,
  chosenSuites,
  controllerMaker,
  DEFAULT_IDLE_TIMEOUT_MS,
  discoveryLimit,
  formatAddress,
  SOCKET_BUFFER,
} from './socket.ts';

const DEFAULT_TIMEOUT_MS = 10_000;
/** How long a path that was left is still read. */
const LINGER_MS = 1000;

/**
 * Connects to a QUIC server; resolves once the handshake is complete and the certificate verified.
 * @throws LabError RL_INPUT_INVALID, RL_HOST_UNKNOWN, RL_PORT_CLOSED, RL_CONNECT_TIMEOUT, RL_NETWORK_UNREACHABLE,
 *   RL_ALPN_MISMATCH, RL_CERT_*, RL_TLS_FAILED, RL_PEER_CLOSED, RL_VERSION_UNSUPPORTED, RL_CANCELLED
 */
export async function connectQuic(options: ConnectOptions): Promise<QuicSession> {
  const where = formatAddress(options.host, options.port);
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const host = options.host.replace(/^\[|\]$/g, '');
  const name = options.serverName ?? host;
  if (options.port === 0)
    throw new LabError('RL_INPUT_INVALID', 'Port 0 cannot be connected to', { field: 'port' });
  checkPort(options.port);
  const datagramBytes = checkDatagramBytes(options.datagramBytes);
  // All that may be wrong with the settings is found before anything is opened.
  const verify = options.trust.insecure ? null : makeVerifier(options.trust, name, Date.now);
  const makeController = controllerMaker(options.controller, datagramBytes);

  const suites = chosenSuites(options.cipherSuites);

  const startedAtUs = nowUs();
  const deadlineUs = startedAtUs + timeoutMs * 1000;
  const addresses = await resolve(host, { where, timeoutMs, signal: options.signal });
  if (!isIP(host)) {
    options.onResolved?.(nowUs() - startedAtUs);
    options.onMark?.('resolved', nowUs());
  }
  for (;;) {
    const address = addresses.shift()!;
    const config: ClientConfig = {
      controller: makeController,
      alpn: options.alpn,
      random: pooledRandom,
      datagramBytes,
      // Known once the socket is connected.
      maxDatagramBytes: 0,
      idleTimeoutMs: options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
      suites,
      keepAliveMs: options.keepAliveMs,
      maxAckDelayMs: options.maxAckDelayMs,
      keyLog: options.keyLog,
      token: options.token,
      ticket: options.ticket,
      earlyData: options.onEarly !== undefined,
      serverName: isIP(name) ? null : name,
      peerName: name,
      verify,
    };
    try {
      const socket = await openSocket(address, options.port, where);
      config.maxDatagramBytes =
        options.mtuDiscovery === false ? 0 : discoveryLimit(socket.address().address, address.address);
      config.observer = qlogObserver(options.qlog, socket.address());
      if (options.onMark) watchMarks(config, options.onMark);
      const session = await handshake(socket, config, {
        where,
        timeoutMs,
        deadlineUs,
        remote: address,
        port: options.port,
        insecure: options.trust.insecure,
        signal: options.signal,
        onEarly: options.onEarly,
      });
      options.onConnected?.(session);
      return session;
    } catch (error) {
      // A name may stand for addresses of which not all lead there: the next one, where this one says no at once.
      const isRefused =
        error instanceof LabError &&
        (error.code === 'RL_PORT_CLOSED' || error.code === 'RL_NETWORK_UNREACHABLE');
      if (!isRefused || addresses.length === 0) throw error;
    }
  }
}

interface Address {
  address: string;
  family: 4 | 6;
}

/** The addresses of a host in the order of the system's resolver; at least one. */
async function resolve(
  host: string,
  limits: { where: string; timeoutMs: number; signal: AbortSignal | undefined },
): Promise<Address[]> {
  const { where, timeoutMs, signal } = limits;
  if (signal?.aborted) throw cancelled(where);
  const family = isIP(host);
  if (family !== 0) return [{ address: host, family: family === 6 ? 6 : 4 }];
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => undefined;
  try {
    const limit = new Promise<never>((_, reject) => {
      onAbort = () => reject(cancelled(where));
      signal?.addEventListener('abort', onAbort, { once: true });
      timer = setTimeout(
        () => reject(new LabError('RL_HOST_UNKNOWN', `Resolving the host of ${where} took too long`)),
        timeoutMs,
      );
    });
    const found = await Promise.race([lookup(host, { all: true }), limit]);
    return found.map((entry) => ({ address: entry.address, family: entry.family === 6 ? 6 : 4 }));
  } catch (error) {
    throw error instanceof LabError ? error : reachError(error as NodeJS.ErrnoException, where);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

const cancelled = (where: string): LabError =>
  new LabError('RL_CANCELLED', `Connecting to ${where} was cancelled`);

/** A socket connected to the server: cheaper sends, and the kernel reports a closed port. */
function openSocket(to: Address, port: number, where: string): Promise<Socket> {
  return new Promise((resolveSocket, reject) => {
    const socket = createSocket({
      type: to.family === 6 ? 'udp6' : 'udp4',
      recvBufferSize: SOCKET_BUFFER,
      sendBufferSize: SOCKET_BUFFER,
    });
    const fail = (error: Error): void => {
      socket.close();
      reject(reachError(error as NodeJS.ErrnoException, where));
    };
    socket.once('error', fail);
    // Node.js tells the callback of a failure too, whatever its type says.
    socket.connect(port, to.address, (error?: Error) => {
      if (error) {
        fail(error);
        return;
      }
      socket.off('error', fail);
      resolveSocket(socket);
    });
  });
}

interface Target {
  where: string;
  timeoutMs: number;
  deadlineUs: number;
  remote: Address;
  port: number;
  insecure: boolean;
  signal: AbortSignal | undefined;
  onEarly: ConnectOptions['onEarly'];
}

/** Takes the socket over: whatever comes of it, it is closed in the end. */
function handshake(socket: Socket, config: ClientConfig, target: Target): Promise<QuicSession> {
  const { where, timeoutMs, signal } = target;
  /** A path is a socket of ours, as much as an address of the server. */
  interface ClientPath extends PathAddress {
    socket: Socket;
  }
  const pathOf = (own: Socket): ClientPath => ({
    address: target.remote.address,
    port: target.port,
    socket: own,
  });
  const first = pathOf(socket);
  const paths = new Set([first]);
  let connection: Connection;
  try {
    connection = Connection.client(config, first, nowUs());
  } catch (error) {
    socket.close();
    throw error;
  }
  return new Promise((resolve, reject) => {
    let connected = false;
    let settled = false;
    const fail = (error: LabError): void => {
      if (settled) return;
      settled = true;
      finish();
      reject(error);
    };
    /** Where the server may know of us it is told, else there is nobody to tell. */
    const giveUp = (by: CloseReason['by'], error: LabError): void => {
      fail(error);
      if (connection.heardFromPeer) void session.close();
      else session.abandon({ by, code: 0, application: false, reason: error.message, cause: error });
    };
    const session = new Session(
      connection,
      { role: 'client', insecure: target.insecure },
      {
        // Until there is an answer a refused port must be heard of; afterwards a callback per send is wasted.
        transmit: (datagram, to) => {
          if (connected) (to as ClientPath).socket.send(datagram);
          else socket.send(datagram, onSent);
        },
        isDrained: () => {
          for (const path of paths) if (path.socket.getSendQueueCount() > 0) return false;
          return true;
        },
        openPath: async () => {
          const path = pathOf(await openSocket(target.remote, target.port, where));
          paths.add(path);
          listen(path);
          return path;
        },
        rebindPath: async (taken) => {
          const path = taken as ClientPath;
          const before = path.socket;
          path.socket = await openSocket(target.remote, target.port, where);
          before.close();
          listen(path);
        },
        onPath: (change, path) => {
          if (change === 'path-failed') closePath(path as ClientPath);
          // What the server sent before it heard of the move may still come.
          else for (const other of paths) if (other !== path) setTimeout(closePath, LINGER_MS, other).unref();
        },
        onConnected: () => {
          connected = true;
          settled = true;
          finish();
          resolve(session);
        },
        onClosed: (info) => {
          // The closing period runs on without keeping the process alive. Once the peer has closed, nothing is left to
          // say, and what still arrives dies with the socket (RFC 9000 §10.2).
          for (const path of paths) path.socket.unref();
          if (info.by === 'peer') session.abandon(info);
          if (!settled) fail(closeError(info, { where, connected: false, offered: config.alpn, timeoutMs }));
        },
        onTerminated: () => {
          for (const path of paths) closePath(path);
        },
      },
    );
    const onSocketError = (error: Error): void => {
      // Once connected, an ICMP error is only a hint (RFC 9000 §14.2.1 warns of forged ones): silence will tell.
      if (connected) return;
      const cause = reachError(error as NodeJS.ErrnoException, where);
      giveUp('local', cause);
    };
    const onSent = (error: Error | null): void => {
      if (error) onSocketError(error);
    };
    const onAbort = (): void => giveUp('local', cancelled(where));
    const timer = setTimeout(
      () => {
        const silence: CloseReason = { by: 'timeout', code: 0, application: false, reason: '' };
        giveUp('timeout', closeError(silence, { where, connected: false, offered: config.alpn, timeoutMs }));
      },
      Math.max(0, (target.deadlineUs - nowUs()) / 1000),
    );
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const listen = (path: ClientPath): void => {
      path.socket.on('error', onSocketError);
      path.socket.on('message', (datagram: Buffer) => session.deliver(datagram, path));
    };
    const closePath = (path: ClientPath): void => {
      if (paths.delete(path)) path.socket.close();
    };
    listen(first);
    if (signal?.aborted) {
      onAbort();
      return;
    }
    if (connection.mayCarryData) target.onEarly?.(session);
    session.wake();
  });
}
