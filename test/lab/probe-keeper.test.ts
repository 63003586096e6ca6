import { afterEach, expect, test, vi } from 'vitest';
import { Ends } from '../../src/main/lab/ends.ts';
import { ActiveProbe } from '../../src/main/lab/probe-board.ts';
import { ProbeKeeper } from '../../src/main/lab/probe-keeper.ts';
import { ProbeInput } from '../../src/shared/probes.ts';
import { tempStore } from '../store/temp.ts';
import { silentLog } from './open-lab.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('a run under way is stored each second, however the wall clock is set meanwhile', () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'], now: 1_800_000_000_000 });
  const store = tempStore();
  const input = ProbeInput.parse({
    target: { kind: 'address', host: '192.0.2.1', port: 4433 },
    mode: 'ping',
  });
  const experiment = store.experiments.create({ name: 'p', kind: 'probe', manifest: {} });
  const run = store.probes.create(
    {
      name: 'p',
      state: 'running',
      input,
      target: '192.0.2.1:4433',
      controller: null,
      startedAtMs: 0,
      endedAtMs: null,
      emulated: false,
      insecure: false,
      error: null,
      result: null,
    },
    experiment.id,
  );
  const active = new ActiveProbe(run);
  const keeper = new ProbeKeeper(store, new Ends(store, silentLog), silentLog);
  const stored = (controller: 'cubic' | 'newreno' | 'bbr3') => {
    active.change({ controller });
    keeper.keep(active);
    return store.probes.get(run.id).controller;
  };
  expect(stored('cubic')).toBe('cubic');
  vi.advanceTimersByTime(999);
  expect(stored('newreno')).toBe('cubic');
  vi.setSystemTime(1_799_996_400_000);
  vi.advanceTimersByTime(1);
  expect(stored('bbr3')).toBe('bbr3');
});
