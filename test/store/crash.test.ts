import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../src/main/store/index.ts';
import { openUpkeep } from '../../src/main/store/rollups/upkeep.ts';
import { tempDir } from './temp.ts';

const NODE = join(import.meta.dirname, '../../node_modules/.bin/node');
const WRITER = fileURLToPath(new URL('./fixtures/crash-writer.ts', import.meta.url));

/** Runs the writer until it has printed a count that satisfies `enough`; what it printed keeps being counted. */
async function writerUntil(dataDir: string, mode: string, enough: (count: number) => boolean) {
  const child: ChildProcess = spawn(NODE, [WRITER, dataDir, mode], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const printed = { last: 0 };
  const lines = createInterface({ input: child.stdout! });
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      printed.last = Number(line);
      if (enough(printed.last)) resolve();
    });
    child.once('exit', (code) => reject(new Error(`the writer ended with ${code}`)));
  });
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await Promise.all([once(child, 'exit'), once(lines, 'close')]);
  };
  return { child, printed, kill };
}

function integrity(dataDir: string): unknown {
  const db = new Database(join(dataDir, 'lab.db'), { readonly: true });
  const verdict = db.pragma('integrity_check', { simple: true });
  db.close();
  return verdict;
}

test('kill -9 while a route is probed loses at most the last second of its pings', async () => {
  const dataDir = tempDir();
  const writer = await writerUntil(dataDir, 'steady', (count) => count >= 150);
  await writer.kill();
  const store = openStore({ dataDir });
  const stored = store.pings('lan', 0, 1e9).length;
  // A hundred pings are a second.
  expect(stored).toBeGreaterThanOrEqual(writer.printed.last - 100);
  expect(store.runs.get(1)).toMatchObject({
    state: 'interrupted',
    samples: stored,
    endedAtMs: expect.any(Number),
  });
  store.close();
  expect(integrity(dataDir)).toBe('ok');
});

test('kill -9 amid writing loses nothing that a flush had stored, and no half of a batch is left', async () => {
  const dataDir = tempDir();
  let least = 500;
  for (let round = 0; round < 3; round++) {
    const dir = join(dataDir, String(round));
    const writer = await writerUntil(dir, 'busy', (count) => count >= least);
    await writer.kill();
    const store = openStore({ dataDir: dir });
    const stored = store.pings('lan', 0, 1e9).length;
    expect(stored).toBeGreaterThanOrEqual(writer.printed.last);
    expect(stored % 500).toBe(0);
    expect(store.runs.get(1).samples).toBe(stored);
    store.close();
    expect(integrity(dir)).toBe('ok');
    least *= 10;
  }
});

test('kill -9 amid rolling up and deleting neither loses a ping nor counts one twice', async () => {
  const dataDir = tempDir();
  for (const [round, least] of [20_000, 150_000, 300_000].entries()) {
    const dir = join(dataDir, String(round));
    const writer = await writerUntil(dir, 'kept', (count) => count >= least);
    await writer.kill();
    const store = openStore({ dataDir: dir, maxRawPings: -1 });
    const { samples } = store.runs.get(1);
    const sent = (): number => store.stats('lan', 0, (samples + 1) * 1000).sent;
    expect(samples).toBeGreaterThanOrEqual(writer.printed.last);
    expect(sent()).toBe(samples);
    const upkeep = openUpkeep({ dataDir: dir, retention: { rawDays: 1, rollupDays: 2 } });
    while (upkeep.step(samples * 1000));
    expect(sent()).toBe(samples);
    upkeep.close();
    store.close();
    expect(integrity(dir)).toBe('ok');
  }
});

test('a folder is free as soon as the process that held it is dead', async () => {
  const dataDir = tempDir();
  const holder = await writerUntil(dataDir, 'hold', () => true);
  expect(() => openStore({ dataDir })).toThrow(
    expect.objectContaining({
      code: 'RL_DATA_IN_USE',
      message: expect.stringContaining(`process ${holder.child.pid}`),
    }),
  );
  await holder.kill();
  openStore({ dataDir }).close();
});
