import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describePath, linkFields } from '../../src/main/cli/emulate/describe.ts';
import { configurePath, emulationOf } from '../../src/main/cli/emulate/path-options.ts';
import { findProfile } from '../../src/main/path/profiles.ts';
import { Emulation } from '../../src/shared/domain.ts';

let folder: string;
const file = (name: string): string => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'routelab-'));
  writeFileSync(file('bus.csv'), 'time_s,rate_mbps,delay_ms,loss_percent\n0,4,40,1\n1,2,60,0\n');
  writeFileSync(file('lte.mahi'), '1\n2\n4\n');
  writeFileSync(file('broken.csv'), '0,1\n0,2\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

function path(...args: string[]): Emulation {
  const command = new Command().exitOverride();
  configurePath(command);
  const given = args.map((arg) => arg.replace('DIR', folder));
  return Emulation.parse(emulationOf(command.parse(given, { from: 'user' }).opts()));
}

describe('an option', () => {
  test('holds for both directions', () => {
    const { profile, up, down } = path('--delay', '40ms', '--loss', '1%');
    expect(up).toEqual({ rateBps: null, delayMs: 40, jitterMs: 0, lossRatio: 0.01, bufferBytes: null });
    expect([profile, down]).toEqual(['custom', up]);
  });

  test('holds for one where it says so, and leaves the other as it was', () => {
    const { up, down } = path('--profile', 'lte', '--loss', 'up=10%', '--rate', 'down=2mbit,up=1mbit');
    const lte = findProfile('lte', '--profile');
    expect(up).toEqual({ ...lte.up, lossRatio: 0.1, rateBps: 1e6 });
    expect(down).toEqual({ ...lte.down, rateBps: 2e6 });
  });

  test('may be given for each direction apart', () => {
    const { up, down } = path('--delay', 'up=1ms', '--delay', 'down=2ms');
    expect([up.delayMs, down.delayMs]).toEqual([1, 2]);
  });

  test('whose value has commas keeps them', () => {
    const { up, down } = path('--burst-loss', 'up=1%,30%,down=0.02,1,0.5,1');
    expect(up.loss).toEqual({ model: 'gilbert', p: 0.01, r: 0.3, h: 0, k: 1 });
    expect(down.loss).toEqual({ model: 'gilbert', p: 0.02, r: 1, h: 0.5, k: 1 });
  });
});

describe('each impairment', () => {
  test.each<[string[], object]>([
    [['--rtt', '80ms'], { delayMs: 40 }],
    [
      ['--rate', '20mbit', '--rate-schedule', '20s:2mbit,40:20mbit'],
      {
        rateSchedule: [
          [20, 2e6],
          [40, 20e6],
        ],
      },
    ],
    [['--delay', '5ms', '--jitter', '2ms'], { jitterMs: 2 }],
    [['--reorder', '1%', '--reorder-by', '3ms'], { reorderRatio: 0.01, reorderMs: 3 }],
    [['--loss-every', '100'], { loss: { model: 'every_nth', n: 100 } }],
    [['--dup', '2%', '--corrupt', '0.001'], { duplicateRatio: 0.02, corruptRatio: 0.001 }],
    [['--buffer', '64kb', '--rate', '1mbit'], { bufferBytes: 64_000 }],
    [['--buffer', '1.5bdp', '--rate', '1mbit'], { bufferBdp: 1.5, bufferBytes: null }],
    [
      ['--rate', '1mbit', '--aqm', 'codel', '--codel-target', '13ms', '--codel-interval', '1s'],
      { aqm: 'codel', codelTargetMs: 13, codelIntervalMs: 1000 },
    ],
    [['--trace', 'DIR/lte.mahi'], { trace: { kind: 'opportunities', atMs: [1, 2, 4] } }],
  ])('%j', (args, settings) => {
    const { up, down } = path(...args);
    expect(up).toMatchObject(settings);
    expect(down).toMatchObject(settings);
  });

  test('of a trace stands instead of what the profile has of the same', () => {
    const { up, down } = path(
      '--profile',
      'fiber',
      '--trace',
      'up=DIR/bus.csv',
      '--burst-loss',
      'down=1%,50%',
    );
    expect(up).toMatchObject({
      rateBps: null,
      delayMs: 0,
      lossRatio: 0,
      jitterMs: 0.25,
      trace: {
        steps: [
          [0, 4e6, 40, 0.01],
          [1, 2e6, 60, 0],
        ],
        periodS: 2,
      },
    });
    expect(down).toMatchObject({ rateBps: 800e6, delayMs: 1, lossRatio: 0 });
  });
});

test('a path is told in a line and in fields', () => {
  const emulation = path(
    ...[
      '--rate',
      '20mbit',
      '--rate-schedule',
      'down=20s:2mbit',
      '--rtt',
      '40ms',
      '--reorder',
      '1%',
      '--dup',
      '2%',
    ],
    ...['--corrupt', '0.1%', '--buffer', '1.5bdp', '--aqm', 'up=codel', '--loss-every', 'up=50'],
  );
  expect(describePath(emulation)).toBe(
    'up 20 Mbit/s, 20 ms, each 50th lost, 1 % reordered, 2 % duplicated, 0.1 % corrupted, buffer 1.5 BDP, CoDel; ' +
      'down 20 Mbit/s, 2 Mbit/s from 20 s, 20 ms, 0 % loss, 1 % reordered, 2 % duplicated, 0.1 % corrupted, buffer 1.5 BDP',
  );
  expect(linkFields(emulation.up)).toEqual({
    rate_bps: 20e6,
    delay_ms: 20,
    jitter_ms: 0,
    loss_ratio: 0,
    buffer_bytes: null,
    loss: { model: 'every_nth', n: 50 },
    reorder_ratio: 0.01,
    duplicate_ratio: 0.02,
    corrupt_ratio: 0.001,
    buffer_bdp: 1.5,
    aqm: 'codel',
  });
  expect(describePath(path('--trace', 'DIR/bus.csv'))).toBe(
    'each way a trace of 2 s, 3 Mbit/s on average, its delays, its losses',
  );
  expect(describePath(path('--burst-loss', '1%,30%'))).toBe(
    'each way unlimited rate, 0 ms, bursts of loss (p 1 %, r 30 %, h 0 %, k 100 %)',
  );
});

describe('refuses, with the option, the value and the range:', () => {
  test.each<[string[], string, string]>([
    [['--delay', '11s'], '--delay', '"11s" is not from 0 to 10000 ms'],
    [['--delay', 'up=1ms,down=-1ms'], '--delay', '"-1ms" is negative'],
    [['--delay', 'up=1ms,up=2ms'], '--delay', 'has up twice'],
    [['--rtt', '21s'], '--rtt', '"21s" is not from 0 to 10000 ms each way'],
    [['--rate', '0mbit'], '--rate', '"0mbit" is not above 0 and at most 100000000000 bit/s'],
    [['--rate', '200gbit'], '--rate', '"200gbit" is not above 0'],
    [['--rate-schedule', '20s'], '--rate-schedule', '"20s" is not a time and a rate such as 20s:2mbit'],
    [['--rate-schedule', '20s:2mbit,10s:1mbit'], '--rate-schedule', 'seconds do not rise'],
    [['--rate-schedule', '20s:2mbit'], '--rate-schedule', 'without a rate to start with'],
    [['--rate-schedule', '20s:0'], '--rate-schedule', '"0" is not above 0'],
    [['--trace', 'DIR/none.csv'], '--trace', 'no such file'],
    [['--trace', 'DIR/broken.csv'], '--trace', 'line 2: the time does not rise'],
    [['--trace', 'DIR/lte.mahi', '--rate', '1mbit'], '--rate', 'given beside a trace'],
    [
      ['--trace', 'DIR/bus.csv', '--loss', 'down=1%'],
      '--loss',
      'towards clients, given beside a trace with losses',
    ],
    [['--jitter', '1ms'], '--jitter', 'more than the delay that it varies'],
    [['--rtt', '10ms', '--delay', '5ms'], '--rtt', 'given beside --delay'],
    [['--reorder-by', '1ms'], '--reorder-by', 'without packets to reorder'],
    [['--loss', '101%'], '--loss', 'more than everything'],
    [['--loss', '1%', '--burst-loss', '1%,2%'], '--loss', 'given beside a loss model'],
    [['--loss-every', '5', '--burst-loss', '1%,2%'], '--loss-every', 'given beside --burst-loss'],
    [['--loss-every', '1'], '--loss-every', '1 is not from 2 to 1000000000'],
    [['--burst-loss', '1%'], '--burst-loss', '"1%" is not p,r or p,r,h,k'],
    [['--burst-loss', '1%,0'], '--burst-loss', 'r is 0'],
    [['--buffer', '0bdp', '--rate', '1mbit'], '--buffer', '"0bdp" is not above 0 and at most 1000 BDP'],
    [['--buffer', '2bdp'], '--buffer', 'needs --rate'],
    [['--delay', '-40ms'], '--delay', '"-40ms" is negative'],
    [['--loss', 'sideways=1%'], '--loss', '"sideways" is no direction; write up=… or down=…'],
    [['--buffer', '2gb'], '--buffer', '"2gb" is not above 0 and at most 1000000000 bytes'],
    [['--aqm', 'red'], '--aqm', '"red" is none of droptail, codel'],
    [['--aqm', 'codel'], '--aqm', 'needs --rate'],
    [
      ['--rate', '1mbit', '--aqm', 'codel', '--codel-target', '200ms'],
      '--codel-target',
      'more than the interval of CoDel',
    ],
    [
      ['--rate', '1mbit', '--aqm', 'codel', '--codel-interval', '4ms'],
      '--codel-interval',
      'less than the target of CoDel, 5 ms',
    ],
    [['--codel-target', '5ms'], '--codel-target', 'given without CoDel'],
    [['--dup', '2'], '--dup', 'more than everything'],
    [['--mtu', '500'], '--mtu', '500 is not from 1280 to 65535'],
  ])('%j', (args, field, message) => {
    expect(() => path(...args)).toThrow(
      expect.objectContaining({
        field,
        message: expect.stringMatching(
          new RegExp(`^${field}: .*${message.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`),
        ),
      }),
    );
  });
});
