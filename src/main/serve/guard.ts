/**
 * From where the lab may be talked to: in a browser only from the lab's own pages and listed origins. The Host header stops DNS rebinding, the Origin and Fetch Metadata headers stop other sites' pages.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIPv4 } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { LabError } from '../../shared/errors.ts';

export interface GuardPolicy {
  /** Address the host was bound to. */
  host: string;
  /** Origins beside the lab's own that may call it: `server.cors_origins`. */
  corsOrigins: readonly string[];
}

/** True for 127.0.0.0/8, ::1 and localhost: nobody outside the machine reaches these. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));

/** The refusal a request with these headers deserves, or null. */
export function refusal(headers: IncomingHttpHeaders, policy: GuardPolicy): LabError | null {
  const host = headers.host?.toLowerCase() ?? '';
  const name = /^(?:\[([0-9a-f:.]+)\]|([^:]+))(?::\d+)?$/.exec(host);
  const hostName = name?.[1] ?? name?.[2] ?? '';
  if (!isLoopback(hostName) && !namesOf(policy.host).includes(hostName)) {
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

/** What a host bound to `host` is called; bound to every address of the machine, by each of them and by its name. */
function namesOf(host: string): string[] {
  if (host !== '0.0.0.0' && host !== '::') return [host.toLowerCase()];
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return [hostname().toLowerCase(), ...addresses.map(({ address }) => address.toLowerCase())];
}

const forbidden = (message: string): LabError =>
  new LabError('RL_FORBIDDEN_ORIGIN', message, { field: 'origin' });
