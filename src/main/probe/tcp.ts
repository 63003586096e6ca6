/**
 * A client over TCP and TLS 1.3 (node:tls on the kernel's TCP), for comparisons: one connection, and the one stream on it that
 * transfers and pings take.
 */
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { connect as connectSocket, isIP } from 'node:net';
import { checkServerIdentity, createSecureContext, type SecureContext, connect as startTls } from 'node:tls';
import { LabError } from '../../shared/errors.ts';
import type { CloseInfo, ConnectOptions, QuicStream, TrustOptions } from '../quic/udp/api.ts';
import { nowUs } from '../quic/udp/clock.ts';
import { reachError } from '../quic/udp/failure.ts';
import { systemRoots } from '../quic/udp/roots.ts';
import { TCP_ALPN } from './protocol.ts';
import { kernelCongestionControl } from './tcp-service.ts';
import { TcpStream } from './tcp-stream.ts';
import type { StreamCarrier } from './throughput.ts';

const DEFAULT_TIMEOUT_MS = 10_000;

export type TcpConnectOptions = Pick<
  ConnectOptions,
  'host' | 'port' | 'serverName' | 'trust' | 'timeoutMs' | 'signal'
>;

export interface TcpConnection extends StreamCarrier {
  readonly handshake: {
    /** From the SYN to the TLS handshake complete, at this end: name resolution is not part of it. */
    durationUs: number;
    /** Of that, until TCP was connected. Through a relay that ends TCP, until the relay was reached. */
    connectUs: number;
    cipherSuite: string;
  };
  /** What the kernels' TCP is controlled by: here, and there once the server greeted. Null where it is not told. */
  readonly congestion: { readonly client: string | null; readonly server: string | null };
  close(): Promise<void>;
}

/** Contexts of the same trust: reading a system's roots takes longer than a handshake. */
const contexts = new WeakMap<TrustOptions, SecureContext>();

function contextOf(trust: TrustOptions): SecureContext {
  let context = contexts.get(trust);
  if (context === undefined) {
    const ca = [...trust.ca, ...(trust.system ? systemRoots() : [])];
    context = createSecureContext({ ca, minVersion: 'TLSv1.3' });
    contexts.set(trust, context);
  }
  return context;
}

/**
 * Connects; resolves once the handshake is complete and the certificate verified.
 * @throws LabError RL_HOST_UNKNOWN, RL_PORT_CLOSED, RL_CONNECT_TIMEOUT, RL_NETWORK_UNREACHABLE, RL_ALPN_MISMATCH, RL_CERT_*,
 *   RL_TLS_FAILED, RL_PEER_CLOSED, RL_CANCELLED
 */
export async function connectTcp(options: TcpConnectOptions): Promise<TcpConnection> {
  const { port, trust, timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
  const host = options.host.replace(/^\[|\]$/g, '');
  const name = options.serverName ?? host;
  const where = `${options.host}:${port}`;
  const secureContext = contextOf(trust);
  const address = isIP(host) ? host : await addressOf(host, where);
  const limit = AbortSignal.any([AbortSignal.timeout(timeoutMs), ...(signal ? [signal] : [])]);
  const startedAtUs = nowUs();
  const raw = connectSocket({ host: address, port, noDelay: true, allowHalfOpen: true });
  /** Why it ended, unless we ended it. */
  let reason: string | null = null;
  let isOurs = false;
  const why = ({ code, message }: NodeJS.ErrnoException): void => {
    reason ??= code ?? message;
  };
  raw.on('error', why);
  const ended = new Promise<CloseInfo>((resolve) => {
    raw.on('close', () => {
      const by = isOurs ? 'local' : reason === 'ETIMEDOUT' ? 'timeout' : 'peer';
      resolve({ by, code: 0, application: true, reason: reason ?? 'it ended the connection' });
    });
  });
  try {
    await once(raw, 'connect', { signal: limit });
    const connectUs = nowUs() - startedAtUs;
    const socket = startTls({
      socket: raw,
      secureContext,
      // RFC 6066 §3: an address is no server name.
      ...(isIP(name) ? {} : { servername: name }),
      checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
      ALPNProtocols: [TCP_ALPN],
      rejectUnauthorized: !trust.insecure,
    });
    socket.on('error', why);
    await once(socket, 'secureConnect', { signal: limit });
    const durationUs = nowUs() - startedAtUs;
    if (socket.alpnProtocol !== TCP_ALPN)
      throw new LabError('RL_ALPN_MISMATCH', `${where} (TCP) does not speak ${TCP_ALPN}`, {
        hint: SERVER_HINT,
      });
    const congestion = { client: kernelCongestionControl(), server: null as string | null };
    const stream = new TcpStream(socket, {
      raw,
      onGreeting: (server) => {
        congestion.server = server;
      },
    });
    return {
      handshake: { durationUs, connectUs, cipherSuite: socket.getCipher().standardName },
      congestion,
      closed: ended,
      openStream: (): QuicStream => stream,
      close: async () => {
        isOurs = true;
        raw.destroy();
        await ended;
      },
    };
  } catch (error) {
    raw.destroy();
    if (signal?.aborted) throw new LabError('RL_CANCELLED', `Connecting to ${where} (TCP) was cancelled`);
    throw connectError(error as NodeJS.ErrnoException, where, timeoutMs);
  }
}

const SERVER_HINT = 'Start the server with --tcp, and a path before it with emulate --tcp.';

async function addressOf(host: string, where: string): Promise<string> {
  try {
    return (await lookup(host)).address;
  } catch (error) {
    throw reachError(error as NodeJS.ErrnoException, where);
  }
}

const UNTRUSTED = new Set([
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
]);

function connectError(error: NodeJS.ErrnoException, where: string, timeoutMs: number): LabError {
  if (error instanceof LabError) return error;
  const { code = '', message } = error;
  const of = `${where} (TCP)`;
  const options = { cause: error };
  if (error.name === 'AbortError' || code === 'ETIMEDOUT')
    return new LabError('RL_CONNECT_TIMEOUT', `No answer from ${of} within ${timeoutMs / 1000} s`, {
      hint: 'Check that TCP to this host and port is not filtered, or raise --timeout.',
      cause: error,
    });
  if (code === 'ECONNREFUSED')
    return new LabError('RL_PORT_CLOSED', `Nothing listens on ${of}`, { hint: SERVER_HINT, cause: error });
  if (code === 'ECONNRESET' || code === 'EPIPE')
    return new LabError('RL_PEER_CLOSED', `${of} closed the connection during the handshake`, options);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return new LabError('RL_CERT_HOST_MISMATCH', `${of}: ${message}`, options);
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID')
    return new LabError('RL_CERT_EXPIRED', `${of}: ${message}`, options);
  if (UNTRUSTED.has(code)) return new LabError('RL_CERT_UNTRUSTED', `${of}: ${message}`, options);
  if (code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL')
    return new LabError('RL_ALPN_MISMATCH', `${of} does not speak ${TCP_ALPN}`, {
      hint: SERVER_HINT,
      cause: error,
    });
  if (code.startsWith('ERR_SSL') || code === 'EPROTO')
    return new LabError('RL_TLS_FAILED', `The TLS handshake with ${of} failed: ${message}`, options);
  return reachError(error, of);
}
