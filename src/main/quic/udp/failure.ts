/** Why a connection ended, in the words of the error catalogue. */
import { LabError } from '../../../shared/errors.ts';
import type { CloseReason } from '../connection/config.ts';
import { describeTransportError, TransportError } from '../wire/errors.ts';

/** RFC 7301 §3.2. */
const NO_APPLICATION_PROTOCOL = TransportError.CRYPTO_ERROR + 120;

const isCrypto = (code: number): boolean =>
  code >= TransportError.CRYPTO_ERROR && code <= TransportError.CRYPTO_ERROR + 0xff;

/** `where` is host:port as the user gave it; `offered` the application protocols this end offered. */
export function closeError(
  info: CloseReason,
  context: { where: string; connected: boolean; offered: readonly string[]; timeoutMs: number },
): LabError {
  const { where, connected } = context;
  if (info.cause instanceof LabError) return info.cause;
  if (info.by === 'timeout') {
    return connected
      ? new LabError('RL_CONNECTION_LOST', `${where} went silent: ${info.reason}`)
      : new LabError('RL_CONNECT_TIMEOUT', `No answer from ${where} within ${context.timeoutMs / 1000} s`);
  }
  if (!info.application && info.code === NO_APPLICATION_PROTOCOL) {
    const offered = context.offered.join(', ');
    return new LabError(
      'RL_ALPN_MISMATCH',
      `${where} speaks none of the offered application protocols (${offered})`,
    );
  }
  if (info.by === 'local' && info.code === TransportError.INTERNAL_ERROR && !info.application) {
    return new LabError('RL_INTERNAL', `The connection to ${where} failed: ${info.reason}`, {
      cause: info.cause,
    });
  }
  const reason = info.reason ? `: ${info.reason}` : '';
  if (!info.application && isCrypto(info.code)) {
    const side =
      info.by === 'peer' ? `${where} refused the TLS handshake` : `The TLS handshake with ${where} failed`;
    return new LabError('RL_TLS_FAILED', `${side} with ${describeTransportError(info.code)}${reason}`);
  }
  if (info.by === 'peer') {
    const code = info.application ? `application code ${info.code}` : describeTransportError(info.code);
    return new LabError('RL_PEER_CLOSED', `${where} closed the connection with ${code}${reason}`);
  }
  return new LabError(
    'RL_PROTOCOL_VIOLATION',
    `${where} broke the protocol: ${describeTransportError(info.code)}${reason}`,
  );
}

/** Why an address or port could not be taken, by errno code; `field` names the setting to change. */
export function bindError(error: NodeJS.ErrnoException, where: string, field: string): LabError {
  switch (error.code) {
    case 'EADDRINUSE':
      return new LabError('RL_PORT_IN_USE', `${where} (UDP) is in use by another process`, {
        field,
        cause: error,
      });
    case 'EACCES':
      return new LabError('RL_ADDRESS_UNAVAILABLE', `${where} may not be bound by this user`, {
        field,
        cause: error,
      });
    case 'EADDRNOTAVAIL':
    // A link-local address without its interface; a family this machine does not have.
    case 'EINVAL':
    case 'EAFNOSUPPORT':
      return new LabError('RL_ADDRESS_UNAVAILABLE', `${where} is not an address of this machine`, {
        field,
        cause: error,
      });
    default:
      return new LabError('RL_INTERNAL', `Socket failure on ${where}: ${error.message}`, { cause: error });
  }
}

/** Why a host could not be resolved or reached, by errno code. */
export function reachError(error: NodeJS.ErrnoException, where: string): LabError {
  switch (error.code) {
    case 'ECONNREFUSED':
      return new LabError('RL_PORT_CLOSED', `Nothing listens on ${where} (UDP)`, { cause: error });
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NONAME':
    case 'EAI_NODATA':
      return new LabError('RL_HOST_UNKNOWN', `The host of ${where} cannot be resolved (${error.code})`, {
        cause: error,
      });
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
    case 'ENETDOWN':
    case 'EPERM':
    // Of connect: a broadcast address; a link-local one without its interface; a family this machine has no address of.
    case 'EACCES':
    case 'EINVAL':
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return new LabError('RL_NETWORK_UNREACHABLE', `${where} cannot be reached from here (${error.code})`, {
        cause: error,
      });
    default:
      return new LabError('RL_INTERNAL', `Socket failure on ${where}: ${error.message}`, { cause: error });
  }
}
