/** The Settings page and signing in, on a real lab with a lab.yaml. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import { signToken } from '../../src/main/serve/auth.ts';
import { startLab, type TestLab } from './lab.ts';
import { pictures, sideways, test, violations, violationsInBoth } from './page.ts';

const SECRET = 'correct horse battery staple, twice';
const CONFIG = `store:
  rollup_days: 120
routes:
  - { id: listed, server: "127.0.0.1:9", tags: [file] }
lisp: { control_port: 4343 }
`;

let lab: TestLab;
let folder: string;
let file: string;

test.beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'routelab-e2e-config-'));
  file = join(folder, 'lab.yaml');
  writeFileSync(file, CONFIG);
  lab = await startLab('--config', file, '--no-demo');
});
test.afterAll(async () => {
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
});

const cell = (path: string) => `setting-${path}`;

test('each setting says where it is from, and what the file fixes cannot be typed over', async ({ page }) => {
  await page.goto(`${lab.url}/#/settings`);
  await expect(page.getByTestId('settings-file')).toContainText(file);
  await expect(page.getByTestId(cell('store.rollup_days'))).toContainText('lab.yaml, line 2');
  await expect(page.getByTestId(cell('server.port'))).toContainText('option --port');
  await expect(page.getByTestId(cell('lisp.control_port'))).toContainText('not used yet');
  await expect(page.getByTestId(cell('auth.jwt_secret'))).toContainText('not set');
  const fixed = page.getByTestId('field-store.rollup_days');
  await expect(fixed).toHaveAttribute('readonly', '');
  await expect(fixed).toHaveValue('120');
});

test('addresses of routes are masked on the map, as long as this browser is told to', async ({ page }) => {
  const map = page.getByRole('region', { name: 'Map of routes' });
  const mask = page.getByRole('button', { name: 'Mask addresses of routes' });
  await page.goto(`${lab.url}/#/settings`);
  await mask.click();
  await expect(mask).toHaveAttribute('aria-pressed', 'true');
  await page.goto(`${lab.url}/#/routes`);
  await page.reload();
  await expect(map).toContainText('host-1');
  expect(await page.content()).not.toContain('127.0.0.1:9');
  await page.goto(`${lab.url}/#/settings`);
  await mask.click();
  await page.goto(`${lab.url}/#/routes`);
  await expect(map).toContainText('127.0.0.1:9');
});

test('a setting is changed, kept over a restart of the page, and set back', async ({ page }) => {
  await page.goto(`${lab.url}/#/settings`);
  const days = page.getByTestId('field-store.raw_days');
  const save = page.getByRole('button', { name: 'Save' });
  await days.fill('121');
  await expect(page.getByText('At least the 121 days of samples.')).toBeVisible();
  await expect(save).toHaveAttribute('aria-disabled', 'true');
  await days.fill('14');
  await expect(save).toHaveAttribute('aria-disabled', 'false');
  await page.keyboard.press('Control+s');
  await expect(page.getByTestId(cell('store.raw_days'))).toContainText('14set here');
  await page.reload();
  await expect(days).toHaveValue('14');
  await page.getByRole('button', { name: 'Reset' }).click();
  await expect(page.getByTestId(cell('store.raw_days'))).toContainText('30default');
  await expect(days).toHaveValue('30');
});

test('a file that is wrong is said with its line, and the old settings stay', async ({ page }) => {
  await page.goto(`${lab.url}/#/settings`);
  writeFileSync(file, CONFIG.replace('120', 'many'));
  await expect(page.getByRole('alert')).toContainText('lab.yaml:2:3: store.rollup_days: is "many"');
  await expect(page.getByTestId('field-store.rollup_days')).toHaveValue('120');
  writeFileSync(file, CONFIG.replace('120', '130'));
  await expect(page.getByTestId('field-store.rollup_days')).toHaveValue('130');
  await expect(page.getByRole('alert')).toHaveCount(0);
  writeFileSync(file, CONFIG);
  await expect(page.getByTestId('field-store.rollup_days')).toHaveValue('120');
});

test('a route of the file is marked, and changed there only', async ({ page }) => {
  await page.goto(`${lab.url}/#/routes`);
  const row = page.getByTestId('route-listed');
  await expect(row.getByText('from lab.yaml')).toBeVisible();
  await page.getByTestId('route-listed-more').click();
  await expect(page.getByRole('menuitem', { name: 'Edit' })).toBeDisabled();
  await expect(page.getByRole('menuitem', { name: 'Remove' })).toBeDisabled();
});

test('the page is reached and left by the keyboard', async ({ page }) => {
  await page.goto(`${lab.url}/#/routes`);
  await expect(page.getByTestId('route-listed')).toBeVisible();
  await page.keyboard.press(',');
  await expect(page.getByRole('heading', { name: 'Settings' })).toBeVisible();
  await page.keyboard.press('r');
  await expect(page.getByTestId('route-listed')).toBeVisible();
});

for (const [name, width, height] of [
  ['settings', 1440, 900],
  ['settings-narrow', 1024, 700],
] as const) {
  test(`nothing is inaccessible or cut off at ${width} wide`, async ({ page }) => {
    await page.setViewportSize({ width, height });
    await page.goto(`${lab.url}/#/settings`);
    await expect(page.getByTestId(cell('store.rollup_days'))).toContainText('lab.yaml, line 2');
    expect(await violationsInBoth(page)).toEqual([]);
    expect(await sideways(page)).toEqual([]);
    await pictures(page, name);
  });
}

test.describe('a lab that wants a token', () => {
  test.use({ expectedNoise: /401|WebSocket connection to/ });
  let locked: TestLab;

  test.beforeAll(async () => {
    const secret = join(folder, 'locked.yaml');
    writeFileSync(secret, `auth: { jwt_secret: "${SECRET}" }\n`);
    locked = await startLab('--config', secret, '--no-demo');
  });
  test.afterAll(() => locked.close());

  test('shows nothing of itself before it has one, and forgets it with the tab', async ({
    page,
    context,
  }) => {
    await page.goto(locked.url);
    await expect(page.getByRole('heading', { name: 'Sign in to this lab' })).toBeVisible();
    expect(await violations(page)).toEqual([]);
    const token = page.getByLabel('Token');
    await token.fill('nonsense');
    await page.keyboard.press('Enter');
    await expect(page.getByText('A token has three parts')).toBeVisible();
    await token.fill(await signToken({ secret: 'x'.repeat(40), issuer: 'routelab' }, 'e2e', 600, Date.now()));
    await page.keyboard.press('Enter');
    await expect(page.getByText('The lab does not take this token')).toBeVisible();
    await token.fill(await signToken({ secret: SECRET, issuer: 'routelab' }, 'e2e', 600, Date.now()));
    await page.keyboard.press('Enter');
    await expect(page.getByTestId('connection')).toHaveText('Connected to the lab');
    await page.reload();
    await expect(page.getByTestId('connection')).toHaveText('Connected to the lab');
    await page.goto(`${locked.url}/#/settings`);
    await expect(page.getByTestId(cell('auth.jwt_secret'))).toContainText('set, not shown');

    const other = await context.newPage();
    await other.goto(locked.url);
    await expect(other.getByRole('heading', { name: 'Sign in to this lab' })).toBeVisible();
    await other.close();

    await page.keyboard.press('Control+k');
    await page.keyboard.type('Sign out');
    await page.keyboard.press('Enter');
    await expect(page.getByRole('heading', { name: 'Sign in to this lab' })).toBeVisible();
  });
});
