/** The desktop window itself, where Electron's runtime is there and a display to show it on. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { _electron, expect, test } from '@playwright/test';

const root = resolve(import.meta.dirname, '../..');
const electron = join(root, 'node_modules/electron');
const pathFile = join(electron, 'path.txt');

function whyNot(): string | null {
  if (!existsSync(pathFile)) return 'Electron’s runtime is not downloaded (node_modules/electron/dist)';
  if (process.platform === 'linux' && !process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY'])
    return 'no display';
  if (process.platform === 'linux' && process.getuid?.() === 0)
    return 'Chromium’s sandbox does not run as root';
  return null;
}

test('the desktop window opens, is isolated, and shows the lab', async () => {
  const reason = whyNot();
  test.skip(reason !== null, reason ?? '');
  const data = mkdtempSync(join(tmpdir(), 'routelab-desktop-'));
  const app = await _electron.launch({
    executablePath: join(electron, 'dist', readFileSync(pathFile, 'utf8').trim()),
    args: [root],
    env: { ...process.env, ROUTELAB_DATA: data } as Record<string, string>,
  });
  try {
    const page = await app.firstWindow();
    await expect(page.getByRole('button', { name: 'Start the demo lab' })).toBeVisible();
    expect(page.url()).toMatch(/^app:\/\/routelab\//);
    expect(await page.evaluate(() => typeof (globalThis as Record<string, unknown>)['require'])).toBe(
      'undefined',
    );
  } finally {
    await app.close();
    rmSync(data, { recursive: true, force: true });
  }
});
