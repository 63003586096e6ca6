/** How large a datagram the first hop of a path takes: what lies behind it is for path MTU discovery to find out. */
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** MTU taken for granted where none can be read: Ethernet's. */
const ETHERNET = 1500;
/** Linux's loopback; others have 16384, above what is used here. */
const LOOPBACK = 65_536;
/** IP and UDP headers. */
const HEADERS = { 4: 28, 6: 48 } as const;

/**
 * Largest UDP payload, bytes, that leaves this machine from `local` for `remote` without being cut into fragments: a datagram
 * that the kernel fragments would pass the path in pieces, and tell nothing of it.
 */
export function largestDatagram(local: string, remote: string): number {
  const headers = HEADERS[isIPv6(remote) ? 6 : 4];
  if (isLoopbackAddress(remote)) return LOOPBACK - headers;
  const name = Object.entries(networkInterfaces()).find(([, addresses]) =>
    addresses?.some(({ address }) => address === local),
  )?.[0];
  return (name === undefined ? ETHERNET : mtuOf(name)) - headers;
}

const isLoopbackAddress = (address: string): boolean => /^(127\.|::1$|::ffff:127\.)/.test(address);

/** Only Linux lets a program without privileges of its own read it. */
function mtuOf(name: string): number {
  try {
    const mtu = Number(readFileSync(`/sys/class/net/${name}/mtu`, 'utf8'));
    return Number.isInteger(mtu) && mtu >= 1280 ? mtu : ETHERNET;
  } catch {
    return ETHERNET;
  }
}
