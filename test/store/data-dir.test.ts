import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defaultDataDir, makeDataDir } from '../../src/main/store/data-dir.ts';
import { tempDir } from './temp.ts';

test('the data folder follows the conventions of the operating system', () => {
  expect(defaultDataDir('linux', {}, '/home/ada')).toBe('/home/ada/.local/share/routelab');
  expect(defaultDataDir('linux', { XDG_DATA_HOME: '/data' }, '/home/ada')).toBe('/data/routelab');
  expect(defaultDataDir('linux', { XDG_DATA_HOME: 'data' }, '/home/ada')).toBe(
    '/home/ada/.local/share/routelab',
  );
  expect(defaultDataDir('darwin', {}, '/Users/ada')).toBe('/Users/ada/Library/Application Support/RouteLab');
  expect(defaultDataDir('win32', { LOCALAPPDATA: 'D:\\Local' }, 'C:\\Users\\ada')).toBe(
    'D:\\Local\\RouteLab',
  );
  expect(defaultDataDir('win32', {}, 'C:\\Users\\ada')).toBe('C:\\Users\\ada\\AppData\\Local\\RouteLab');
});

test.skipIf(!existsSync('/proc/self'))(
  'says that no folder can be made where the file system lets nobody make one (skipped: no /proc)',
  () => {
    expect(() => makeDataDir('/proc/routelab/data')).toThrow(
      expect.objectContaining({ code: 'RL_DATA_UNWRITABLE' }),
    );
  },
);

test('makes every level that is missing, for this user only, and says what stands in the way', () => {
  const dir = tempDir();
  makeDataDir(join(dir, 'a/b/c'));
  expect(statSync(join(dir, 'a/b')).mode & 0o777).toBe(0o700);
  makeDataDir(join(dir, 'a/b/c'));
  writeFileSync(join(dir, 'file'), '');
  for (const path of ['file', 'file/below']) {
    expect(() => makeDataDir(join(dir, path))).toThrow(
      expect.objectContaining({ code: 'RL_DATA_UNWRITABLE' }),
    );
  }
});
