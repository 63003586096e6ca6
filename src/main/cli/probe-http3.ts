/** `routelab probe https://host/path`: HTTP/3 requests to any server. */
import packageJson from '../../../package.json' with { type: 'json' };
import { LabError, toLabError } from '../../shared/errors.ts';
import { formatBytes } from '../../shared/units.ts';
import { type RequestSample, runRequests } from '../probe/http3.ts';
import { H3_ALPN } from '../probe/http3-service.ts';
import { fieldFault, type RequestHead } from '../quic/http3/message.ts';
import type { ConnectOptions } from '../quic/udp/api.ts';
import { nowUs } from '../quic/udp/clock.ts';
import { progress } from './output.ts';
import { type Http3Result, http3Fields } from './probe-http3-result.ts';
import { readBytes } from './readable.ts';

export interface Http3Options {
  count?: number;
  method?: string;
  body?: string;
  header?: readonly (readonly [name: string, value: string])[];
  resume?: true;
  earlyData?: true;
}

export const isUrl = (target: string): boolean => /^[a-z][a-z0-9+.-]*:\/\//i.test(target);

const invalid = (field: string, message: string, hint?: string): LabError =>
  new LabError('RL_INPUT_INVALID', `${field}: ${message}`, {
    field,
    ...(hint === undefined ? {} : { hint }),
  });

/** A whole https URL. @throws LabError RL_INPUT_INVALID */
export function parseUrl(target: string): URL {
  const url = URL.canParse(target) ? new URL(target) : null;
  const hint = 'Write https://HOST[:PORT]/PATH.';
  if (url === null) throw invalid('target', `"${target}" is not a URL`, hint);
  if (url.protocol !== 'https:')
    throw invalid('target', `HTTP/3 is for https, not for ${url.protocol}`, hint);
  if (url.username !== '' || url.password !== '')
    throw invalid('target', 'a URL here has no user', 'Pass --header "authorization:Basic …".');
  return url;
}

/** Octets as the field value that carries them. */
const octets = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

/** Collects `--header name:value`. @throws LabError RL_INPUT_INVALID */
export function collectHeader(
  text: string,
  previous: readonly (readonly [string, string])[] = [],
): readonly (readonly [string, string])[] {
  const at = text.indexOf(':');
  if (at < 1) throw invalid('--header', `"${text}" is not name:value`);
  const field = [text.slice(0, at).trim().toLowerCase(), octets(text.slice(at + 1).trim())] as const;
  const fault = fieldFault(field);
  if (fault !== null) throw invalid('--header', `this cannot be sent: ${fault}`);
  return [...previous, field];
}

/** @throws LabError RL_INPUT_INVALID */
export function parseMethod(text: string): string {
  const method = text.toUpperCase();
  if (!/^[A-Z]+$/.test(method) || method === 'CONNECT')
    throw invalid('--method', `"${text}" is not a method such as GET, HEAD or POST`);
  return method;
}

const readBody = (path: string | undefined): Buffer | undefined =>
  path === undefined ? undefined : readBytes(path, '--body');

/** The request that the options describe; what they do not name has its usual default. */
function requestHead(url: URL, options: Http3Options, body: Buffer | undefined): RequestHead {
  const given = options.header ?? [];
  const defaults: [string, string][] = [
    ['user-agent', `routelab/${packageJson.version}`],
    ['accept', '*/*'],
    ...(body === undefined ? [] : [['content-length', String(body.length)] as [string, string]]),
  ];
  const isGiven = (name: string): boolean => given.some(([other]) => other === name);
  return {
    method: options.method ?? (body === undefined ? 'GET' : 'POST'),
    scheme: 'https',
    authority: given.find(([name]) => name === 'host')?.[1] ?? url.host,
    path: `${url.pathname}${url.search}`,
    headers: [...defaults.filter(([name]) => !isGiven(name)), ...given.filter(([name]) => name !== 'host')],
  };
}

/** Why what was measured is no success: no response at all, or one that says that it is an error (RFC 9110 §15). */
function faultOf(samples: readonly RequestSample[]): LabError | null {
  if (samples.every(({ totalUs }) => totalUs === null)) return samples.at(-1)?.error ?? null;
  const refused = samples.filter(({ response }) => response !== null && response.status >= 400);
  if (refused.length === 0) return null;
  const what = samples.length === 1 ? '' : ` to ${refused.length} of ${samples.length} requests`;
  return new LabError('RL_HTTP_STATUS', `The server answered ${refused[0]!.response!.status}${what}`);
}

/** Measures. Rejects where nothing could be; `error` is why what was measured is no success. `connect` is for the URL's host; `base` is what the result says beside what was measured. */
export async function probeHttp3(
  url: URL,
  options: Http3Options,
  connect: ConnectOptions,
  base: Pick<Http3Result, 'label' | 'congestion' | 'started_at' | 'emulated' | 'insecure'>,
): Promise<{ result: Http3Result; error: LabError | null }> {
  const signal = connect.signal!;
  const body = readBody(options.body);
  const head = requestHead(url, options, body);
  // RFC 8470 §3: nothing but what may be repeated.
  if (options.earlyData && head.method !== 'GET' && head.method !== 'HEAD')
    throw new LabError(
      'RL_USAGE',
      `--early-data is for GET and HEAD: a copy of ${head.method} could do harm`,
    );
  const count = options.count ?? 1;
  const startedAtUs = nowUs();
  const samples: RequestSample[] = [];
  const bar = progress('requests', count);
  let error: LabError | null = null;
  try {
    await runRequests(
      { ...connect, alpn: [H3_ALPN] },
      {
        head,
        body,
        count,
        resume: options.resume,
        earlyData: options.earlyData,
        signal,
        onRequest: (sample) => samples.push(sample),
        onProgress: (bytes) => bar.update(samples.length, formatBytes(bytes)),
      },
    );
  } catch (thrown) {
    if (!signal.aborted) error = toLabError(thrown);
  } finally {
    bar.stop();
  }
  if (error !== null) throw error;
  const { label, congestion, ...marks } = base;
  const result: Http3Result = {
    ...(label !== undefined && { label }),
    target: url.href,
    mode: 'http3',
    ...(body !== undefined && { congestion }),
    duration_s: Math.round((nowUs() - startedAtUs) / 1000) / 1000,
    method: head.method,
    ...http3Fields(samples),
    ...((options.resume || options.earlyData) && {
      resumed: samples.filter(({ resumed }) => resumed).length,
    }),
    ...(options.earlyData && {
      early_data_accepted: samples.filter(({ earlyData }) => earlyData === 'accepted').length,
    }),
    ...(body !== undefined && { sent_bytes: body.length }),
    ...marks,
    ...(signal.aborted && { interrupted: true as const }),
  };
  if (!signal.aborted) error = faultOf(samples);
  if (error !== null) result.error = error.toBody();
  return { result, error };
}
