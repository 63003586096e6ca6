/** Settings both ends share. */
import { isIPv6 } from 'node:net';

/** UDP payload of full packets: fits a 1500-byte link over IPv6 with room for tunnels. */
export const DEFAULT_DATAGRAM_BYTES = 1350;
export const DEFAULT_IDLE_TIMEOUT_MS = 30_000;
/** Asked of the kernel, which may grant less: bursts must survive until the loop reads again. */
export const SOCKET_BUFFER = 4 * 1024 * 1024;

/** host:port as one writes it, IPv6 in brackets. */
export const formatAddress = (host: string, port: number): string =>
  isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
