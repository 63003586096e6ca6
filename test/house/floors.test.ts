/** The floors check itself: it sees TypeScript sources, refuses what breaks the floors and lets the rest pass. */
import { execFile } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

interface Report {
  summary: { totalCruised: number; violations: { from: string; to: string; rule: { name: string } }[] };
}

function cruise(cwd: string): Promise<Report> {
  const script = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const args = [script, 'src', '--config', join(root, '.dependency-cruiser.cjs'), '--output-type', 'json'];
  return new Promise((done, reject) => {
    execFile(process.execPath, args, { cwd, maxBuffer: 64 << 20 }, (error, stdout) => {
      if (stdout) done(JSON.parse(stdout) as Report);
      else reject(error);
    });
  });
}

it('names what looks up, does I/O where none belongs, or imports electron outside the desktop', async () => {
  const { summary } = await cruise(join(import.meta.dirname, 'fixtures/floors'));
  const found = summary.violations.map(({ from, rule }) => `${rule.name}: ${from}`).sort();
  expect(found).toEqual([
    'electron-only-in-desktop: src/renderer/reaches-in.ts',
    'floor-main-quic: src/main/quic/looks-up.ts',
    'floor-renderer: src/renderer/reaches-in.ts',
    'lab-by-its-index: src/main/serve/reaches-deep.ts',
    'quic-by-its-sessions: src/main/serve/reaches-deep.ts',
    'sans-io: src/main/quic/looks-up.ts',
  ]);
});

it('sees the whole house, and finds it in order', async () => {
  const { summary } = await cruise(root);
  expect(summary.totalCruised).toBeGreaterThan(200);
  expect(summary.violations).toEqual([]);
});
