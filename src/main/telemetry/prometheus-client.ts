/**
 * Prometheus' HTTP API, as far as it is read. A request is made up to three times, after pauses that grow, where it was not
 * answered for a reason that passes: nobody listened, the connection was cut, 429, or 5xx. It is made once where it took too
 * long, or where the answer was a refusal, a redirect, or unreadable. Secrets go into headers and nowhere else; redirects are
 * not followed, since they would be sent along.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { LabError } from '../../shared/errors.ts';
import {
  type PrometheusAnswer,
  type PrometheusSeries,
  parseAnswer,
  unreadable,
} from './prometheus-answer.ts';

export type PrometheusAuth =
  | { readonly type: 'bearer'; readonly token: string }
  | { readonly type: 'basic'; readonly user: string; readonly password: string };

export interface PrometheusOptions {
  /** Without the path of the API: http://localhost:9090. */
  url: string;
  auth?: PrometheusAuth | null;
  /** Of one request, its answer included. */
  timeoutMs?: number;
  /** Before each further attempt. */
  pausesMs?: readonly number[];
  /** Bytes of one answer, decompressed. */
  maxBytes?: number;
}

export interface PrometheusReading {
  series: readonly PrometheusSeries[];
  /** What Prometheus had to say beside. */
  warnings: readonly string[];
}

/** The answer would be too much at once: ask for less. */
export class TooMuch extends LabError {}

const DEFAULTS = { timeoutMs: 30_000, pausesMs: [500, 2000], maxBytes: 32 * 2 ** 20 } as const;
const MAX_RETRY_AFTER_MS = 10_000;

/** Throws RL_INPUT_INVALID, of `field`, for what is no address, or has a secret in it. */
export function checkUrl(text: string, field: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const why =
    url === null || !/^https?:$/.test(url.protocol)
      ? 'is no address such as http://localhost:9090'
      : url.username !== '' || url.password !== ''
        ? 'has a name or password in it'
        : url.search !== '' || url.hash !== ''
          ? 'has more than a path'
          : null;
  if (why === null) return url!.href.replace(/\/$/, '');
  const shown = url === null || why.includes('password') ? 'the address' : `"${text}"`;
  throw new LabError('RL_INPUT_INVALID', `${field}: ${shown} ${why}`, { field });
}

export class PrometheusClient {
  readonly url: string;
  readonly #headers: Record<string, string>;
  readonly #options: Required<Omit<PrometheusOptions, 'url' | 'auth'>>;

  constructor(options: PrometheusOptions) {
    const { timeoutMs, pausesMs, maxBytes } = { ...DEFAULTS, ...options };
    this.url = checkUrl(options.url, 'url');
    this.#options = { timeoutMs, pausesMs, maxBytes };
    this.#headers = {
      accept: 'application/json',
      'content-type': 'application/x-www-form-urlencoded',
      ...(options.auth && { authorization: authorization(options.auth) }),
    };
  }

  /** Values as of `atMs`. */
  query(query: string, atMs: number, signal?: AbortSignal): Promise<PrometheusReading> {
    return this.#ask('query', { query, time: seconds(atMs) }, signal);
  }

  /** Values each `stepMs` from `startMs` to `endMs`, both included: at most 11 000 of each series. Rejects with TooMuch for an answer that is too long. */
  queryRange(
    query: string,
    range: { startMs: number; endMs: number; stepMs: number },
    signal?: AbortSignal,
  ): Promise<PrometheusReading> {
    const [start, end, step] = [range.startMs, range.endMs, range.stepMs].map(seconds) as [
      string,
      string,
      string,
    ];
    return this.#ask('query_range', { query, start, end, step }, signal);
  }

  async #ask(path: string, form: Record<string, string>, signal?: AbortSignal): Promise<PrometheusReading> {
    const { pausesMs } = this.#options;
    for (let attempt = 0; ; attempt++) {
      const outcome = await this.#attempt(path, form, signal);
      if (!(outcome instanceof Passing)) return outcome;
      if (attempt >= pausesMs.length) throw outcome.error;
      const pauseMs = Math.max(pausesMs[attempt]!, Math.min(outcome.retryAfterMs, MAX_RETRY_AFTER_MS));
      await delay(pauseMs, undefined, { ...(signal && { signal }) }).catch(() => {
        throw cancelled();
      });
    }
  }

  async #attempt(
    path: string,
    form: Record<string, string>,
    signal?: AbortSignal,
  ): Promise<PrometheusReading | Passing> {
    const { timeoutMs, maxBytes } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(`${this.url}/api/v1/${path}`, {
        method: 'POST',
        headers: this.#headers,
        body: new URLSearchParams(form).toString(),
        redirect: 'manual',
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      return await this.#read(response, await bodyOf(response, maxBytes));
    } catch (thrown) {
      if (thrown instanceof LabError) throw thrown;
      if (signal?.aborted) throw cancelled();
      if (timeout.aborted)
        throw new LabError(
          'RL_PROMETHEUS_TIMEOUT',
          `${this.url} did not answer within ${timeoutMs / 1000} s`,
        );
      const { cause } = thrown as Error;
      const why = (cause as NodeJS.ErrnoException | undefined)?.code ?? (cause as Error | undefined)?.message;
      return new Passing(
        new LabError('RL_PROMETHEUS_DOWN', `${this.url} cannot be read: ${why ?? 'the connection failed'}`, {
          cause: thrown,
        }),
      );
    }
  }

  async #read(response: Response, text: string): Promise<PrometheusReading | Passing> {
    const { status, headers } = response;
    if (status >= 300 && status < 400) {
      throw new LabError(
        'RL_PROMETHEUS_ANSWER',
        `${this.url} is not where it answers: it redirects (${status})`,
        {
          hint: 'Give the address that it redirects to; redirects are not followed.',
        },
      );
    }
    if (status === 401 || status === 403) {
      throw new LabError('RL_UNAUTHORIZED', `${this.url} wants other credentials (${status})`, {
        hint: 'Pass a token or a user and password that Prometheus, or what is ahead of it, takes.',
      });
    }
    if (status === 429 || (status >= 500 && status !== 501)) {
      const said = reasonIn(text);
      const error = new LabError('RL_PROMETHEUS_DOWN', `${this.url} cannot answer now (${status})${said}`);
      return new Passing(error, Number(headers.get('retry-after') ?? 0) * 1000 || 0);
    }
    const answer = this.#answer(status, headers, text);
    if (answer.status === 'success') return { series: answer.series, warnings: answer.warnings };
    if (/too many samples|exceeded maximum resolution/i.test(answer.message))
      throw new TooMuch('RL_INPUT_INVALID', `query: ${answer.message}`, { field: 'query' });
    throw new LabError('RL_INPUT_INVALID', `query: Prometheus says: ${answer.message || answer.type}`, {
      field: 'query',
    });
  }

  #answer(status: number, headers: Headers, text: string): PrometheusAnswer {
    const type = headers.get('content-type') ?? 'nothing said of its type';
    if (!type.includes('json'))
      throw unreadable(`${this.url} answered ${status}, ${type.slice(0, 100)}, no JSON`);
    return parseAnswer(text);
  }
}

/** A failure that may not be there the next time. */
class Passing {
  readonly error: LabError;
  readonly retryAfterMs: number;

  constructor(error: LabError, retryAfterMs = 0) {
    this.error = error;
    this.retryAfterMs = retryAfterMs;
  }
}

/** What an answer that is only a failure says of itself, as the end of a sentence. */
function reasonIn(text: string): string {
  try {
    const answer = parseAnswer(text);
    return answer.status === 'error' ? `: ${answer.message}` : '';
  } catch {
    return '';
  }
}

const cancelled = (): LabError => new LabError('RL_CANCELLED', 'Reading from Prometheus was cancelled');

const authorization = (auth: PrometheusAuth): string =>
  auth.type === 'bearer'
    ? `Bearer ${auth.token}`
    : `Basic ${Buffer.from(`${auth.user}:${auth.password}`).toString('base64')}`;

/** Prometheus counts in milliseconds. */
const seconds = (ms: number): string => (ms / 1000).toFixed(3);

async function bodyOf(response: Response, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes) {
      throw new TooMuch('RL_PROMETHEUS_ANSWER', `The answer of Prometheus is longer than ${maxBytes} bytes`, {
        hint: 'Ask for fewer series, or for fewer points of them.',
      });
    }
    text += decode(decoder, chunk);
  }
  return text + decode(decoder);
}

function decode(decoder: InstanceType<typeof TextDecoder>, chunk?: Uint8Array): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch (cause) {
    throw unreadable('it is no UTF-8', cause);
  }
}
