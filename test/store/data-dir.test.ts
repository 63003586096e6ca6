import { expect, test } from 'vitest';
import { defaultDataDir } from '../../src/main/store/data-dir.ts';

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
