import { once } from 'node:events';
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AtomicFile } from '../../src/main/cli/atomic-file.ts';
import { unwritable } from '../../src/main/cli/writable.ts';
import { temporaryDir } from '../lab/open-lab.ts';

const write = (path: string, text: string): void => {
  const file = new AtomicFile(path, '--out');
  file.write(text);
  file.commit();
};

test('a file takes the place of a file, and through a link of the one it leads to', () => {
  const dir = temporaryDir();
  const [path, link] = [join(dir, 'file'), join(dir, 'link')];
  writeFileSync(path, 'old');
  symlinkSync(path, link);
  write(link, 'new');
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  write(path, 'newer');
  expect(readFileSync(link, 'utf8')).toBe('newer');
  expect(readdirSync(dir).sort()).toEqual(['file', 'link']);
});

test.skipIf(process.platform === 'win32')(
  'a folder, a socket and a device are left as they are',
  async () => {
    const dir = temporaryDir();
    const [folder, socket, device] = [join(dir, 'folder'), join(dir, 'socket'), join(dir, 'device')];
    mkdirSync(folder);
    const server = createServer().listen(socket);
    await once(server, 'listening');
    // What `/dev/stdout` is: a link to what is no file.
    symlinkSync('/dev/null', device);
    for (const path of [folder, socket, device])
      expect(() => new AtomicFile(path, '--out')).toThrow(
        expect.objectContaining({ code: 'RL_FILE_UNWRITABLE', field: '--out' }),
      );
    expect(lstatSync(socket).isSocket()).toBe(true);
    expect(lstatSync(device).isSymbolicLink()).toBe(true);
    expect(readdirSync(dir).sort()).toEqual(['device', 'folder', 'socket']);
    server.close();
  },
);

test('a disk without room is told as that', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  expect(unwritable('--out', full)).toMatchObject({ code: 'RL_DISK_FULL', field: '--out' });
});
