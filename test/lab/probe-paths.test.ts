/** What becomes of a run whose path takes long to open, with paths and threads that wait for the test. */
import { expect, onTestFinished, test } from 'vitest';
import { Probes } from '../../src/main/lab/probes.ts';
import { openStore } from '../../src/main/store/index.ts';
import { LabError } from '../../src/shared/errors.ts';
import { ProbeInput } from '../../src/shared/probes.ts';
import { silentLog, temporaryDir } from './open-lab.ts';

const CONNECT = {
  host: '127.0.0.1',
  port: 1,
  serverName: 'localhost',
  trust: { ca: [], system: false, insecure: false },
};
const input = ProbeInput.parse({ target: { kind: 'address', host: '127.0.0.1', port: 1 }, mode: 'upload' });

test('a run that is over before its path is open is not measured, and the path closed behind it', async () => {
  const store = openStore({ dataDir: temporaryDir() });
  onTestFinished(() => store.close());
  const asked: string[] = [];
  const closed: number[] = [];
  const opening = Promise.withResolvers<typeof CONNECT>();
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
      placeOf: () => ({ label: 'x', emulation: null, insecure: false, own: true }),
      open: () => opening.promise,
      close: async (id) => void closed.push(id),
    },
    log: silentLog,
  });
  const { id } = probes.start(input);
  probes.pathLost(new LabError('RL_INTERNAL', 'gone'), () => true);
  expect(probes.get(id)).toMatchObject({ state: 'failed', error: { message: 'gone' } });
  expect([asked, closed]).toEqual([['cancel'], [id]]);
  opening.resolve(CONNECT);
  await expect.poll(() => closed).toEqual([id, id]);
  expect(asked).toEqual(['cancel']);
});
