import { ORPCError } from '@orpc/client';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { retryDelayMs } from '../../src/renderer/lab/backoff.ts';
import { errorBody } from '../../src/renderer/lab/errors.ts';
import { follow } from '../../src/renderer/lab/follow.ts';
import { LabError } from '../../src/shared/errors.ts';

async function* stream<T>(...values: T[]): AsyncGenerator<T> {
  yield* values;
}

describe('following a stream', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('opens it again when it ends, until it is no longer wanted', async () => {
    const abort = new AbortController();
    const values: number[] = [];
    const opened = vi.fn(async () => stream(1, 2));
    const done = follow(
      opened,
      abort.signal,
      (value) => values.push(value),
      () => {},
    );
    await vi.advanceTimersByTimeAsync(retryDelayMs(1));
    abort.abort();
    await done;
    expect(values).toEqual([1, 2, 1, 2]);
    expect(opened).toHaveBeenCalledTimes(2);
  });

  it('waits longer after each failure and tells each, then takes the error back', async () => {
    const abort = new AbortController();
    const errors: (string | null)[] = [];
    let attempts = 0;
    const open = async () => {
      if (++attempts < 4) throw new LabError('RL_NOT_FOUND', 'no such route');
      return stream('value');
    };
    const done = follow(
      open,
      abort.signal,
      () => abort.abort(),
      (error) => errors.push(error?.code ?? null),
    );
    await vi.advanceTimersByTimeAsync(retryDelayMs(1) + retryDelayMs(2) + retryDelayMs(3));
    await done;
    expect(errors).toEqual(['RL_NOT_FOUND', 'RL_NOT_FOUND', 'RL_NOT_FOUND', null]);
  });

  it('leaves nothing behind of the attempts that failed', async () => {
    const abort = new AbortController();
    const added = vi.spyOn(abort.signal, 'addEventListener');
    const removed = vi.spyOn(abort.signal, 'removeEventListener');
    const done = follow(
      async () => {
        throw new LabError('RL_NOT_FOUND', 'no such route');
      },
      abort.signal,
      () => {},
      () => {},
    );
    await vi.advanceTimersByTimeAsync(60_000);
    expect(added.mock.calls.length).toBeGreaterThan(5);
    // That of the wait under way is left.
    expect(removed.mock.calls.length).toBe(added.mock.calls.length - 1);
    abort.abort();
    await done;
    expect(removed.mock.calls).toEqual(added.mock.calls);
  });

  it('takes the end of a stream that has one as its end', async () => {
    const values: number[] = [];
    const opened = vi.fn(async () => {
      if (opened.mock.calls.length === 1) throw new LabError('RL_NOT_FOUND', 'no such run');
      return stream(1, 2);
    });
    const done = follow(
      opened,
      new AbortController().signal,
      (value) => values.push(value),
      () => {},
      true,
    );
    await vi.advanceTimersByTimeAsync(60_000);
    await done;
    expect(values).toEqual([1, 2]);
    expect(opened).toHaveBeenCalledTimes(2);
  });

  it('says nothing about a stream it cancelled itself', async () => {
    const abort = new AbortController();
    const onError = vi.fn();
    const done = follow(
      (signal) =>
        new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      abort.signal,
      () => {},
      onError,
    );
    abort.abort();
    await done;
    expect(onError).not.toHaveBeenCalled();
  });
});

describe('the delay before another attempt', () => {
  it('doubles from half a second and stays at ten', () => {
    expect([1, 2, 3, 4, 5, 6, 20].map(retryDelayMs)).toEqual([500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
  });
});

describe('an error that crossed a carrier', () => {
  it('keeps the four fields of the catalogue', () => {
    const body = new LabError('RL_CONFLICT', 'a route of that name exists', { field: 'name' }).toBody();
    expect(errorBody(new ORPCError('RL_CONFLICT', { status: 409, data: body }))).toEqual(body);
  });

  it('is an unreachable lab when the carrier closed under the call', () => {
    expect(errorBody(new DOMException('closed', 'AbortError')).code).toBe('RL_LAB_UNREACHABLE');
  });

  it('is internal when it is none of the catalogue', () => {
    expect(errorBody(new ORPCError('TEAPOT', { message: 'short and stout' })).code).toBe('RL_INTERNAL');
  });
});
