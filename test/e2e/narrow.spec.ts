/** A window as narrow as half a small screen: everything is there, and no page scrolls sideways. */
import { expect } from '@playwright/test';
import { startLab, type TestLab } from './lab.ts';
import { sideways, test, violations } from './page.ts';

let lab: TestLab;
test.beforeAll(async () => {
  lab = await startLab('--demo');
});
test.afterAll(() => lab.close());
test.use({ viewport: { width: 480, height: 800 } });

for (const [path, shown] of [
  ['/routes', 'time-cursor'],
  ['/probe', 'trace-canvas'],
  ['/experiments', 'experiments'],
  ['/experiments/1', 'experiment-runs'],
  ['/experiments?marked="1,2"&compare=true', 'compared-parameters'],
  ['/monitoring', 'health-store'],
  ['/settings', 'settings-table'],
] as const) {
  test(`${path} fits`, async ({ page }) => {
    await page.goto(`${lab.url}/#${path}`);
    if (path === '/probe') {
      await page.getByRole('textbox', { name: 'Duration in s' }).fill('1');
      await page.getByRole('button', { name: 'Start the probe' }).last().click();
      await expect(page.getByTestId('run-state')).toHaveText('done', { timeout: 60_000 });
    }
    await page.getByTestId(shown).scrollIntoViewIfNeeded();
    await expect(page.getByTestId(shown)).toBeInViewport();
    expect(await sideways(page)).toEqual([]);
    expect(await violations(page)).toEqual([]);
  });
}
