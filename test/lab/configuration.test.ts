import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Configuration } from '../../src/main/lab/configuration.ts';
import type { Log } from '../../src/main/lab/log.ts';
import { temporaryDir } from './open-lab.ts';

type Line = { level: string; message: string } & Record<string, unknown>;

/** A configuration from a file with `text`, started with what the lab keeps, with what it logs. */
function open(text: string | null, kept: Readonly<Record<string, unknown>> = {}) {
  const path = join(temporaryDir(), 'lab.yaml');
  if (text !== null) writeFileSync(path, text);
  const configuration = new Configuration({ file: { path, required: text !== null } });
  onTestFinished(() => configuration.close());
  const lines: Line[] = [];
  const at =
    (level: string): Log['info'] =>
    (fields, message) =>
      void lines.push({ level, message, ...fields });
  const log = { info: at('info'), warn: at('warn'), error: at('error') };
  configuration.start(log, new Map(Object.entries(kept)));
  const changed = () => new Promise<void>((resolve) => configuration.onChange(() => resolve()));
  return { path, configuration, lines, changed };
}

describe('the file', () => {
  test('is read again when it is written', async () => {
    const { path, configuration, changed } = open('store: { raw_days: 7 }');
    expect(configuration.values.store.raw_days).toBe(7);
    const change = changed();
    writeFileSync(path, 'store: { raw_days: 8 }');
    await change;
    expect(configuration.values.store.raw_days).toBe(8);
  });

  test('is read again when another is renamed into its place', async () => {
    const { path, configuration, changed } = open('store: { raw_days: 7 }');
    for (const days of [8, 9]) {
      const change = changed();
      writeFileSync(`${path}.new`, `store: { raw_days: ${days} }`);
      renameSync(`${path}.new`, path);
      await change;
      expect(configuration.values.store.raw_days).toBe(days);
    }
  });

  test('may come and go where nobody named it', async () => {
    const { path, configuration, changed } = open(null);
    expect(configuration.describe().file).toMatchObject({ path, present: false, readAtMs: null });
    let change = changed();
    writeFileSync(path, 'store: { raw_days: 8 }');
    await change;
    expect(configuration.values.store.raw_days).toBe(8);
    change = changed();
    rmSync(path);
    await change;
    expect(configuration.values.store.raw_days).toBe(30);
  });

  test('that is wrong changes nothing, and says line and field until it is right again', () => {
    const { path, configuration, lines } = open('store: { raw_days: 7 }');
    writeFileSync(path, 'store:\n  raw_days: many\n');
    configuration.reload();
    configuration.reload();
    expect(configuration.values.store.raw_days).toBe(7);
    expect(configuration.describe().file?.error).toMatchObject({
      code: 'RL_CONFIG_INVALID',
      field: 'store.raw_days',
      message: expect.stringContaining(`${path}:2:3: store.raw_days: is "many"`),
    });
    // Said once, not at each look.
    expect(lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    rmSync(path);
    configuration.reload();
    expect(configuration.values.store.raw_days).toBe(7);
    writeFileSync(path, 'store: { raw_days: 9 }');
    configuration.reload();
    expect(configuration.describe().file?.error).toBeNull();
    expect(configuration.values.store.raw_days).toBe(9);
  });

  test('says what waits for a restart, and what nothing uses yet', () => {
    const { path, configuration, lines } = open('lisp: { control_port: 4343 }');
    const named = (message: RegExp) =>
      lines.filter((line) => message.test(line.message)).at(-1)?.['settings'];
    expect(named(/nothing uses them yet/)).toEqual(['lisp.control_port']);
    writeFileSync(
      path,
      'lisp: { control_port: 4343 }\nserver: { port: 1234, cors_origins: ["https://a.example"] }\nhaproxy: { socket: /s }',
    );
    configuration.reload();
    expect(named(/from the next start/)).toEqual(['server.port']);
    expect(named(/nothing uses them yet/)).toEqual(['haproxy.socket']);
  });

  test('must be there when it was named, in UTF-8, and of a size', () => {
    const path = join(temporaryDir(), 'lab.yaml');
    const read = () => new Configuration({ file: { path, required: true } });
    expect(read).toThrow(expect.objectContaining({ code: 'RL_FILE_UNREADABLE' }));
    writeFileSync(path, Buffer.from([0x61, 0xff]));
    expect(read).toThrow('not UTF-8');
    writeFileSync(path, '#'.repeat(300_000));
    expect(read).toThrow('larger than 256 KiB');
  });

  test('a check of somebody else keeps the old settings too', () => {
    const { path, configuration } = open('auth: { jwt_secret: 0123456789abcdef0123456789abcdef }');
    configuration.require(({ auth }) => {
      if (auth.jwt_secret === null) throw new Error('no secret');
    });
    writeFileSync(path, '{}');
    configuration.reload();
    expect(configuration.values.auth.jwt_secret).not.toBeNull();
    expect(configuration.describe().file?.error?.message).toContain('no secret');
  });
});

describe('what the lab keeps', () => {
  test('is changed where nothing above it says otherwise', () => {
    const { configuration } = open('store:\n  rollup_days: 60');
    let stored: ReadonlyMap<string, unknown> = new Map();
    const change = (values: Record<string, unknown>): void =>
      configuration.change(values, (kept) => {
        stored = kept;
      });
    change({ 'store.raw_days': 14, 'metrics.labels': 'minimal' });
    expect(configuration.values).toMatchObject({ store: { raw_days: 14 }, metrics: { labels: 'minimal' } });
    expect(() => change({ 'store.rollup_days': 70 })).toThrow('set by line 2 of lab.yaml');
    expect(() => change({ 'server.port': 1 })).toThrow('not a setting that the lab keeps');
    expect(() => change({ 'store.raw_days': 0 })).toThrow('store.raw_days: is 0');
    expect(() => change({ 'store.raw_days': 61 })).toThrow('60 days are shorter');
    change({ 'store.raw_days': null });
    expect(stored).toEqual(new Map([['metrics.labels', 'minimal']]));
    expect(configuration.values.store.raw_days).toBe(30);
  });

  test('stays as it was where a change cannot be stored', () => {
    const { configuration } = open(null);
    const heard: number[] = [];
    configuration.onChange(({ store }) => heard.push(store.raw_days));
    const full = (): void => {
      throw new Error('the disk is full');
    };
    expect(() => configuration.change({ 'store.raw_days': 14 }, full)).toThrow('the disk is full');
    expect(configuration.values.store.raw_days).toBe(30);
    expect(heard).toEqual([]);
  });

  test('is left out where it is no longer acceptable', () => {
    const { configuration, lines } = open(null, {
      'store.raw_days': 'x',
      gone: 1,
      'metrics.labels': 'minimal',
    });
    expect(configuration.values.store.raw_days).toBe(30);
    expect(configuration.values.metrics.labels).toBe('minimal');
    expect(lines.filter(({ message }) => message === 'a kept setting is not usable')).toHaveLength(2);
  });

  test('is no change when the lab starts with it', () => {
    const { configuration, lines } = open(null, { 'metrics.labels': 'minimal' });
    expect(configuration.values.metrics.labels).toBe('minimal');
    expect(lines).toEqual([]);
  });

  test('gives way to a file that it contradicts, for as long as it does', () => {
    const kept = { 'store.rollup_days': 40, 'metrics.labels': 'minimal' };
    const { path, configuration, lines } = open('store: { raw_days: 60 }', kept);
    const contradictions = () => lines.filter(({ message }) => message.includes('contradict'));
    expect(configuration.values).toMatchObject({
      store: { raw_days: 60, rollup_days: 90 },
      metrics: { labels: 'minimal' },
    });
    expect(contradictions()).toMatchObject([{ level: 'warn', settings: ['store.rollup_days'] }]);
    writeFileSync(path, 'store: { raw_days: 20 }');
    configuration.reload();
    expect(configuration.values.store).toEqual({ raw_days: 20, rollup_days: 40 });
    writeFileSync(path, 'store: { raw_days: 50 }');
    configuration.reload();
    expect(configuration.values.store).toEqual({ raw_days: 50, rollup_days: 90 });
    expect(configuration.describe().file?.error).toBeNull();
    configuration.reload();
    expect(contradictions()).toHaveLength(2);
  });
});
