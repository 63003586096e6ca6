/** Keeping a stream of the contract running for as long as somebody looks at it. */
import type { ErrorBody } from '../../shared/errors.ts';
import { retryDelayMs } from './backoff.ts';
import { errorBody } from './errors.ts';

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    signal.addEventListener('abort', over);
  });

/**
 * Calls `onValue` with everything the stream yields until `signal` aborts, which also cancels it in the lab. A
 * stream that fails is reported, and opened again with growing delays, as is one that ends unless it `hasEnd`.
 */
export async function follow<T>(
  open: (signal: AbortSignal) => Promise<AsyncIterable<T>>,
  signal: AbortSignal,
  onValue: (value: T) => void,
  onError: (error: ErrorBody | null) => void,
  hasEnd = false,
): Promise<void> {
  for (let failures = 1; !signal.aborted; failures++) {
    try {
      for await (const value of await open(signal)) {
        if (signal.aborted) return;
        if (failures > 0) onError(null);
        failures = 0;
        onValue(value);
      }
      if (hasEnd) return;
    } catch (error) {
      if (!signal.aborted) onError(errorBody(error));
    }
    if (!signal.aborted) await pause(retryDelayMs(Math.max(1, failures)), signal);
  }
}
