/** Probe runs with paths, threads and a disk that do as the test says. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { Ends } from '../../src/main/lab/ends.ts';
import type { ProbePaths } from '../../src/main/lab/probe-path.ts';
import { Probes } from '../../src/main/lab/probes.ts';
import { openStore, type Store } from '../../src/main/store/index.ts';
import { LabError } from '../../src/shared/errors.ts';
import { ProbeInput } from '../../src/shared/probes.ts';
import { silentLog, temporaryDir } from './open-lab.ts';

/** Of runs. */
const ALL = { limit: 1000, before: Number.MAX_SAFE_INTEGER };
const CONNECT = {
  host: '127.0.0.1',
  port: 1,
  serverName: 'localhost',
  trust: { ca: [], system: false, insecure: false },
};
const input = ProbeInput.parse({ target: { kind: 'address', host: '127.0.0.1', port: 1 }, mode: 'upload' });

function ownStore(): Store {
  const store = openStore({ dataDir: temporaryDir() });
  onTestFinished(() => store.close());
  return store;
}

/** With what its threads were asked, and the paths that were closed. */
function probesOf(store: Store, open: ProbePaths['open'] = async () => CONNECT) {
  const asked: string[] = [];
  const closed: number[] = [];
  const worker = {
    request: async (method: string) => {
      asked.push(method);
      return null as never;
    },
  };
  const probes = new Probes({
    store,
    lanes: { transfers: { worker, atOnce: 1 }, pings: { worker, atOnce: 1 } },
    paths: {
      placeOf: () => ({ label: 'x', emulation: null, insecure: false, own: true, seed: null }),
      open,
      close: async (id) => void closed.push(id),
    },
    experimentOf: () => store.experiments.create({ name: 'x', kind: 'probe', manifest: {} }).id,
    ends: new Ends(store, silentLog),
    onResult: () => {},
    log: silentLog,
  });
  return { probes, asked, closed };
}

test('a run that is over before its path is open is not measured, and the path closed behind it', async () => {
  const opening = Promise.withResolvers<typeof CONNECT>();
  const { probes, asked, closed } = probesOf(ownStore(), () => opening.promise);
  const { id } = probes.start(input);
  probes.pathLost(new LabError('RL_INTERNAL', 'gone'), () => true);
  expect(probes.get(id)).toMatchObject({ state: 'failed', error: { message: 'gone' } });
  expect([asked, closed]).toEqual([['cancel'], [id]]);
  opening.resolve(CONNECT);
  await expect.poll(() => closed).toEqual([id, id]);
  expect(asked).toEqual(['cancel']);
});

test('the end of a run that could not be stored is told all the same, and stored once it can be', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const store = ownStore();
  let isFull = false;
  const update: Store['probes']['update'] = (...changes) => {
    if (isFull) throw new LabError('RL_DISK_FULL', 'full');
    return store.probes.update(...changes);
  };
  const { probes } = probesOf({ ...store, probes: { ...store.probes, update } });
  const { id } = probes.start(input);
  isFull = true;
  probes.laneLost('transfers', new LabError('RL_INTERNAL', 'gone'));
  expect(store.probes.get(id).state).toBe('running');
  expect(probes.get(id).state).toBe('failed');
  expect(probes.list(ALL)).toEqual([probes.get(id)]);
  vi.runOnlyPendingTimers();
  expect(store.probes.get(id).state).toBe('running');
  isFull = false;
  vi.runOnlyPendingTimers();
  expect(store.probes.get(id)).toEqual(probes.get(id));
  expect(store.probes.get(id)).toMatchObject({ state: 'failed', error: { message: 'gone' } });
  expect(vi.getTimerCount()).toBe(0);
});

test('transfers and handshakes wait for one another, pings for neither', () => {
  const { probes } = probesOf(ownStore());
  const states = (['upload', 'handshake', 'download', 'ping', 'ping'] as const).map(
    (mode) => probes.start({ ...input, mode }).state,
  );
  expect(states).toEqual(['running', 'queued', 'queued', 'running', 'queued']);
});
