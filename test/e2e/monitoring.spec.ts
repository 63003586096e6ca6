/** The Monitoring page on a real lab: an alert of a real emulated route, and a webhook on a real HTTP server. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, type Page } from '@playwright/test';
import type { Alert, AlertBoard, AlertRule } from '../../src/shared/alerts.ts';
import { type MonitoringNow, SYSTEM_COLUMNS } from '../../src/shared/monitoring.ts';
import { formatDuration } from '../../src/shared/units.ts';
import { startLab, type TestLab } from './lab.ts';
import { LAB_DOWN, pictures, sideways, test, violations, violationsInBoth } from './page.ts';

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

test('a webhook is edited; removed, it can be brought back', async ({ page }) => {
  await open(page, '?tab=webhooks');
  const row = page.getByRole('row', { name: /^Here/ }).first();
  const signed = row.getByRole('cell').nth(1);
  const form = page.getByRole('dialog', { name: 'Edit Here' });
  const edit = async (): Promise<void> => {
    await row.getByRole('button', { name: 'Edit Here' }).click();
    await expect(form.getByRole('textbox', { name: 'Address' })).toHaveValue(hookUrl);
  };
  await edit();
  await form.getByRole('textbox', { name: 'Name' }).fill('Here again');
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(row.getByRole('rowheader')).toHaveText('Here again');
  await expect(signed).toHaveText('yes');
  await row.getByRole('button', { name: 'Edit Here again' }).click();
  const again = page.getByRole('dialog', { name: 'Edit Here again' });
  await again.getByRole('textbox', { name: 'Name' }).fill('Here');
  await again.getByRole('switch', { name: 'Take the secret away' }).check();
  await again.getByRole('button', { name: 'Save' }).click();
  await expect(signed).toHaveText('no');

  await row.getByRole('button', { name: 'Remove Here' }).click();
  await expect(page.getByText('what waited for it is not sent')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Remove Here' })).toBeHidden();
  await page.keyboard.press('Control+z');
  await expect(row.getByRole('rowheader')).toHaveText('Here');
});

test('this browser notifies of a raise, and of its end in the same place', async ({ page, context }) => {
  await context.grantPermissions(['notifications'], { origin: lab.url });
  await page.addInitScript({
    content: `
      window.shown = [];
      window.Notification = class extends Notification {
        constructor(title, { tag, body }) {
          super(title, { tag, body });
          window.shown.push({ title, tag, body });
        }
      };`,
  });
  await open(page);
  await page.getByRole('button', { name: 'Notify in this browser' }).click();
  await expect(page.getByRole('button', { name: 'Notify in this browser' })).toHaveAttribute(
    'aria-pressed',
    'true',
  );
  const rules = `${lab.url}/api/v1/alerts/rules`;
  const send = async (path: string, method: string, body: unknown): Promise<AlertRule> =>
    (
      await fetch(`${rules}${path}`, {
        method,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    ).json() as Promise<AlertRule>;
  const condition = { kind: 'threshold', metric: 'system.process_memory', comparison: '>', threshold: 1 };
  const { id } = await send('', 'POST', {
    name: 'The lab takes memory',
    condition: { ...condition, forS: 0, hysteresis: null, resolveForS: 0 },
  });
  const shown = () => page.evaluate('window.shown');
  await expect.poll(shown).toHaveLength(1);
  await send(`/${id}`, 'PATCH', { enabled: false });
  await expect.poll(shown).toHaveLength(2);
  const alert = (await get<Alert[]>('/alerts/history')).find(({ rule }) => rule.id === id)!;
  const [tag, body] = [`alert-${alert.id}`, 'Memory of the lab (RSS)'];
  expect(await shown()).toEqual([
    { title: 'The lab takes memory', tag, body },
    { title: 'The lab takes memory: over', tag, body },
  ]);
  await send(`/${id}`, 'DELETE', {});
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
  expect(await violationsInBoth(page)).toEqual([]);
  for (const list of ['History', 'Webhooks']) {
    await page.getByText(list, { exact: true }).click();
    expect(await violationsInBoth(page, `[aria-label="List of ${list}"]`)).toEqual([]);
  }
  await page.keyboard.press('t');
  await expect(page.getByTestId('system-table')).toBeVisible();
  expect(await violationsInBoth(page, '[data-testid=system-table]')).toEqual([]);
  await page.keyboard.press('t');
  await page.keyboard.press('u');
  await expect(page.getByRole('dialog', { name: 'Add an alert rule' })).toBeVisible();
  expect(await violationsInBoth(page, '[role=dialog]')).toEqual([]);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await page.setViewportSize({ width: 1024, height: 700 });
  expect(await violations(page)).toEqual([]);
  expect(await sideways(page)).toEqual([]);
});

test('what was sent long ago is a page further', async ({ page }) => {
  const [{ id }] = (await get<{ id: number }[]>('/alerts/webhooks')) as [{ id: number }];
  // One at a time: no more than 100 may wait.
  for (let n = 0; n < 101; ) {
    const { ok, headers } = await fetch(`${lab.url}/api/v1/alerts/webhooks/${id}/test`, { method: 'POST' });
    // Sixty in ten seconds; who sends more is told when to come again.
    if (ok) n++;
    else await sleep(1000 * Number(headers.get('retry-after')));
  }
  await open(page, '?tab=webhooks');
  const rows = page.getByTestId('deliveries').getByRole('row');
  // One more than the hundred tells that there are older ones, and one is of headings.
  await expect(rows).toHaveCount(102);
  await page.getByRole('button', { name: 'Show older deliveries' }).click();
  await expect(page.getByRole('button', { name: 'Show older deliveries' })).toBeHidden();
  const all = (await get<unknown[]>('/alerts/deliveries?limit=1000')).length;
  expect(all).toBeGreaterThan(101);
  await expect(rows).toHaveCount(all + 1);
});

test.describe('while the lab is away', () => {
  test.use({ expectedNoise: LAB_DOWN });

  test('a list says why it is not there, and what was had of another stays', async ({ page }) => {
    await open(page, '?tab=webhooks');
    await expect(page.getByRole('row', { name: /^Here/ }).first()).toBeVisible();
    await lab.kill();
    await page.getByText('History', { exact: true }).click();
    await expect(page.getByRole('heading', { name: 'The alerts could not be listed' })).toBeVisible();
    await page.getByText('Webhooks', { exact: true }).click();
    await expect(page.getByRole('row', { name: /^Here/ }).first()).toBeVisible();
  });
});
