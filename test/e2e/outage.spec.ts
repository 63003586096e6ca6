/** An empty lab, and a lab that goes away and comes back under an open page. */
import { expect } from '@playwright/test';
import { startLab, type TestLab } from './lab.ts';
import { chartDrawn, LAB_DOWN, readRow, reconnectInVain, test, violations } from './page.ts';

let lab: TestLab;
test.beforeAll(async () => {
  lab = await startLab('--no-demo');
});
test.afterAll(() => lab.close());

test.use({ expectedNoise: LAB_DOWN });

test('an empty lab offers its first steps, and the page outlives an outage', async ({ page }) => {
  await page.goto(lab.url);
  await expect(page.getByRole('heading', { name: 'No routes yet' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Add a route' })).toHaveCount(1);
  expect(await violations(page)).toEqual([]);
  await page.getByRole('button', { name: 'Start the demo lab' }).click();
  await chartDrawn(page);
  const rttP50 = async () => (await readRow(page, 'demo-lan')).cells['rtt-p50']!.value;
  // The chart may be drawn from a route that was up before this one.
  await expect.poll(rttP50).toBeGreaterThan(0);

  await lab.kill();
  const alert = page.getByRole('alert').filter({ hasText: 'Lab unreachable' });
  await expect(alert).toBeVisible();
  const last = await readRow(page, 'demo-lan');
  expect(last.cells['rtt-p50']!.value).toBeGreaterThan(0);
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press('a');
  await expect(page.getByText('Not now: the lab is unreachable.')).toBeVisible();
  expect((await readRow(page, 'demo-lan')).toMs).toBe(last.toMs);

  await reconnectInVain(page);
  await lab.restart();
  await expect(alert).toBeHidden({ timeout: 30_000 });
  await expect.poll(async () => (await readRow(page, 'demo-lan')).toMs).toBeGreaterThan(last.toMs);

  await page.getByRole('button', { name: 'Stop demo lab' }).click();
  await expect(page.getByRole('heading', { name: 'No routes yet' })).toBeVisible();
});
