/** The Routes page on a real lab: emulated paths, real QUIC, real store. */
import { isDeepStrictEqual } from 'node:util';
import { expect, type Page } from '@playwright/test';
import type { RouteStatus } from '../../src/shared/domain.ts';
import { formatBytes, formatDuration, formatPercent, formatRate } from '../../src/shared/units.ts';
import { startLab, type TestLab } from './lab.ts';
import { chartDrawn, pictures, type RowNumbers, readRow, sideways, test, violationsInBoth } from './page.ts';

const ROUTES = [
  'demo-lan',
  'demo-lte',
  'demo-satellite',
  'demo-bufferbloat',
  'demo-lossy-wi-fi',
  'demo-flapping',
];

let lab: TestLab;
let servedAtMs: number;

test.beforeAll(async () => {
  lab = await startLab('--demo');
  servedAtMs = Date.now();
});
test.afterAll(() => lab.close());

const row = (page: Page, id: string) => page.getByTestId(`route-${id}`);
const state = (page: Page, id: string) => page.getByTestId(`route-${id}-state`);

async function open(page: Page, search = ''): Promise<void> {
  await page.goto(`${lab.url}/#/routes${search}`);
  await expect(row(page, 'demo-lan')).toBeVisible();
}

test('the first chart appears by itself once the lab is up', async ({ page }) => {
  await open(page);
  await chartDrawn(page);
  // How long that took is told, not judged: the speed of a busy machine is no property of the lab.
  const tookMs = Date.now() - servedAtMs;
  test.info().annotations.push({ type: 'first chart', description: `${tookMs} ms after the lab was up` });
  await expect(page.getByTestId('connection')).toHaveText('Connected to the lab');
  for (const id of ROUTES) await expect(row(page, id).getByText('emulated')).toBeVisible();
});

test.describe('the numbers on screen', () => {
  /** What the cells of a row must hold for a status, as numbers and as written. */
  function cellsOf({ ping, down, up, handshakeUs, transport }: RouteStatus): RowNumbers['cells'] {
    const cell = (value: number | null | undefined, format: (value: number) => string) =>
      value === null || value === undefined ? { value: null } : { value, text: format(value) };
    const duration = (us: number): string => formatDuration(us);
    return Object.fromEntries(
      Object.entries({
        'rtt-p50': cell(ping?.rttUs?.p50, duration),
        'rtt-p95': cell(ping?.rttUs?.p95, duration),
        'rtt-p99': cell(ping?.rttUs?.p99, duration),
        jitter: cell(ping?.jitterUs, (us) => formatDuration(us, 2)),
        loss: cell(ping?.lossRatio, (ratio) => formatPercent(ratio)),
        down: cell(down?.goodputBps, (bps) => formatRate(bps)),
        up: cell(up?.goodputBps, (bps) => formatRate(bps)),
        handshake: cell(handshakeUs, duration),
        cwnd: cell(transport?.cwndBytes, formatBytes),
      }),
    ) as RowNumbers['cells'];
  }

  test('equal the API’s and the store’s for the same window', async ({ page }) => {
    await open(page);
    // The page is sent a status now and then, the API gives the newest: both are read until each route’s row and
    // a status speak of the same window and, for what is no number of the window, of the same moment.
    const ofTheMoment = { down: null, up: null, handshake: null, cwnd: null };
    const statuses: RouteStatus[] = [];
    const pending = new Set(ROUTES);
    const compared: { id: string; row: RowNumbers; status: RouteStatus; shown: RowNumbers['cells'] }[] = [];
    await expect
      .poll(
        async () => {
          statuses.push(...(await lab.status()));
          for (const id of pending) {
            const row = await readRow(page, id);
            const sameWindow = statuses.filter(
              (s) => s.routeId === id && s.ping?.rttUs && s.ping.toMs === row.toMs,
            );
            if (sameWindow.length === 0) continue;
            // A dash has words of its own.
            const shown = Object.fromEntries(
              Object.entries(row.cells).map(([name, cell]) => [
                name,
                cell.value === null ? { value: null } : cell,
              ]),
            ) as RowNumbers['cells'];
            expect({ ...shown, ...ofTheMoment }, `${id} against the API`).toEqual({
              ...cellsOf(sameWindow[0]!),
              ...ofTheMoment,
            });
            const status = sameWindow.find((s) => isDeepStrictEqual(cellsOf(s), shown));
            if (!status) continue;
            pending.delete(id);
            compared.push({ id, row, status, shown });
          }
          return pending.size;
        },
        { intervals: [50], timeout: 45_000 },
      )
      .toBe(0);

    for (const { id, row, status, shown } of compared) {
      const { sent, lost, rttUs, jitterUs } = await lab.stats(id, row.fromMs, row.toMs);
      expect(sent, `${id} pings in the store`).toBe(status.ping!.sent);
      expect(shown['loss']!.value, `${id} loss against the store`).toBe(lost / sent);
      expect(shown['jitter']!.value, `${id} jitter against the store`).toBe(jitterUs);
      for (const quantile of ['p50', 'p95', 'p99'] as const) {
        expect(shown[`rtt-${quantile}`]!.value, `${id} ${quantile} against the store`).toBe(rttUs![quantile]);
      }
    }
  });

  test('go on changing as pings come in', async ({ page }) => {
    await open(page);
    const newest = async () => (await readRow(page, 'demo-lan')).toMs;
    await expect.poll(newest, 'a first ping').toBeGreaterThan(0);
    const before = await newest();
    await expect.poll(newest).toBeGreaterThan(before);
  });

  test('of the map are those of the table', async ({ page }) => {
    await open(page);
    await expect
      .poll(async () => {
        const text = await page.getByTestId('map-demo-lte-rtt').textContent();
        return text === (await readRow(page, 'demo-lte')).cells['rtt-p50']!.text;
      })
      .toBe(true);
  });

  test('are judged in words, with the rule one click away', async ({ page }) => {
    await open(page);
    const verdict = page.getByTestId('route-demo-satellite-verdict');
    await expect(verdict).toContainText('poor for calls', { timeout: 30_000 });
    await verdict.click();
    const rule = page.getByRole('dialog', { name: 'The rule behind Satellite’s verdict' });
    await expect(rule.getByRole('row', { name: /RTT p95/ })).toContainText('≤ 200 ms');
    await page.keyboard.press('Escape');
    await expect(rule).toBeHidden();
  });
});

test('a route is added, edited, stopped, started, removed and brought back', async ({ page }) => {
  const demo = (await lab.routes()).find(({ id }) => id === 'demo-lan')!;
  await open(page);

  await page.getByRole('button', { name: 'Add a route' }).click();
  const form = page.getByRole('dialog', { name: 'Add a route' });
  await form.getByRole('textbox', { name: 'Host' }).fill('two words');
  await form.getByRole('button', { name: 'Add route' }).click();
  await expect(form.getByText('a name is required')).toBeVisible();
  await expect(form.getByText('not a host name or an IP address')).toBeVisible();

  await form.getByRole('textbox', { name: 'Name', exact: true }).fill('LAN');
  await form.getByRole('textbox', { name: 'Host' }).fill(demo.host);
  await form.getByRole('textbox', { name: 'UDP port' }).fill(String(demo.port));
  await form.getByRole('textbox', { name: 'Name in the certificate' }).fill('localhost');
  await form.getByRole('button', { name: 'Add route' }).click();
  await expect(form.getByText('There is already a route named "LAN"')).toBeVisible();

  await form.getByRole('textbox', { name: 'Name', exact: true }).fill('Direct');
  await form.getByRole('button', { name: 'Add route' }).click();
  await expect(form).toBeHidden();
  await expect(page.getByTestId('chart-title')).toHaveText('Direct');
  const id = (await lab.routes()).find(({ name }) => name === 'Direct')!.id;
  await expect(state(page, id)).toHaveText('up');
  await expect.poll(async () => (await readRow(page, id)).cells['rtt-p50']!.value).toBeGreaterThan(0);
  await expect(row(page, id).getByText('emulated')).toBeHidden();

  await page.keyboard.press('e');
  const edit = page.getByRole('dialog', { name: 'Edit Direct' });
  await edit.getByRole('textbox', { name: 'Name', exact: true }).fill('Detour');
  await edit.getByRole('combobox', { name: 'Emulated path' }).click();
  await page.getByRole('option', { name: 'international', exact: true }).click();
  await edit.getByRole('button', { name: 'Save' }).click();
  await expect(edit).toBeHidden();
  await expect(row(page, id).getByRole('button', { name: 'Detour', exact: true })).toBeVisible();
  await expect(row(page, id).getByText('emulated')).toBeVisible();
  await expect(state(page, id)).toHaveText('up');

  await page.getByTestId(`route-${id}-toggle`).click();
  await expect(state(page, id)).toHaveText('stopped');
  expect((await lab.routes()).find((route) => route.id === id)!.enabled).toBe(false);
  await page.getByTestId(`route-${id}-toggle`).click();
  await expect(state(page, id)).toHaveText('up');

  await page.getByTestId(`route-${id}-more`).click();
  await page.getByRole('menuitem', { name: 'Remove' }).click();
  await expect(row(page, id)).toBeHidden();
  expect((await lab.routes()).some((route) => route.id === id)).toBe(false);
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await expect(row(page, id)).toBeVisible();
  await expect(state(page, id)).toHaveText('up');

  await row(page, id).getByRole('button', { name: 'Detour', exact: true }).click();
  await page.keyboard.press('Delete');
  await expect(row(page, id)).toBeHidden();
  await page.keyboard.press('Control+z');
  await expect(row(page, id)).toBeVisible();
  await row(page, id).getByRole('button', { name: 'Detour', exact: true }).click();
  await page.keyboard.press('Delete');
  await expect(row(page, id)).toBeHidden();
});

test('a route has parameters of its controller, and keeps them until it gets another one', async ({
  page,
}) => {
  await open(page);
  const demo = (await lab.routes()).find(({ id }) => id === 'demo-lan')!;
  await page.keyboard.press('a');
  const form = page.getByRole('dialog', { name: 'Add a route' });
  await form.getByRole('textbox', { name: 'Name', exact: true }).fill('Tuned');
  await form.getByRole('textbox', { name: 'Host' }).fill(demo.host);
  await form.getByRole('textbox', { name: 'UDP port' }).fill(String(demo.port));
  await form.getByRole('textbox', { name: 'Name in the certificate' }).fill('localhost');
  await form.getByRole('combobox', { name: 'Congestion control' }).click();
  await page.getByRole('option', { name: /^BBRv3/ }).click();
  await form.getByText('Parameters').click();
  await form.getByRole('textbox', { name: 'Find a parameter' }).fill('DefaultCwndGain');
  const gain = form.getByRole('textbox', { name: 'DefaultCwndGain', exact: true });
  await gain.fill('900');
  await form.getByRole('button', { name: 'Add route' }).click();
  await expect(form.getByTestId('parameter-faults')).toHaveText(', 1 error');
  await gain.fill('2.5');
  await form.getByRole('button', { name: 'Add route' }).click();
  await expect(form).toBeHidden();
  const tuned = async () => (await lab.routes()).find(({ name }) => name === 'Tuned')!;
  expect(await tuned()).toMatchObject({ controller: 'bbr3', parameters: { DefaultCwndGain: 2.5 } });
  await expect(state(page, 'tuned')).toHaveText('up');

  await page.keyboard.press('e');
  const edit = page.getByRole('dialog', { name: 'Edit Tuned' });
  await expect(edit.getByText(/^1 of \d+ changed$/)).toBeVisible();
  await edit.getByRole('combobox', { name: 'Congestion control' }).click();
  await page.getByRole('option', { name: /^CUBIC/ }).click();
  await expect(edit.getByText(/^\d+, all at their defaults$/)).toBeVisible();
  await edit.getByRole('button', { name: 'Save' }).click();
  await expect(edit).toBeHidden();
  expect(await tuned()).toMatchObject({ controller: 'cubic', parameters: {} });
  await row(page, 'tuned').getByRole('button', { name: 'Tuned', exact: true }).click();
  await page.keyboard.press('Delete');
  await expect(row(page, 'tuned')).toBeHidden();
});

test('a route that cannot be reached says why, with code and hint', async ({ page }) => {
  await open(page);
  await page.keyboard.press('a');
  const form = page.getByRole('dialog', { name: 'Add a route' });
  await form.getByRole('textbox', { name: 'Name', exact: true }).fill('Nowhere');
  await form.getByRole('textbox', { name: 'Host' }).fill('127.0.0.1');
  await form.getByRole('textbox', { name: 'UDP port' }).fill('9');
  await form.getByRole('button', { name: 'Add route' }).click();
  const id = 'nowhere';
  await expect(state(page, id)).toContainText('down', { timeout: 30_000 });
  await state(page, id).click();
  const why = page.getByRole('dialog', { name: 'Why Nowhere is down' });
  await expect(why).toContainText(/RL_(PORT_CLOSED|CONNECT_TIMEOUT)/);
  await expect(why).toContainText(/UDP/);
  await page.keyboard.press('Escape');
  const dash = page.getByTestId(`route-${id}-rtt-p50`);
  await expect(dash).toContainText('–');
  await expect(dash).toContainText('The route is down: RL_');
  await row(page, id).getByRole('button', { name: 'Nowhere', exact: true }).click();
  await page.keyboard.press('Delete');
  await expect(row(page, id)).toBeHidden();
});

test('the chart follows the routes, the window, the axis and the cursor', async ({ page }) => {
  await open(page, '?show=demo-lte');
  await chartDrawn(page);
  const title = page.getByTestId('chart-title');
  await expect(title).toContainText('LTE');

  await page.getByRole('radiogroup', { name: 'Time window' }).getByText('5 min', { exact: true }).click();
  await expect(page).toHaveURL(/window=5m/);
  await expect(page.getByTestId('summary')).toContainText('in buckets of 2 s');
  await page.getByRole('button', { name: 'Log' }).click();
  await expect(page.getByRole('button', { name: 'Log' })).toHaveAttribute('aria-pressed', 'true');

  const cursor = page.getByTestId('time-cursor');
  await cursor.focus();
  const newest = Number(await cursor.getAttribute('aria-valuenow'));
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await expect.poll(async () => Number(await cursor.getAttribute('aria-valuenow'))).toBeLessThan(newest);
  await expect(cursor).toHaveAttribute('aria-valuetext', /LTE .*p50 \d+\.\d ms/);
  await page.keyboard.press('Escape');

  await page.getByRole('button', { name: 'Table', exact: true }).click();
  const table = page.getByTestId('series-table');
  await expect(table.getByRole('columnheader', { name: 'p99' })).toBeVisible();
  await expect(table.getByRole('row').nth(1)).toContainText(/\d ms/);
  await page.keyboard.press('t');

  await page.getByRole('button', { name: 'Compare all' }).click();
  await expect(title).toContainText(`p50 of ${(await lab.routes()).length} routes`);
  await page.getByTestId('route-demo-lan-plot').click();
  await expect(title).toContainText(`p50 of ${(await lab.routes()).length - 1} routes`);
});

test('the map is walked by the keyboard', async ({ page }) => {
  await open(page);
  await expect(page.getByRole('button', { name: /^Satellite: up, emulated path satellite/ })).toBeVisible();
  await page.getByRole('button', { name: /^LAN: up/ }).focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('chart-title')).toContainText('LTE');
});

test('commands are found by the palette and listed with their keys', async ({ page }) => {
  await open(page);
  await page.keyboard.press('Control+k');
  await page.getByRole('textbox', { name: 'Search commands' }).fill('compare');
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('chart-title')).toContainText('p50 of');

  await page.keyboard.press('Control+k');
  await page.getByRole('textbox', { name: 'Search commands' }).fill('undo');
  await expect(page.getByText('Not now: no route was removed on this page')).toBeVisible();
  await page.keyboard.press('Escape');

  await expect(page.getByRole('dialog', { name: 'Commands' })).toBeHidden();
  await page.keyboard.press('?');
  const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(sheet.getByText('Compare all routes')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(sheet).toBeHidden();
});

test('the appearance follows the system until one is chosen, and is remembered', async ({ page }) => {
  const scheme = () => page.locator('html').getAttribute('data-mantine-color-scheme');
  await page.emulateMedia({ colorScheme: 'dark' });
  await open(page);
  expect(await scheme()).toBe('dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await expect.poll(scheme).toBe('light');
  await page.getByRole('button', { name: 'Appearance' }).click();
  await page.getByRole('menuitem', { name: 'Dark appearance' }).click();
  await expect.poll(scheme).toBe('dark');
  await page.reload();
  await expect(row(page, 'demo-lan')).toBeVisible();
  expect(await scheme()).toBe('dark');
});

test('axe finds nothing, and the page is shown as it is', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await open(page, '?show=demo-lte');
  await chartDrawn(page);
  expect(await violationsInBoth(page)).toEqual([]);
  await pictures(page, 'routes');
  await page.keyboard.press('t');
  await expect(page.getByTestId('series-table')).toBeVisible();
  expect(await violationsInBoth(page)).toEqual([]);
  await page.keyboard.press('t');
  await page.keyboard.press('a');
  await expect(page.getByRole('dialog', { name: 'Add a route' })).toBeVisible();
  await page.getByRole('button', { name: 'Add route' }).click();
  expect(await violationsInBoth(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('dialog', { name: 'Commands' })).toBeVisible();
  expect(await violationsInBoth(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toBeHidden();
  // A narrow window and its stacked rows.
  await page.setViewportSize({ width: 1024, height: 700 });
  await expect(page.getByRole('columnheader', { name: 'Route and verdict' })).toBeVisible();
  expect(await violationsInBoth(page)).toEqual([]);
  expect(await sideways(page)).toEqual([]);
});

test('the desktop’s MessagePort carries the same page', async ({ page }) => {
  // The bridge of the preload, with the lab's WebSocket behind its port.
  await page.addInitScript(`
    window.routelab = {
      requestLabPort() {
        const { port1, port2 } = new MessageChannel();
        const socket = new WebSocket(location.origin.replace('http', 'ws') + '/api/rpc');
        socket.binaryType = 'arraybuffer';
        port2.onmessage = ({ data }) => socket.send(data);
        socket.onmessage = ({ data }) => port2.postMessage(data);
        socket.onopen = () => window.postMessage('routelab:port', location.origin, [port1]);
      },
      onCommand(listener) {
        window.chooseInMenu = listener;
        return () => {};
      },
    };
  `);
  await open(page);
  await chartDrawn(page);
  await page.evaluate(`window.chooseInMenu('chart.compare')`);
  await expect(page.getByTestId('chart-title')).toContainText('p50 of');
});
