/**
 * From where the lab may be talked to: in a browser only from the lab's own pages and listed origins. The Host header stops DNS
 * rebinding, the Origin and Fetch Metadata headers stop other sites' pages.
 */
import { lookup, lookupService } from 'node:dns/promises';
import type { IncomingHttpHeaders } from 'node:http';
import { isIPv4 } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { LabError } from '../../shared/errors.ts';

export interface GuardPolicy {
  /** Address the host was bound to. */
  host: string;
  /** Origins beside the lab's own that may call it: `server.cors_origins`. */
  corsOrigins: readonly string[];
  /** What it is called beside: `server.names`, and the machine's full name. */
  names: readonly string[];
}

/** True for 127.0.0.0/8, ::1 and localhost: nobody outside the machine reaches these. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));

/** The refusal a request with these headers deserves, or null. */
export function refusal(headers: IncomingHttpHeaders, policy: GuardPolicy): LabError | null {
  const host = headers.host?.toLowerCase() ?? '';
  const name = /^(?:\[([0-9a-f:.]+)\]|([^:]+))(?::\d+)?$/.exec(host);
  const hostName = plain(name?.[1] ?? name?.[2] ?? '');
  if (!isLoopback(hostName) && !namesOf(policy).has(hostName)) {
    return new LabError('RL_HOST_HEADER', `This lab is not "${host}".`, { field: 'host' });
  }

  const { origin } = headers;
  if (origin !== undefined) {
    const known = origin.toLowerCase() === `http://${host}` || policy.corsOrigins.includes(origin);
    return known ? null : forbidden(`Pages of ${origin} may not call this lab.`);
  }
  // Without an Origin a browser still says where a request comes from; following a link here is harmless.
  const site = headers['sec-fetch-site'];
  if ((site === 'cross-site' || site === 'same-site') && headers['sec-fetch-mode'] !== 'navigate') {
    return forbidden('Pages of other sites may not call this lab.');
  }
  return null;
}

/**
 * What the lab is called: the address it is bound to, or each of the machine where that is all; what it was told; and the hosts of
 * the origins that may call it, behind which a proxy may stand. Others than this machine reach it by the machine's name too.
 */
function namesOf({ host, corsOrigins, names }: GuardPolicy): ReadonlySet<string> {
  const origins = corsOrigins.map((origin) => new URL(origin).hostname.replace(/^\[|\]$/g, ''));
  const own = isLoopback(host) ? [] : [hostname()];
  const addresses =
    host === '0.0.0.0' || host === '::'
      ? Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
      : [host];
  return new Set([...addresses, ...own, ...names, ...origins].map(plain));
}

/** In small letters, without the dot that a full name may end with. */
const plain = (name: string): string => name.toLowerCase().replace(/\.$/, '');

/**
 * The machine's name with its domain; null where it has none. It is the hosts file or the machine's resolver that answers, so it
 * has to begin with the name that the machine has itself. May take as long as a resolver does.
 */
export async function fullName(): Promise<string | null> {
  const own = plain(hostname());
  try {
    const { address } = await lookup(own);
    const full = plain((await lookupService(address, 0)).hostname);
    return full.startsWith(`${own}.`) ? full : null;
  } catch {
    return null;
  }
}

const forbidden = (message: string): LabError =>
  new LabError('RL_FORBIDDEN_ORIGIN', message, { field: 'origin' });
