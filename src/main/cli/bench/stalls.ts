/** What a transfer in real time suffers from beside its path: the thread of an end standing still. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** A function that tells how long this thread's loop stood still at most since it was last called, in milliseconds. */
export function stallWatch(): () => number {
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  return () => {
    const longestMs = delays.max / 1e6;
    delays.reset();
    return longestMs;
  };
}
