/** What the samples of the system say of samples that were given up, of a real store that keeps hardly any waiting. */
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { StatusBoard } from '../../src/main/lab/status-board.ts';
import { SystemMonitor } from '../../src/main/lab/system.ts';
import { systemReading } from '../../src/main/telemetry/alerts/readings.ts';
import { NOTHING, tempStore } from '../store/temp.ts';
import { silentLog } from './open-lab.ts';

const T0 = 1_800_000_000_000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: T0 });
});
afterEach(() => {
  vi.useRealTimers();
});

test('samples that were given up count for a minute, so that the alert about them can end', async () => {
  const store = tempStore({ maxWaiting: 1 });
  const monitor = new SystemMonitor({
    store,
    statuses: new StatusBoard(0),
    workers: {} as never,
    log: silentLog,
    periods: { collectS: 10, checkS: 5, keepS: 3600 },
    health: () => {
      throw new Error('not asked for');
    },
  });
  onTestFinished(() => monitor.close());
  const giveUp = (count: number): void => {
    for (let n = 0; n <= count; n++)
      store.writer.add(1, { ...NOTHING, pings: [{ atMs: n, rttUs: 1, loaded: false }] });
  };
  /** What the rule sees, and what is shown in all. */
  const at = async (seconds: number): Promise<[number | null, number]> => {
    vi.advanceTimersByTime(T0 + seconds * 1000 - Date.now());
    await monitor.collect();
    const sample = monitor.sample()!;
    expect(monitor.droppedLately).toBe(sample.droppedLately);
    return [systemReading('system.dropped_samples', sample), sample.droppedSamples];
  };
  expect(await at(0)).toEqual([0, 0]);
  giveUp(3);
  expect(monitor.droppedLately).toBe(3);
  expect(await at(10)).toEqual([3, 3]);
  giveUp(1);
  const total = store.writer.health.dropped;
  expect(await at(30)).toEqual([total, total]);
  expect(await at(60)).toEqual([total, total]);
  expect(await at(70)).toEqual([total - 3, total]);
  expect(await at(90)).toEqual([0, total]);
  expect(await at(1000)).toEqual([0, total]);
});
