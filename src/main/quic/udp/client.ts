/** A QUIC client on a UDP socket of its own. */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { LabError } from '../../../shared/errors.ts';
import { createController } from '../../congestion/index.ts';
import type { CloseReason } from '../connection/config.ts';
import { Connection } from '../connection/connection.ts';
import { makeVerifier } from '../tls/verify.ts';
import type { ConnectOptions, QuicSession } from './api.ts';
import { nowUs } from './clock.ts';
import { closeError, socketError } from './failure.ts';
import { Session } from './session.ts';
import { DEFAULT_DATAGRAM_BYTES, DEFAULT_IDLE_TIMEOUT_MS, formatAddress, SOCKET_BUFFER } from './socket.ts';

const DEFAULT_TIMEOUT_MS = 10_000;

/**
 * Connects to a QUIC server; resolves once the handshake is complete and the certificate verified.
 * @throws LabError RL_HOST_UNKNOWN, RL_PORT_CLOSED, RL_CONNECT_TIMEOUT, RL_NETWORK_UNREACHABLE, RL_ALPN_MISMATCH, RL_CERT_*,
 *   RL_TLS_FAILED, RL_PEER_CLOSED, RL_VERSION_UNSUPPORTED, RL_CANCELLED
 */
export async function connectQuic(options: ConnectOptions): Promise<QuicSession> {
  const where = formatAddress(options.host, options.port);
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const host = options.host.replace(/^\[|\]$/g, '');
  const deadlineUs = nowUs() + timeoutMs * 1000;
  const address = await resolve(host, where, timeoutMs);
  const socket = await openSocket(address, options.port, where);
  return await handshake(socket, { ...options, host }, { where, timeoutMs, deadlineUs, address });
}

async function resolve(
  host: string,
  where: string,
  timeoutMs: number,
): Promise<{ address: string; family: 4 | 6 }> {
  const family = isIP(host);
  if (family === 4 || family === 6) return { address: host, family };
  let timer: NodeJS.Timeout | undefined;
  try {
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new LabError('RL_HOST_UNKNOWN', `Resolving the host of ${where} took too long`)),
        timeoutMs,
      );
    });
    const found = await Promise.race([lookup(host), timeout]);
    return { address: found.address, family: found.family === 6 ? 6 : 4 };
  } catch (error) {
    throw error instanceof LabError ? error : socketError(error as NodeJS.ErrnoException, where);
  } finally {
    clearTimeout(timer);
  }
}

/** A socket connected to the server: cheaper sends, and the kernel reports a closed port. */
function openSocket(to: { address: string; family: 4 | 6 }, port: number, where: string): Promise<Socket> {
  return new Promise((resolveSocket, reject) => {
    const socket = createSocket({
      type: to.family === 6 ? 'udp6' : 'udp4',
      recvBufferSize: SOCKET_BUFFER,
      sendBufferSize: SOCKET_BUFFER,
    });
    const fail = (error: Error): void => {
      socket.close();
      reject(socketError(error as NodeJS.ErrnoException, where));
    };
    socket.once('error', fail);
    socket.connect(port, to.address, () => {
      socket.off('error', fail);
      resolveSocket(socket);
    });
  });
}

function handshake(
  socket: Socket,
  options: ConnectOptions,
  target: { where: string; timeoutMs: number; deadlineUs: number; address: { address: string } },
): Promise<QuicSession> {
  const { where, timeoutMs } = target;
  const datagramBytes = options.datagramBytes ?? DEFAULT_DATAGRAM_BYTES;
  const name = options.serverName ?? options.host;
  const connection = Connection.client(
    {
      controller: createController(options.controller?.name ?? 'cubic', {
        datagramBytes,
        parameters: options.controller?.parameters ?? {},
      }),
      alpn: options.alpn,
      random: randomBytes,
      datagramBytes,
      idleTimeoutMs: options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
      keyLog: options.keyLog,
      serverName: isIP(name) ? null : name,
      verify: options.trust.insecure ? null : makeVerifier(options.trust, name, Date.now),
    },
    nowUs(),
  );
  return new Promise((resolve, reject) => {
    let connected = false;
    let settled = false;
    const fail = (error: LabError): void => {
      if (settled) return;
      settled = true;
      finish();
      reject(error);
    };
    const giveUp = (reason: CloseReason, error: LabError): void => {
      session.abandon(reason);
      fail(error);
    };
    const session = new Session(
      connection,
      {
        role: 'client',
        remote: { address: target.address.address, port: options.port },
        insecure: options.trust.insecure,
      },
      {
        // Until there is an answer a refused port must be heard of; afterwards a callback per send is wasted.
        transmit: (datagram) => (connected ? socket.send(datagram) : socket.send(datagram, onSent)),
        onConnected: () => {
          connected = true;
          settled = true;
          finish();
          resolve(session);
        },
        onClosed: (info) => {
          // Closed but not terminated: the closing period runs on without keeping the process alive.
          socket.unref();
          fail(closeError(info, { where, connected: false, offered: options.alpn, timeoutMs }));
        },
        onTerminated: () => socket.close(),
      },
    );
    const onSocketError = (error: Error): void => {
      // Once connected, an ICMP error is only a hint (RFC 9000 §14.2.1 warns of forged ones): silence will tell.
      if (connected) return;
      const cause = socketError(error as NodeJS.ErrnoException, where);
      giveUp({ by: 'local', code: 0, application: false, reason: cause.message, cause }, cause);
    };
    const onSent = (error: Error | null): void => {
      if (error) onSocketError(error);
    };
    const onAbort = (): void => {
      const cause = new LabError('RL_CANCELLED', `Connecting to ${where} was cancelled`);
      giveUp({ by: 'local', code: 0, application: false, reason: cause.message, cause }, cause);
    };
    const timer = setTimeout(
      () => {
        const reason: CloseReason = {
          by: 'timeout',
          code: 0,
          application: false,
          reason: 'handshake timeout',
        };
        giveUp(reason, closeError(reason, { where, connected: false, offered: options.alpn, timeoutMs }));
      },
      Math.max(0, (target.deadlineUs - nowUs()) / 1000),
    );
    const finish = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', onAbort);
    };
    options.signal?.addEventListener('abort', onAbort, { once: true });
    socket.on('error', onSocketError);
    socket.on('message', (datagram: Buffer) => session.receive(datagram));
    if (options.signal?.aborted) onAbort();
    else session.wake();
  });
}
