/** Virtual time for rooms that read quic/udp/clock.ts: `vi.mock` that file with `virtualClock` as its factory. */
import { vi } from 'vitest';

/** What a blocked event loop adds to the clock without any timer having run. */
let stalledUs = 0;
export const stallFor = (ms: number): void => {
  stalledUs += ms * 1000;
};

export const virtualClock = () => ({
  nowUs: () => Date.now() * 1000 + stalledUs,
  toUnixMs: (atUs: number) => atUs / 1000,
});

export function startVirtualTime(): void {
  stalledUs = 0;
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date'],
    now: 0,
  });
}
