/** The Monitoring page on a real lab: an alert of a real emulated route, and a webhook on a real HTTP server. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, type Page } from '@playwright/test';
import type { Alert, AlertBoard, AlertRule } from '../../src/shared/alerts.ts';
import { type MonitoringNow, SYSTEM_COLUMNS } from '../../src/shared/monitoring.ts';
import { formatDuration } from '../../src/shared/units.ts';
import { startLab, type TestLab } from './lab.ts';
import { pictures, sideways, test, violations, violationsInBoth } from './page.ts';

let lab: TestLab;
let hook: Server;
let hookUrl: string;
const received: { event: string; alert: { id: number; value: number } | null }[] = [];

test.beforeAll(async () => {
  lab = await startLab('--demo');
  hook = createServer(async (request, response) => {
    received.push(JSON.parse(Buffer.concat(await request.toArray()).toString()));
    response.writeHead(204).end();
  }).listen(0, '127.0.0.1');
  await once(hook, 'listening');
  hookUrl = `http://127.0.0.1:${(hook.address() as AddressInfo).port}/alerts`;
});
test.afterAll(async () => {
  await lab.close();
  hook.close();
});

const get = async <T>(path: string): Promise<T> =>
  (await fetch(`${lab.url}/api/v1${path}`)).json() as Promise<T>;
const firing = async (): Promise<Alert[]> => (await get<AlertBoard>('/alerts')).firing;

async function open(page: Page, search = ''): Promise<void> {
  await page.goto(`${lab.url}/#/monitoring${search}`);
  await expect(page.getByTestId('health-store')).toContainText('healthy');
}

/** The names are those of what was made; made once for all tests of this file, which run in order. */
test('a webhook is added and tested', async ({ page }) => {
  await open(page);
  await page.getByRole('button', { name: 'Add a webhook' }).first().click();
  const form = page.getByRole('dialog', { name: 'Add a webhook' });
  await form.getByRole('textbox', { name: 'Name' }).fill('Here');
  await form.getByRole('textbox', { name: 'Address' }).fill('ftp://x');
  await form.getByRole('button', { name: 'Add webhook' }).click();
  await expect(form.getByText('not an http or https address')).toBeVisible();
  await form.getByRole('textbox', { name: 'Address' }).fill(hookUrl);
  await form.getByRole('textbox', { name: 'Secret' }).fill('never shown again');
  await form.getByRole('button', { name: 'Add webhook' }).click();
  await expect(form).toBeHidden();
  const row = page.getByRole('row', { name: /^Here/ }).first();
  await expect(row).toContainText('this machine or a private network');
  await row.getByRole('button', { name: 'Test' }).click();
  await expect(page.getByTestId('deliveries')).toContainText('delivered, 1 attempt, HTTP 204');
  expect(received).toMatchObject([{ event: 'test', alert: null }]);
  await expect(page.locator('body')).not.toContainText('never shown again');
});

test('a rule raises an alert of a real route: badge, list, webhook; it is acknowledged, and ends', async ({
  page,
}) => {
  await open(page);
  await page.keyboard.press('u');
  const form = page.getByRole('dialog', { name: 'Add an alert rule' });
  await form.getByRole('button', { name: 'Add rule' }).click();
  await expect(form.getByText('a name is required')).toBeVisible();
  await form.getByRole('textbox', { name: 'Name' }).fill('Satellite is slow');
  await form.getByRole('textbox', { name: 'Threshold in ms' }).fill('200');
  await form.getByRole('textbox', { name: 'For in s' }).fill('0');
  await form.getByRole('combobox', { name: 'Routes' }).click();
  await page.getByRole('option', { name: 'some' }).click();
  await form.getByRole('combobox', { name: 'Which' }).click();
  await page.getByRole('option', { name: 'Satellite' }).click();
  await page.keyboard.press('Escape');
  await form.getByRole('button', { name: 'Add rule' }).click();
  await expect(form).toBeHidden();

  await expect.poll(async () => (await firing()).map(({ rule }) => rule.name)).toContain('Satellite is slow');
  const alert = (await firing()).find(({ rule }) => rule.name === 'Satellite is slow')!;
  expect(alert.value).toBeGreaterThan(200_000);
  const item = page.getByTestId(`alert-${alert.id}`);
  await expect(item).toContainText('Satellite');
  await expect(item).toContainText('emulated');
  const raised = page.getByTestId(`alert-${alert.id}-raised`);
  await expect(raised).toHaveAttribute('data-value', String(alert.value));
  await expect(raised).toHaveText(formatDuration(alert.value));
  const badge = page.getByTestId('alert-badge');
  await expect(badge).toBeVisible();
  await expect
    .poll(() => received.filter(({ event }) => event === 'raised').map((each) => each.alert))
    .toContainEqual(expect.objectContaining({ id: alert.id, value: alert.value }));

  await item.getByRole('button', { name: 'Acknowledge' }).click();
  await expect(item).toHaveAttribute('data-acknowledged', 'true');
  await item.getByRole('button', { name: 'Undo acknowledgement' }).click();
  await expect(item).toHaveAttribute('data-acknowledged', 'false');

  const rule = (await get<AlertRule[]>('/alerts/rules')).find(({ name }) => name === 'Satellite is slow')!;
  const row = page.getByTestId(`rule-${rule.id}`);
  await expect(row).toContainText('firing');
  await row.getByRole('button', { name: 'Mute 1 h' }).click();
  await expect(row).toContainText('muted until');
  await row.getByRole('button', { name: 'Unmute' }).click();
  await expect(row).not.toContainText('muted until');

  await row.getByRole('rowheader').click();
  await page.keyboard.press('Delete');
  await expect(row).toBeHidden();
  await expect(item).toBeHidden();
  await expect.poll(() => received.at(-1)).toMatchObject({ event: 'resolved', alert: { id: alert.id } });
  await page.getByText('History', { exact: true }).click();
  await expect(page.getByTestId(`past-${alert.id}`)).toContainText('the rule was removed');
  await page.keyboard.press('Control+z');
  await page.getByText('Rules', { exact: true }).click();
  await expect(row).toBeVisible();
  await expect(row).toContainText('firing');
});

test('the system’s numbers on screen equal the API’s', async ({ page }) => {
  await open(page);
  const system = page.getByRole('region', { name: 'System' });
  await expect
    .poll(
      async () => {
        const { sample } = await get<MonitoringNow>('/monitoring');
        if (sample === null || (await system.getAttribute('data-at')) !== String(sample.atMs))
          return 'another sample';
        const shown = await system.locator('[data-testid^="system-"]').evaluateAll((elements) =>
          elements.map((element) => {
            const { testid, value } = (element as unknown as { dataset: Record<string, string> }).dataset;
            return [testid!.slice('system-'.length), value === '' ? null : Number(value)] as const;
          }),
        );
        // A sample that came in between is no reason to fail.
        if ((await system.getAttribute('data-at')) !== String(sample.atMs)) return 'another sample';
        const columns: readonly string[] = SYSTEM_COLUMNS;
        expect(shown.length).toBeGreaterThan(8);
        for (const [name, value] of shown) {
          expect(columns).toContain(name);
          expect(value, name).toBe(sample[name as (typeof SYSTEM_COLUMNS)[number]]);
        }
        return 'equal';
      },
      { timeout: 40_000 },
    )
    .toBe('equal');
  await page.keyboard.press('t');
  await expect(page.getByTestId('system-table').getByRole('row').nth(1)).toContainText('%');
});

test('axe finds nothing, and the page is shown as it is', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await open(page);
  await expect(page.getByRole('img', { name: 'CPU over time' })).toHaveAttribute('data-drawn', 'true');
  await expect(
    page.getByText('No alert fires').or(page.getByRole('button', { name: 'Acknowledge' }).first()),
  ).toBeVisible();
  await pictures(page, 'monitoring');
  for (const list of ['History', 'Webhooks', 'Rules']) {
    await page.getByText(list, { exact: true }).click();
    expect(await violationsInBoth(page)).toEqual([]);
  }
  await page.keyboard.press('t');
  await expect(page.getByTestId('system-table')).toBeVisible();
  expect(await violationsInBoth(page)).toEqual([]);
  await page.keyboard.press('t');
  await page.keyboard.press('u');
  await expect(page.getByRole('dialog', { name: 'Add an alert rule' })).toBeVisible();
  expect(await violationsInBoth(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await page.setViewportSize({ width: 1024, height: 700 });
  expect(await violations(page)).toEqual([]);
  expect(await sideways(page)).toEqual([]);
});
