import { useEffect } from 'react';
import type { ErrorBody } from '../../shared/errors.ts';
import { useConnection } from './connection.ts';
import { follow } from './follow.ts';

interface Options {
  /** Told of each failure, and with null that it is over. */
  onError?: (error: ErrorBody | null) => void;
  /** What is followed: where this changes, another stream is opened. */
  of?: string;
  /** A stream that ends has told all. */
  hasEnd?: boolean;
}

/** Follows a stream while the calling component is mounted and the lab can be reached, anew over each carrier. */
export function useFollow<T>(
  open: (signal: AbortSignal) => Promise<AsyncIterable<T>>,
  onValue: (value: T) => void,
  { onError = () => {}, of = '', hasEnd = false }: Options = {},
): void {
  const online = useConnection((s) => s.phase === 'online');
  const generation = useConnection((s) => s.generation);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new carrier needs a new stream, as does what else is followed.
  useEffect(() => {
    if (!online) return;
    const abort = new AbortController();
    follow(open, abort.signal, onValue, onError, hasEnd);
    return () => abort.abort();
  }, [online, generation, of]);
}
