import { createSocket, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { once } from 'node:events';
import { isIP } from 'node:net';
import { LabError } from '../../../shared/errors.ts';

/** An IP address and a UDP port. */
export interface Endpoint {
  address: string;
  family: 4 | 6;
  port: number;
}

/** Enough for a burst that arrives while the thread is busy; the kernel grants what it allows. */
const SOCKET_BUFFER_BYTES = 4_000_000;

/**
 * The address of `host`, IPv4 preferred, as a relay cannot try both. Throws RL_HOST_UNKNOWN naming `field`.
 */
export async function resolveEndpoint(
  { host, port }: { host: string; port: number },
  field: string,
): Promise<Endpoint> {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  const literal = isIP(bare);
  if (literal !== 0) return { address: bare, family: literal === 4 ? 4 : 6, port };
  try {
    const { address, family } = await lookup(bare, { order: 'ipv4first' });
    return { address, family: family === 4 ? 4 : 6, port };
  } catch (cause) {
    throw new LabError('RL_HOST_UNKNOWN', `The host "${host}" cannot be resolved`, { field, cause });
  }
}

/** A UDP socket for `family` that is only ever given numeric addresses, and so never asks DNS. */
export function createUdpSocket(family: 4 | 6): Socket {
  return createSocket({
    type: family === 4 ? 'udp4' : 'udp6',
    recvBufferSize: SOCKET_BUFFER_BYTES,
    sendBufferSize: SOCKET_BUFFER_BYTES,
    // dgram looks up every destination, at the cost of a turn of the event loop even for an address.
    lookup: (address, _options, callback) => callback(null, address, family),
  });
}

/**
 * A socket bound to `endpoint`; port 0 takes a free one. Throws RL_PORT_IN_USE or RL_ADDRESS_UNAVAILABLE naming
 * `field`.
 */
export async function bindUdpSocket(endpoint: Endpoint, field: string): Promise<Socket> {
  const socket = createUdpSocket(endpoint.family);
  try {
    // Before `bind`, which answers at once as no name has to be looked up.
    const listening = once(socket, 'listening');
    socket.bind({ address: endpoint.address, port: endpoint.port, exclusive: true });
    await listening;
    return socket;
  } catch (cause) {
    socket.close();
    const { address, port } = endpoint;
    switch ((cause as NodeJS.ErrnoException).code) {
      case 'EADDRINUSE':
        throw new LabError('RL_PORT_IN_USE', `UDP port ${port} on ${address} is already in use`, {
          field,
          cause,
        });
      case 'EADDRNOTAVAIL':
        throw new LabError('RL_ADDRESS_UNAVAILABLE', `${address} is not an address of this machine`, {
          field,
          cause,
        });
      case 'EACCES':
        throw new LabError('RL_ADDRESS_UNAVAILABLE', `UDP port ${port} may not be bound by this user`, {
          field,
          hint: 'Choose a port of 1024 or above.',
          cause,
        });
      default:
        throw cause;
    }
  }
}
