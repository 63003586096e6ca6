/**
 * HTTP messages as field sections: what makes a request or response malformed (RFC 9114 §4.1.2, §4.2, §4.3), and how
 * they are written.
 */
import { malformed } from './errors.ts';
import type { Field } from './static-table.ts';

export interface RequestHead {
  method: string;
  /** Empty for CONNECT, and so is `path`. */
  scheme: string;
  /** Host and port, of :authority or else Host; may be empty for schemes without one. */
  authority: string;
  path: string;
  headers: readonly Field[];
}

export interface ResponseHead {
  status: number;
  headers: readonly Field[];
}

/** RFC 9110 §5.6.2, without upper case (RFC 9114 §4.2). */
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
/** RFC 9110 §5.5: neither NUL, CR, LF nor white space at an end. */
const BAD_VALUE = /[\0\r\n]|^[ \t]|[ \t]$/;
/** RFC 9114 §4.2: they belong to a connection of HTTP/1. */
const CONNECTION_SPECIFIC = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

/** Why a field may not be in a message; null when it may. */
export function fieldFault([name, value]: Field): string | null {
  if (!NAME.test(name)) return `field name ${JSON.stringify(name)}`;
  if (BAD_VALUE.test(value)) return `value of ${name}`;
  if (CONNECTION_SPECIFIC.has(name)) return `${name}, which is for HTTP/1 alone`;
  return name === 'te' && value !== 'trailers' ? 'te other than trailers' : null;
}

/** Splits a section into pseudo-header fields, each at most once and before all others, and regular ones. */
function split(
  fields: readonly Field[],
  known: readonly string[],
): { pseudo: Map<string, string>; headers: Field[] } {
  const pseudo = new Map<string, string>();
  const headers: Field[] = [];
  for (const field of fields) {
    const [name, value] = field;
    if (!name.startsWith(':')) {
      const fault = fieldFault(field);
      if (fault !== null) throw malformed(fault);
      headers.push(field);
      continue;
    }
    if (!known.includes(name)) throw malformed(`pseudo-header ${JSON.stringify(name)}`);
    if (headers.length > 0) throw malformed(`${name} after regular fields`);
    if (pseudo.has(name)) throw malformed(`${name} comes twice`);
    if (BAD_VALUE.test(value)) throw malformed(`value of ${name}`);
    pseudo.set(name, value);
  }
  return { pseudo, headers };
}

/** RFC 9114 §4.3.1. @throws Http3Error MESSAGE_ERROR */
export function readRequest(fields: readonly Field[]): RequestHead {
  const { pseudo, headers } = split(fields, [':method', ':scheme', ':authority', ':path']);
  const method = pseudo.get(':method');
  const scheme = pseudo.get(':scheme');
  const path = pseudo.get(':path');
  const host = headers.find(([name]) => name === 'host')?.[1];
  const authority = pseudo.get(':authority') ?? host ?? '';
  if (method === undefined || !NAME.test(method.toLowerCase())) throw malformed('no :method');
  if (host !== undefined && host !== authority) throw malformed('host is not :authority');
  if (method === 'CONNECT') {
    // §4.4.
    if (scheme !== undefined || path !== undefined || authority === '') throw malformed('CONNECT');
    return { method, scheme: '', authority, path: '', headers };
  }
  if (scheme === undefined || path === undefined)
    throw malformed('neither :scheme nor :path may be left out');
  if (scheme === 'http' || scheme === 'https') {
    if (authority === '') throw malformed('neither :authority nor host');
    if (!path.startsWith('/') && !(method === 'OPTIONS' && path === '*')) throw malformed(':path');
  }
  return { method, scheme, authority, path, headers };
}

/** RFC 9114 §4.3.2. @throws Http3Error MESSAGE_ERROR */
export function readResponse(fields: readonly Field[]): ResponseHead {
  const { pseudo, headers } = split(fields, [':status']);
  const status = pseudo.get(':status') ?? '';
  // §4.5: 101 changes a protocol that HTTP/3 cannot change.
  if (!/^[1-9]\d\d$/.test(status) || status === '101') throw malformed(':status');
  return { status: Number(status), headers };
}

/** Trailers have no meaning here but must be well-formed. @throws Http3Error MESSAGE_ERROR */
export function checkTrailers(fields: readonly Field[]): void {
  split(fields, []);
}

export const requestFields = (head: RequestHead): Field[] => [
  [':method', head.method],
  ...(head.method === 'CONNECT' ? [] : ([[':scheme', head.scheme]] as const)),
  [':authority', head.authority],
  ...(head.method === 'CONNECT' ? [] : ([[':path', head.path]] as const)),
  ...head.headers,
];

export const responseFields = (head: ResponseHead): Field[] => [
  [':status', String(head.status)],
  ...head.headers,
];

/** Null without one. Several that agree are one (RFC 9110 §8.6). @throws Http3Error MESSAGE_ERROR */
export function contentLength(headers: readonly Field[]): number | null {
  const values = headers.flatMap(([name, value]) =>
    name === 'content-length' ? value.split(',').map((part) => part.trim()) : [],
  );
  const [first] = values;
  if (first === undefined) return null;
  const length = Number(first);
  if (!/^\d+$/.test(first) || !Number.isSafeInteger(length) || values.some((value) => value !== first))
    throw malformed('content-length');
  return length;
}
