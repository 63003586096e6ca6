/** The Probe page on a real lab: runs over emulated paths, as they are measured and as they are kept. */
import { expect } from '@playwright/test';
import type { ProbeRun, ProbeSeries } from '../../src/shared/probes.ts';
import { formatBytes, formatDuration, formatPercent, formatRate } from '../../src/shared/units.ts';
import { LAB_DOWN, pictures, reconnectInVain, sideways, test, violations, violationsInBoth } from './page.ts';
import { cell, done, drawn, figures, form, probePage, start, state } from './probe-page.ts';

const at = probePage();
const { api, measured, open, probeOf } = at;

test('a probe over an emulated path is drawn while it is measured, kept, and the same after a reload', async ({
  page,
}) => {
  await open(page);
  await expect(page.getByRole('heading', { name: 'No probe yet' })).toBeVisible();
  const id = await start(page, { seconds: 4 });
  await expect(page.getByTestId('run').getByText('emulated')).toBeVisible();
  await expect(page.getByTestId('run-progress')).toContainText(/of 4 s/);
  // Live: the lines grow while the run goes on.
  await expect.poll(() => drawn(page)).toBeGreaterThan(20);
  const early = await drawn(page);
  await expect(page.getByTestId('figure-transport-min-rtt')).toHaveAttribute('data-value', /^\d+$/);
  await expect(page.getByTestId('figure-packets-lost')).toHaveAttribute('data-value', /^\d+$/);
  await expect(state(page), 'while it is measured').toHaveText('running');
  const place = await page.getByTestId('trace-cursor').boundingBox();
  await expect.poll(() => drawn(page)).toBeGreaterThan(early);
  await done(page);
  expect(await page.getByTestId('trace-cursor').boundingBox(), 'nothing moved as data came').toEqual(place);

  const run = await probeOf(id);
  const { result } = run;
  const transport = result!.transport.find(({ vantage }) => vantage === 'server')!;
  const expected = {
    down: cell(result!.goodputDownBps!, formatRate(result!.goodputDownBps)),
    'bytes-down': cell(result!.bytesDown!, formatBytes(result!.bytesDown)),
    'transport-min-rtt': cell(transport.minRttUs!, formatDuration(transport.minRttUs)),
    'packets-lost': cell(transport.packetsLost, String(transport.packetsLost)),
    retransmit: cell(transport.retransmitRatio!, formatPercent(transport.retransmitRatio, 2)),
  };
  expect(await figures(page)).toMatchObject(expected);

  // The cursor reads what the store holds.
  const { series } = await api<ProbeSeries>(`/probes/${id}/series?points=50000`);
  await page.reload();
  await done(page);
  expect(await figures(page)).toMatchObject(expected);
  await page.getByTestId('trace-cursor').focus();
  await page.keyboard.press('End');
  const lastOf = (column: readonly (number | null)[]) => String(column.at(-1));
  await expect(page.getByTestId('trace-cwndBytes')).toHaveAttribute('data-value', lastOf(series.cwndBytes));
  await expect(page.getByTestId('trace-rttUs')).toHaveAttribute('data-value', lastOf(series.rttUs));
  await expect(page.getByTestId('trace-summary')).toContainText('packets lost');
  await expect(page.getByTestId('run-verdict')).toContainText('for bulk');
  await expect(page.getByTestId(`run-${id}`)).toContainText(formatRate(result!.goodputDownBps));
});

test('the view is zoomed, moved and read by the keyboard and the pointer', async ({ page }) => {
  await open(page);
  await start(page, { mode: 'Upload', seconds: 3 });
  await done(page);
  const cursor = page.getByTestId('trace-cursor');
  const bounds = async () => [
    Number(await cursor.getAttribute('aria-valuemin')),
    Number(await cursor.getAttribute('aria-valuemax')),
  ];
  const [from, to] = (await bounds()) as [number, number];
  await cursor.focus();
  await page.keyboard.press('End');
  const newest = Number(await cursor.getAttribute('aria-valuenow'));
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('PageUp');
  await expect.poll(async () => Number(await cursor.getAttribute('aria-valuenow'))).toBeLessThan(newest);
  await expect(cursor).toHaveAttribute('aria-valuetext', /cwnd \d+\.\d kB.*RTT \d+\.\d ms/);
  await page.keyboard.press('+');
  await expect.poll(async () => (await bounds())[1]! - (await bounds())[0]!).toBeLessThan(to - from);
  await page.keyboard.press('0');
  await expect.poll(bounds).toEqual([from, to]);

  const box = (await cursor.boundingBox())!;
  await page.mouse.move(box.x + 200, box.y + 150);
  await page.mouse.down();
  await page.mouse.move(box.x + 400, box.y + 150, { steps: 4 });
  await page.mouse.up();
  await expect.poll(async () => (await bounds())[0]).toBeGreaterThan(from);
  await page.mouse.dblclick(box.x + 300, box.y + 150);
  await expect.poll(bounds).toEqual([from, to]);
  // The wheel alone scrolls.
  await page.mouse.wheel(0, -400);
  await page.keyboard.down('Control');
  expect(await bounds()).toEqual([from, to]);
  await page.mouse.wheel(0, -400);
  await page.keyboard.up('Control');
  await expect.poll(async () => (await bounds())[1]! - (await bounds())[0]!).toBeLessThan(to - from);
  await page.getByRole('button', { name: 'Whole' }).click();
  await expect.poll(bounds).toEqual([from, to]);

  // Shortcuts go on after a choice between two views has been made.
  await page.getByText(/^Runs \(/).click();
  await page.keyboard.press('t');
  const table = page.getByTestId('trace-table');
  await expect(table.getByRole('columnheader', { name: 'cwnd' })).toBeVisible();
  await expect(table.getByRole('row').nth(1)).toContainText(/kB/);
});

test('a run is cancelled, run again, removed and brought back', async ({ page }) => {
  await open(page);
  const id = await start(page, { mode: 'Pings', controller: /^NewReno/, seconds: 60 });
  await expect(state(page)).toHaveText('running');
  await expect(page.getByTestId('run-progress')).toContainText(/[1-9]\d* of 600 pings/);
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await expect(state(page)).toHaveText('cancelled');
  const cancelled = await probeOf(id);
  expect(cancelled.state).toBe('cancelled');
  expect((await figures(page))['sent']).toEqual(
    cell(cancelled.result!.sent!, String(cancelled.result!.sent)),
  );

  await page.getByRole('button', { name: 'Run again' }).click();
  await expect(page).not.toHaveURL(new RegExp(`/probe/${id}$`));
  await expect(page).toHaveURL(/\/probe\/\d+$/);
  const again = Number(page.url().split('/').at(-1));
  expect((await probeOf(again)).input).toEqual(cancelled.input);
  await expect(state(page)).toHaveText('running');
  await page.locator('body').press('x');
  await expect(state(page)).toHaveText('cancelled');

  const ids = async () => (await api<ProbeRun[]>('/probes')).map((run) => run.id);
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(page).not.toHaveURL(new RegExp(`/probe/${again}$`));
  expect(await ids()).not.toContain(again);
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await expect.poll(ids).toContain(again);
  await expect(page).toHaveURL(new RegExp(`/probe/${again}$`));
});

test('a run that is not there says so', async ({ page }) => {
  await open(page, '/probe/987654');
  await expect(page.getByRole('alert')).toContainText(
    'There is no probe run 987654. Choose one of those that exist; it may have been removed.',
  );
});

test('two runs are laid over each other', async ({ page }) => {
  const first = await measured({ controller: 'cubic' });
  const second = await measured({ controller: 'newreno' });
  await open(page, `/probe/${first.id}`);
  await page.getByRole('button', { name: 'Compare with' }).click();
  await page.getByRole('menuitem', { name: new RegExp(`run ${second.id}$`) }).click();
  await expect(page).toHaveURL(new RegExp(`/probe/${first.id}\\?with=${second.id}`));
  await expect(page.getByTestId('trace-summary')).toContainText(`(run ${second.id})`);
  await expect(page.getByTestId('phase-1')).toContainText(`(run ${second.id})`);
  for (const [id, figure] of [
    [first.id, 'figure-down'],
    [second.id, 'figure-down-1'],
  ] as const) {
    const { goodputDownBps } = (await probeOf(id)).result!;
    await expect(page.getByTestId(figure)).toHaveText(formatRate(goodputDownBps));
  }
  await page.getByRole('button', { name: 'End comparison' }).click();
  await expect(page.getByTestId('phase-1')).toBeHidden();
});

test('the page is reached and used by the keyboard, and says what it can do', async ({ page }) => {
  await measured({ mode: 'handshake' });
  await open(page, '/routes');
  await page.keyboard.press('p');
  await expect(page).toHaveURL(/#\/probe$/);
  await page.keyboard.press('Control+k');
  await page.getByRole('textbox', { name: 'Search commands' }).fill('qlog');
  await expect(page.getByText('Import a qlog file').last()).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog', { name: 'Commands' })).toBeHidden();
  await page.keyboard.press('?');
  const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(sheet.getByText('Start the probe')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(sheet).toBeHidden();
  const [newest] = await api<ProbeRun[]>('/probes');
  await page.keyboard.press('j');
  await expect(page).toHaveURL(new RegExp(`/probe/${newest!.id}$`));
  await page.keyboard.press('n');
  await expect(form(page)).toBeVisible();
  await page.keyboard.press('Escape');
  await page.locator('h1').click();
  await page.keyboard.press('r');
  await expect(page).toHaveURL(/#\/routes/);
});

test('axe finds nothing, and the page is shown as it is', async ({ page }) => {
  await page.emulateMedia({ reducedMotion: 'reduce' });
  await open(page);
  await start(page, { profile: 'bufferbloat', controller: /^BBRv3/, seconds: 12 });
  await done(page);
  expect(await violationsInBoth(page)).toEqual([]);
  await page.locator('h1').click();
  await page.keyboard.press('t');
  await expect(page.getByTestId('trace-table')).toBeVisible();
  expect(await violationsInBoth(page)).toEqual([]);
  await page.keyboard.press('t');
  await page.keyboard.press('n');
  await expect(form(page)).toBeVisible();
  await form(page).getByText('Parameters').click();
  await form(page).getByRole('button', { name: 'Change the path' }).click();
  expect(await violationsInBoth(page)).toEqual([]);
  await form(page).getByRole('button', { name: 'Done' }).click();
  await form(page).getByRole('combobox', { name: 'Emulated path' }).click();
  await expect(page.getByRole('option', { name: 'lte', exact: true })).toBeVisible();
  expect(await violationsInBoth(page)).toEqual([]);
  await page.keyboard.press('Escape');
  await page.setViewportSize({ width: 1024, height: 700 });
  expect(await violationsInBoth(page)).toEqual([]);
  expect(await sideways(page)).toEqual([]);
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.getByText(/^Runs \(/).click();
  await pictures(page, 'probe');
});

test('older runs are listed when they are asked for', async ({ page }) => {
  const target = { kind: 'address', host: '127.0.0.1', port: 9 };
  for (let run = 0; run < 55; run++) {
    const response = await fetch(`${at.lab.url}/api/v1/probes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ target, mode: 'ping', durationS: 1, name: `Nowhere ${run}` }),
    });
    expect(response.status).toBe(201);
  }
  const count = (await api<ProbeRun[]>('/probes?limit=1000')).length;
  const [oldest] = (await api<ProbeRun[]>('/probes?limit=1000')).slice(-1);
  await open(page);
  await page.getByText(/^Runs \(\d+\+\)$/).click();
  const list = page.getByTestId('runs');
  await expect(list.getByTestId(`run-${oldest!.id}`)).toBeHidden();
  while ((await list.getByTestId(`run-${oldest!.id}`).count()) === 0)
    await list.getByRole('button', { name: 'Show older runs' }).click();
  await expect(list.getByRole('button', { name: 'Show older runs' })).toBeHidden();
  await expect(page.getByText(`Runs (${count})`)).toBeVisible();
  expect(await violations(page)).toEqual([]);
  await list.getByText('Nowhere 54').click();
  await expect(page).toHaveURL(/#\/probe\/\d+$/);
  await page.locator('body').press('Delete');
  await expect(page.getByText(/^Removed Nowhere 54; it is deleted in 7 days\./)).toBeVisible();
  await expect(page.getByText(`Runs (${count - 1})`)).toBeVisible();
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await expect(page.getByText(`Runs (${count})`)).toBeVisible();
});

test.describe('a lab that goes away', () => {
  test.use({ expectedNoise: LAB_DOWN });

  test('leaves what was measured on the page, and of the run what was stored', async ({ page }) => {
    await open(page);
    const id = await start(page, { mode: 'Pings', seconds: 60 });
    await expect(page.getByTestId('run-progress')).toContainText(/[1-9]\d* of 600 pings/);
    await expect.poll(() => drawn(page)).toBeGreaterThan(5);
    await at.lab.kill();
    await expect(page.getByRole('alert').filter({ hasText: 'Lab unreachable' })).toBeVisible();
    expect(await drawn(page)).toBeGreaterThan(5);
    await reconnectInVain(page);
    await at.lab.restart();
    await expect(state(page)).toHaveText('interrupted', { timeout: 30_000 });
    expect((await probeOf(id)).state).toBe('interrupted');
    expect(await violations(page)).toEqual([]);
  });
});

test('goodput second by second is drawn as it was measured, and stands in a table', async ({ page }) => {
  const run = await measured({ durationS: 3 });
  const { detail } = run.result!;
  const intervals = detail?.kind === 'transfer' ? detail.down!.intervals : [];
  expect(intervals.length).toBeGreaterThan(1);
  await open(page, `/probe/${run.id}`);
  // The rest that is left over at the end, if it is short, has no rate worth drawing.
  const drawnParts = intervals.filter(({ fromUs, toUs }) => toUs - fromUs >= 100_000).length;
  await expect(page.getByTestId('intervals-chart')).toHaveAttribute('data-points', String(drawnParts));
  const chart = page.getByRole('slider', { name: 'Goodput second by second' });
  await chart.focus();
  await page.keyboard.press('Home');
  await expect(chart).toHaveAttribute(
    'aria-valuetext',
    new RegExp(formatRate(intervals[0]!.goodputBps).replace('.', '\\.')),
  );
  await page.getByRole('button', { name: 'View as table' }).click();
  const rows = page.getByTestId('intervals-table').locator('tbody tr');
  await expect(rows).toHaveCount(intervals.length);
  await expect(rows.first()).toContainText(formatRate(intervals[0]!.goodputBps));
  expect(await violations(page)).toEqual([]);
});
