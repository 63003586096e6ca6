/** What a carrier that others reach asks of every call: not too many in a time, and not too many streams at once. */
import { AsyncIteratorClass } from '@orpc/server';
import { toCarriedError } from '../../lab/index.ts';
import { kindOf, type Limits } from '../limits.ts';

interface Caller {
  address: string;
  /** Takes room for a stream, and returns what gives it back. Throws RL_RATE_LIMITED. */
  openStream: () => () => void;
  /** Told how many seconds to wait, before a call is refused for that. */
  onExceeded?: (seconds: number) => void;
}

/** What handlers of `limitCalls` are called with. */
export interface CallContext {
  caller: Caller;
}

interface Call {
  context: object;
  path: readonly string[];
  procedure: { '~orpc': { route: { method?: string | undefined } } };
  input: unknown;
  signal?: AbortSignal | undefined;
  next: () => Promise<unknown>;
}

/** For a handler's `clientInterceptors`: by what operation it is, however it is asked for. */
export const limitCalls =
  (limits: Limits) =>
  async ({ context, path, procedure, input, signal, next }: Call): Promise<unknown> => {
    const { caller } = context as CallContext;
    try {
      const { method } = procedure['~orpc'].route;
      limits.count(caller.address, kindOf(path, method, input), caller.onExceeded);
    } catch (thrown) {
      throw toCarriedError(thrown);
    }
    const output = await next();
    return isStream(output) ? held(output, caller, signal) : output;
  };

const isStream = (output: unknown): output is AsyncGenerator =>
  typeof output === 'object' && output !== null && Symbol.asyncIterator in output;

/** The stream, with room taken for as long as it runs. */
async function held(
  stream: AsyncGenerator,
  caller: Caller,
  signal: AbortSignal | undefined,
): Promise<AsyncIteratorClass<unknown>> {
  let release: () => void;
  try {
    release = caller.openStream();
  } catch (thrown) {
    await stream.return(undefined);
    throw toCarriedError(thrown);
  }
  // A caller who is gone before the first value leaves a stream that nobody returns.
  if (signal?.aborted) release();
  signal?.addEventListener('abort', release, { once: true });
  return new AsyncIteratorClass(
    () => stream.next(),
    async () => {
      release();
      signal?.removeEventListener('abort', release);
      await stream.return(undefined);
    },
  );
}
