/** Whether a URL leads to this machine or into a private network, as far as its text tells. */
import { BlockList, isIP } from 'node:net';

const PRIVATE = new BlockList();
// RFC 1122 §3.2.1.3, RFC 1918 §3, RFC 3927, RFC 6598; RFC 4291 §2.5.3 and §2.5.6, RFC 4193.
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['100.64.0.0', 10],
] as const)
  PRIVATE.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of [
  ['::', 127],
  ['fc00::', 7],
  ['fe80::', 10],
] as const)
  PRIVATE.addSubnet(net, prefix, 'ipv6');

/** RFC 6761 §6.3 `localhost`, RFC 6762 `local`, and names that only a local resolver knows. */
const isLocalName = (host: string): boolean =>
  !host.includes('.') || /\.(localhost|local|internal)$/.test(host);

export function isPrivateUrl(url: string): boolean {
  const host = new URL(url).hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  const family = isIP(host);
  return family === 0 ? isLocalName(host) : PRIVATE.check(host, family === 4 ? 'ipv4' : 'ipv6');
}
