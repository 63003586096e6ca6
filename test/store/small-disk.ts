import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { tempDir } from './temp.ts';

/** A file system of some megabytes; null where this user cannot mount one. */
export function smallDisk(megabytes: number): string | null {
  const dir = tempDir();
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'none', dir]).status !== 0) return null;
  onTestFinished(() => {
    spawnSync('umount', ['-l', dir]);
  });
  return dir;
}

/** Fills the disk; returns how to make room again. */
export function fill(disk: string): () => void {
  const ballast = join(disk, 'ballast');
  try {
    writeFileSync(ballast, Buffer.alloc(64_000_000));
  } catch {
    // Full: as intended.
  }
  return () => rmSync(ballast);
}
