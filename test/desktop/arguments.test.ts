import { expect, it } from 'vitest';
import { desktopArguments } from '../../src/main/desktop/arguments.ts';

/** The lab.yaml of a data folder, which need not be there. */
const config = (folder: string) => ({ path: `${folder}/lab.yaml`, required: false });

it('reads the data folder and the port, in both ways of writing them', () => {
  expect(desktopArguments(['--data', '/d', '--port', '0'], {})).toEqual({
    dataDir: '/d',
    config: config('/d'),
    port: 0,
  });
  expect(desktopArguments(['--data=/a=b', '--port=9000'], {})).toEqual({
    dataDir: '/a=b',
    config: config('/a=b'),
    port: 9000,
  });
});

it('takes a lab.yaml that was named, by option before environment', () => {
  const env = { ROUTELAB_DATA: '/d', ROUTELAB_CONFIG: '/env.yaml' };
  expect(desktopArguments([], env).config).toEqual({ path: '/env.yaml', required: true });
  expect(desktopArguments(['--config', '/o.yaml'], env).config).toEqual({ path: '/o.yaml', required: true });
});

it('takes the folder from the environment, and a given one before that', () => {
  const env = { ROUTELAB_DATA: '/env' };
  expect(desktopArguments([], env)).toEqual({ dataDir: '/env', config: config('/env'), port: null });
  expect(desktopArguments(['--data', '/given'], env).dataDir).toBe('/given');
});

it('leaves the switches of Chromium and Node to them', () => {
  const foreign = ['--no-sandbox', '--ozone-platform=wayland', '--inspect=0', '-psn_0_1'];
  expect(desktopArguments(foreign, { ROUTELAB_DATA: '/d' })).toEqual({
    dataDir: '/d',
    config: config('/d'),
    port: null,
  });
});

it.each([
  [['--prot', '1'], 'RL_USAGE', '--prot'],
  [['lab.yaml'], 'RL_USAGE', 'lab.yaml'],
  [['--data'], 'RL_USAGE', '--data'],
  [['--port', '65536'], 'RL_INPUT_INVALID', '--port'],
  [['--port', '-1'], 'RL_INPUT_INVALID', '--port'],
  [['--port='], 'RL_USAGE', '--port'],
])('refuses %j, naming what is wrong', (argv, code, name) => {
  expect(() => desktopArguments(argv, {})).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(name) }),
  );
});
