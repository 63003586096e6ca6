import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadAuthority, loadOrCreateAuthority } from '../../src/main/store/secrets.ts';
import { tempDir } from './temp.ts';

let made = 0;
const create = () => {
  made++;
  return Promise.resolve({ certPem: `certificate ${made}\n`, keyPem: `key ${made}\n` });
};

test('an authority is made once, for this user only, and then loaded', async () => {
  const dataDir = join(tempDir(), 'new');
  expect(loadAuthority(dataDir)).toBeNull();
  const authority = await loadOrCreateAuthority(dataDir, create);
  const unused = () => Promise.reject(new Error('made a second one'));
  expect(await loadOrCreateAuthority(dataDir, unused)).toEqual(authority);
  expect(loadAuthority(dataDir)).toEqual(authority);
  expect(statSync(join(dataDir, 'authority')).mode & 0o777).toBe(0o700);
  for (const file of ['ca.pem', 'ca-key.pem']) {
    expect(statSync(join(dataDir, 'authority', file)).mode & 0o777).toBe(0o600);
  }
  expect(readdirSync(dataDir)).toEqual(['authority']);
});

test('of two processes that make one at once, both end with the same', async () => {
  const dataDir = tempDir();
  const [a, b] = await Promise.all([
    loadOrCreateAuthority(dataDir, create),
    loadOrCreateAuthority(dataDir, create),
  ]);
  expect(a).toEqual(b);
  expect(loadAuthority(dataDir)).toEqual(a);
  expect(readdirSync(dataDir)).toEqual(['authority']);
});

test('half an authority is an error, not a new authority', async () => {
  const dataDir = tempDir();
  await loadOrCreateAuthority(dataDir, create);
  rmSync(join(dataDir, 'authority', 'ca-key.pem'));
  const before = readFileSync(join(dataDir, 'authority', 'ca.pem'), 'utf8');
  await expect(loadOrCreateAuthority(dataDir, create)).rejects.toMatchObject({ code: 'RL_FILE_UNREADABLE' });
  expect(readFileSync(join(dataDir, 'authority', 'ca.pem'), 'utf8')).toBe(before);
});

test('when making it fails nothing is left behind', async () => {
  const dataDir = tempDir();
  await expect(loadOrCreateAuthority(dataDir, () => Promise.reject(new Error('no entropy')))).rejects.toThrow(
    'no entropy',
  );
  expect(readdirSync(dataDir)).toEqual([]);
});

test('a folder that cannot hold it is refused', async () => {
  const file = join(tempDir(), 'file');
  writeFileSync(file, '');
  chmodSync(file, 0o400);
  await expect(loadOrCreateAuthority(join(file, 'data'), create)).rejects.toMatchObject({
    code: 'RL_DATA_UNWRITABLE',
  });
  expect(existsSync(join(file, 'data'))).toBe(false);
});
