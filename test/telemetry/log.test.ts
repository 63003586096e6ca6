import { expect, test } from 'vitest';
import { createLog } from '../../src/main/telemetry/log.ts';
import { LabError, toLabError } from '../../src/shared/errors.ts';

function logTo(format: 'json' | 'pretty', level: 'info' | 'debug' | 'silent' = 'info') {
  const lines: string[] = [];
  return { lines, log: createLog({ level, format, stream: { write: (line) => lines.push(line) } }) };
}

test('a line is one JSON object with level, timestamp, event and the fields', () => {
  const { lines, log } = logTo('json');
  log.child({ logger: 'store' }).warn({ waiting: 3 }, 'the disk is full');
  expect(lines).toHaveLength(1);
  expect(lines[0]!.endsWith('}\n')).toBe(true);
  expect(JSON.parse(lines[0]!)).toEqual({
    level: 'warn',
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    logger: 'store',
    event: 'the disk is full',
    waiting: 3,
  });
});

test('for reading, a line has the time, the level, who speaks, the sentence and the fields', () => {
  const { lines, log } = logTo('pretty');
  log
    .child({ logger: 'store' })
    .warn({ waiting: 3, path: '/data', why: 'no "space"\nleft' }, 'the disk is full');
  log.info('hello');
  expect(lines[0]).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} WARN {2}store: the disk is full waiting=3 path=\/data why="no \\"space\\"\\nleft"\n$/,
  );
  expect(lines[1]).toMatch(/ INFO {2}hello\n$/);
});

test('what is below the level is not written', () => {
  const { lines, log } = logTo('json');
  log.debug('detail');
  expect(lines).toEqual([]);
  const silent = logTo('json', 'silent');
  silent.log.fatal('never');
  expect(silent.lines).toEqual([]);
  const detailed = logTo('json', 'debug');
  detailed.log.debug('detail');
  expect(detailed.lines).toHaveLength(1);
});

test('an error of the catalogue is logged as its body, a defect with its stack', () => {
  const { lines, log } = logTo('json');
  const known = new LabError('RL_PORT_IN_USE', 'port 8080 is in use', { field: 'server.port' });
  log.error({ err: known }, 'cannot listen');
  expect(JSON.parse(lines[0]!).err).toEqual(known.toBody());
  log.error({ err: toLabError(new TypeError('x is not a function')) }, 'defect');
  const { err } = JSON.parse(lines[1]!);
  expect(err.stack).toContain('log.test.ts');
  expect(err.cause.message).toBe('x is not a function');
});
