/** How much a caller may ask within a time. Callers are told apart by their address. */
import { isIPv6 } from 'node:net';
import { LabError } from '../../shared/errors.ts';

/**
 * In ten seconds: HTTP requests of any kind, counted before anything else of them is looked at; and, over every carrier that
 * others reach, operations that read, that write, and that begin work which goes on after their answer. Of a file in parts, each
 * part after the first counts as a read.
 */
export const RATE_LIMITS = { requests: 1000, reads: 1000, writes: 200, starts: 60 } as const;
const WINDOW_MS = 10_000;
/** Callers remembered; of more, those whose time ends first are forgotten. */
const MAX_WINDOWS = 10_000;

type Kind = keyof typeof RATE_LIMITS;

const STARTS: ReadonlySet<string> = new Set([
  'demo.start',
  'demo.stop',
  'experiments.again',
  'experiments.compare',
  'experiments.export',
  'experiments.importFile',
  'experiments.run',
  'matrix.resume',
  'matrix.start',
  'probes.importQlog',
  'probes.start',
  'webhooks.test',
]);

/** What an operation of the contract counts as; `method` is its own in REST. */
export function kindOf(path: readonly string[], method: string | undefined, input: unknown): Kind {
  if (method === 'GET') return 'reads';
  if (!STARTS.has(path.join('.'))) return 'writes';
  const continues = typeof input === 'object' && input !== null && 'continues' in input;
  return continues ? 'reads' : 'starts';
}

export class Limits {
  readonly #windows = new Map<string, { count: number; endsAtMs: number }>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /** Counts one more. Throws RL_RATE_LIMITED, after telling `onExceeded` how many seconds the caller is to wait. */
  count(address: string, kind: Kind, onExceeded: (seconds: number) => void = () => {}): void {
    const nowMs = this.#nowMs();
    const key = `${networkOf(address)} ${kind}`;
    let window = this.#windows.get(key);
    if (window === undefined || window.endsAtMs <= nowMs) {
      window = { count: 0, endsAtMs: nowMs + WINDOW_MS };
      // At the end, so that the map is in the order in which the windows end.
      this.#windows.delete(key);
      this.#windows.set(key, window);
      this.#forget(nowMs);
    }
    window.count++;
    if (window.count <= RATE_LIMITS[kind]) return;
    const seconds = Math.ceil((window.endsAtMs - nowMs) / 1000);
    onExceeded(seconds);
    throw new LabError(
      'RL_RATE_LIMITED',
      `More than ${RATE_LIMITS[kind]} ${kind} in ${WINDOW_MS / 1000} s; the next is taken in ${seconds} s.`,
    );
  }

  #forget(nowMs: number): void {
    for (const [key, { endsAtMs }] of this.#windows) {
      if (endsAtMs > nowMs && this.#windows.size <= MAX_WINDOWS) return;
      this.#windows.delete(key);
    }
  }
}

/** An IPv4 address, or the /64 of an IPv6 address: within it a host chooses its addresses itself (RFC 8981). */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = [], tail = []] = address
    .split('%', 1)[0]!
    .split('::')
    .map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = new Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0');
  return `${[...head, ...zeros, ...tail].slice(0, 4).join(':')}::/64`;
}
