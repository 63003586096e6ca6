/** The Probe page on a real lab: probes over emulated paths, stored runs, qlog files. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, type Page } from '@playwright/test';
import type { Profile } from '../../src/shared/domain.ts';
import type { ProbeRun, ProbeSeries } from '../../src/shared/probes.ts';
import { formatBytes, formatDuration, formatPercent, formatRate } from '../../src/shared/units.ts';
import { run, startServer } from '../cli/run.ts';
import { startLab, type TestLab } from './lab.ts';
import { test, violations } from './page.ts';

const screenshots = resolve(import.meta.dirname, '../../docs/screenshots');

let lab: TestLab;

test.beforeAll(async () => {
  lab = await startLab('--no-demo');
});
test.afterAll(() => lab.close());

async function api<T>(path: string): Promise<T> {
  const response = await fetch(`${lab.url}/api/v1${path}`);
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json() as Promise<T>;
}

const probeOf = (id: number): Promise<ProbeRun> => api(`/probes/${id}`);

async function open(page: Page, path = '/probe'): Promise<void> {
  await page.goto(`${lab.url}/#${path}`);
  await expect(page.getByTestId('connection')).toHaveText('Connected to the lab');
}

/** A run that is done, started by the API. */
async function measured(input: object): Promise<ProbeRun> {
  const profiles = await api<Profile[]>('/profiles');
  const { emulation } = profiles.find(({ name }) => name === 'cable')!;
  const response = await fetch(`${lab.url}/api/v1/probes`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      target: { kind: 'emulated', emulation },
      mode: 'download',
      durationS: 2,
      ...input,
    }),
  });
  const { id } = (await response.json()) as ProbeRun;
  await expect.poll(async () => (await probeOf(id)).state, { timeout: 60_000 }).toBe('done');
  return probeOf(id);
}

/** A qlog file as `routelab probe --qlog` writes it, of an upload to a server on this machine; 3 MB, so in several parts. */
async function recordedUpload(): Promise<{ directory: string; qlog: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'routelab-e2e-qlog-'));
  const data = join(directory, 'data');
  const qlog = join(directory, 'upload.sqlog');
  const { child, finished, port } = await startServer([], data);
  const upload = ['--mode', 'upload', '--bytes', '3mb', '--data', data, '--qlog', qlog];
  const { code, stderr } = await run(['probe', `127.0.0.1:${port}`, ...upload]);
  child.kill();
  await finished;
  expect(code, stderr).toBe(0);
  return { directory, qlog };
}

const form = (page: Page) => page.getByRole('form', { name: 'New probe' });

async function choose(page: Page, field: string, option: string | RegExp): Promise<void> {
  await form(page).getByRole('combobox', { name: field }).click();
  await page.getByRole('option', { name: option, exact: true }).click();
}

/** Fills the form, starts it, and waits until the page shows the run. */
async function start(
  page: Page,
  { profile = 'cable', mode = 'Download', controller = /^CUBIC/, seconds = 3 } = {},
): Promise<number> {
  const before = page.url();
  await choose(page, 'Emulated path', profile);
  await choose(page, 'Mode', mode);
  await choose(page, 'Controller', controller);
  await form(page).getByRole('textbox', { name: 'Duration in s' }).fill(String(seconds));
  await form(page).getByRole('button', { name: 'Start the probe' }).click();
  await expect.poll(() => page.url()).not.toBe(before);
  await expect(page).toHaveURL(/#\/probe\/\d+$/);
  return Number(page.url().split('/').at(-1));
}

const state = (page: Page) => page.getByTestId('run-state');
const done = (page: Page) => expect(state(page)).toHaveText('done', { timeout: 60_000 });
/** How many points the lines of the view took. */
const drawn = async (page: Page): Promise<number> =>
  Number(await page.getByTestId('trace-canvas').getAttribute('data-points'));

/** The numbers of the run on screen: value and words. */
const figures = (page: Page): Promise<Record<string, { value: string; text: string }>> =>
  page.getByTestId('figures').evaluate((list) => {
    const shown: Record<string, { value: string; text: string }> = {};
    const { querySelectorAll } = list as unknown as {
      querySelectorAll(selector: string): Iterable<{ dataset: Record<string, string>; textContent: string }>;
    };
    for (const { dataset, textContent } of querySelectorAll.call(list, '[data-testid^="figure-"]')) {
      shown[dataset['testid']!.slice('figure-'.length)] = { value: dataset['value']!, text: textContent };
    }
    return shown;
  });

const cell = (value: number, text: string) => ({ value: String(value), text });

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

test('every mode is chosen in the form, and its figures are those of the API', async ({ page }) => {
  await open(page);
  await choose(page, 'Mode', 'Handshakes');
  await choose(page, 'Start', '0-RTT');
  const shaken = await start(page, { mode: 'Handshakes', seconds: 2 });
  await done(page);
  const { result } = await probeOf(shaken);
  if (result!.detail?.kind !== 'handshake') throw new Error('no handshakes');
  expect(result!.detail.earlyDataAccepted).toBeGreaterThan(0);
  expect(await figures(page)).toMatchObject({
    resumed: cell(result!.detail.resumed, String(result!.detail.resumed)),
    'early-data': cell(result!.detail.earlyDataAccepted, String(result!.detail.earlyDataAccepted)),
  });
  await expect(page.getByTestId('waterfall-row').first()).toContainText('0-RTT accepted');

  const loaded = await probeOf(
    await start(page, { mode: 'Responsiveness', seconds: 4 }).then(async (id) => {
      await done(page);
      return id;
    }),
  );
  if (loaded.result!.detail?.kind !== 'responsiveness') throw new Error('no responsiveness');
  const { rpm, addedUs, grade } = loaded.result!.detail;
  expect(await figures(page)).toMatchObject({
    rpm: cell(rpm!, rpm!.toFixed(0)),
    grade: cell(addedUs!, grade!),
    added: cell(addedUs!, formatDuration(addedUs)),
  });
  await page.getByTestId('grade-rule').click();
  await expect(page.getByRole('dialog')).toContainText('less than 60 ms');
  await page.keyboard.press('Escape');

  await choose(page, 'Mode', 'FEC');
  await expect(form(page).getByRole('textbox', { name: 'Packets in per s' })).toHaveValue('100');
  await choose(page, 'Code', 'XOR parity');
  const repaired = await probeOf(
    await start(page, { mode: 'FEC', seconds: 2 }).then(async (id) => {
      await done(page);
      return id;
    }),
  );
  if (repaired.result!.detail?.kind !== 'fec') throw new Error('no FEC');
  const { scheme, ratePerS, up } = repaired.result!.detail;
  expect({ scheme, ratePerS, pathLoss: up!.pathLoss }).toMatchObject({ scheme: 'xor', ratePerS: 100 });
  expect(await figures(page)).toMatchObject({
    'source-loss-up': cell(up!.sourceLoss!, formatPercent(up!.sourceLoss, 2)),
    'residual-loss-up': cell(up!.residualLoss!, formatPercent(up!.residualLoss, 2)),
    'path-theory-up': cell(up!.theoryAtPathLoss!, formatPercent(up!.theoryAtPathLoss, 2)),
    'redundancy-up': cell(up!.redundancy!, formatPercent(up!.redundancy, 2)),
  });
  await expect(page.getByTestId('fec').getByRole('row')).toHaveCount(3);

  for (const [mode, table] of [
    ['Streams', 'streams'],
    ['Migration', 'moves'],
    ['HTTP/3 GET', 'requests'],
  ] as const) {
    await start(page, { mode, seconds: 2 });
    await done(page);
    await expect(page.getByTestId(table).getByRole('row')).not.toHaveCount(1);
  }
  expect(await violations(page)).toEqual([]);
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

test('what a controller does not take is told at its field, and only what was changed is sent', async ({
  page,
}) => {
  await open(page);
  await choose(page, 'Controller', /^CUBIC/);
  await form(page).getByText('Parameters').click();
  const parameters = (
    await api<{ name: string; parameters: { name: string; max: number; default: number }[] }[]>(
      '/controllers',
    )
  ).find(({ name }) => name === 'cubic')!.parameters;
  const [first, second] = parameters as [(typeof parameters)[0], (typeof parameters)[0]];
  const field = form(page).getByRole('textbox', { name: first.name, exact: true });
  await field.fill(String(first.max * 10));
  const message = form(page).getByText(new RegExp(`^from .* to ${first.max}$`));
  await expect(message, 'not judged while it is typed').toBeHidden();
  await field.blur();
  await expect(message).toBeInViewport();
  await expect(page.getByTestId('parameter-faults')).toHaveText(', 1 error');
  // From elsewhere in the form, Start leads to it.
  await form(page).getByRole('combobox', { name: 'Emulated path' }).focus();
  await form(page).getByRole('button', { name: 'Start the probe' }).click();
  await expect(field).toBeFocused();
  await expect(message).toBeInViewport();
  await expect(page).toHaveURL(/#\/probe$/);
  await field.fill(String(first.max));
  await form(page).getByRole('textbox', { name: second.name, exact: true }).fill(String(second.default));
  const id = await start(page, { mode: 'Handshakes', seconds: 1 });
  expect((await probeOf(id)).input!.parameters).toEqual({ [first.name]: first.max });
  await done(page);
  for (const figure of ['handshake-min', 'handshake-p50', 'handshake-p95', 'received'])
    await expect(page.getByTestId(`figure-${figure}`)).toHaveAttribute('data-value', /^[\d.]+$/);
  await expect(page.getByTestId('no-flow')).toContainText('too short for a congestion controller');
  await expect(page.getByTestId('congestion')).toBeHidden();
  await expect(page.getByTestId('run-verdict')).toHaveText('no verdict: no rule judges handshakes');
});

test('the form stands as it was left after a reload', async ({ page }) => {
  await open(page);
  await choose(page, 'Emulated path', 'lte');
  await choose(page, 'Mode', 'Pings');
  await choose(page, 'Controller', /^BBRv3/);
  await form(page).getByRole('textbox', { name: 'Pings in per s' }).fill('25');
  await page.reload();
  await expect(form(page).getByRole('combobox', { name: 'Emulated path' })).toHaveValue('lte');
  await expect(form(page).getByRole('combobox', { name: 'Controller' })).toHaveValue(/^BBRv3/);
  await expect(form(page).getByRole('textbox', { name: 'Pings in per s' })).toHaveValue('25');
});

/** What the picker says of the emulator once that is measured. */
const LIMIT = /^The emulator carries \d+ Mbit\/s here; faster paths are for the simulator\.$/;

test('a path is chosen by its numbers; one that the emulator does not carry is marked and cannot be', async ({
  page,
}) => {
  await open(page);
  const picker = form(page).getByRole('combobox', { name: 'Emulated path' });
  await choose(page, 'Emulated path', 'cable');
  await picker.click();
  await expect(page.getByRole('option', { name: 'lte', exact: true })).toContainText('50');
  await expect(page.getByTestId('emulator-limit')).toHaveText(LIMIT);
  const datacenter = page.getByRole('option', { name: 'datacenter', exact: true });
  await expect(datacenter).toContainText('simulator only');
  await expect(datacenter).toHaveAttribute('aria-disabled', 'true');
  const why = /Simulator only: 80000 Mbit\/s, the emulator carries \d+ Mbit\/s here/;
  await expect(datacenter).toHaveAttribute('title', why);
  expect(await violations(page)).toEqual([]);
  await picker.fill('datac');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Escape');
  await expect(picker).toHaveValue('cable');

  // Nor is one that was made so fast.
  await form(page).getByRole('button', { name: 'Change the path' }).click();
  const rate = form(page).getByRole('textbox', { name: 'Rate down in Mbit/s', exact: true });
  await rate.fill('80000');
  await expect(form(page).getByText(why)).toBeVisible();
  const start = form(page).getByRole('button', { name: 'Start the probe' });
  await expect(start).toBeDisabled();
  await rate.fill('20');
  await expect(start).toBeEnabled();
  await form(page).getByRole('textbox', { name: 'Jitter ± down in ms' }).fill('9000');
  await start.click();
  await expect(form(page).getByText('at most 5000')).toBeVisible();
  await expect(picker).toHaveValue('custom');
});

test('a path that no relay carries is refused by the lab too, of a run and of a route', async ({ page }) => {
  const profiles = await api<Profile[]>('/profiles');
  const { emulation } = profiles.find(({ name }) => name === 'datacenter')!;
  const post = (path: string, body: object) =>
    fetch(`${lab.url}/api/v1${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const started = await post('/probes', { target: { kind: 'emulated', emulation }, mode: 'ping' });
  const { id } = (await started.json()) as ProbeRun;
  await open(page, `/probe/${id}`);
  await expect(state(page)).toHaveText('failed');
  await expect(page.getByRole('alert')).toContainText(/more than a relay on this machine carries/);
  await page.getByRole('button', { name: 'Change settings' }).click();
  await expect(form(page).getByRole('combobox', { name: 'Emulated path' })).toHaveValue('datacenter');
  await expect(form(page).getByRole('button', { name: 'Start the probe' })).toBeDisabled();

  await post('/routes', { name: 'Too fast', host: '127.0.0.1', port: 9, emulation });
  await page.keyboard.press('Escape');
  await page.goto(`${lab.url}/#/routes`);
  await expect(page.getByTestId('route-too-fast-state')).toContainText('down', { timeout: 30_000 });
  await page.getByTestId('route-too-fast').click();
  await page.keyboard.press('e');
  const edit = page.getByRole('dialog', { name: 'Edit Too fast' });
  await expect(edit.getByText(/^Simulator only: 80000 Mbit\/s/)).toBeVisible();
  await expect(edit.getByRole('button', { name: 'Save' })).toBeDisabled();
  await page.keyboard.press('Escape');
  await expect(edit).toBeHidden();
  await page.keyboard.press('Delete');
  await expect(page.getByTestId('route-too-fast-state')).toBeHidden();
});

test('a rate that changes over time is set step by step, by the keyboard too', async ({ page }) => {
  await open(page);
  await choose(page, 'Emulated path', 'cable');
  await choose(page, 'Mode', 'Handshakes');
  await form(page).getByRole('button', { name: 'Change the path' }).click();
  const up = form(page).getByRole('group', { name: 'Rate schedule up' });
  await up.getByRole('button', { name: 'Change it over time' }).focus();
  await page.keyboard.press('Enter');
  const second = (step: number) => up.getByRole('textbox', { name: `Step ${step} up: from second` });
  const rate = (step: number) => up.getByRole('textbox', { name: `Step ${step} up: rate in Mbit/s` });
  await expect(second(1)).toBeFocused();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('2');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('1.5');
  await up.getByRole('button', { name: 'Add a step' }).click();
  await expect(second(2)).toBeFocused();
  await second(2).fill('1');
  await rate(2).fill('0');
  await form(page).getByRole('button', { name: 'Start the probe' }).click();
  await expect(up.getByText('at least 1')).toBeVisible();
  await rate(2).fill('5');
  await form(page).getByRole('button', { name: 'Start the probe' }).click();
  await expect(up.getByText('seconds do not rise')).toBeVisible();
  await second(2).fill('4');
  await up.getByRole('button', { name: 'Add a step' }).click();
  await up.getByRole('button', { name: 'Remove step 3 up' }).press('Enter');
  await expect(second(3)).toBeHidden();
  const before = page.url();
  await form(page).getByRole('textbox', { name: 'Duration in s' }).fill('1');
  await form(page).getByRole('button', { name: 'Start the probe' }).click();
  await expect.poll(() => page.url()).not.toBe(before);
  const { input } = await probeOf(Number(page.url().split('/').at(-1)));
  expect(input!.target).toMatchObject({
    emulation: {
      profile: 'custom',
      up: {
        rateSchedule: [
          [2, 1.5e6],
          [4, 5e6],
        ],
      },
    },
  });
  await done(page);
});

test('a recorded path is replayed from a file, told in numbers, and taken away again', async ({ page }) => {
  await open(page);
  await choose(page, 'Emulated path', 'cable');
  await choose(page, 'Mode', 'Pings');
  await form(page).getByRole('button', { name: 'Change the path' }).click();
  const down = form(page).getByRole('group', { name: 'Trace down' });
  const file = (name: string, text: string) =>
    down.locator('input[type=file]').setInputFiles({
      name,
      mimeType: 'text/plain',
      buffer: Buffer.from(text),
    });
  await file('odd.csv', 'time,rate,delay\n0,8,20\n1,fast,20\n');
  await expect(down.getByRole('alert')).toContainText('odd.csv: line 3: rate "fast" is not a number');
  await file('long.down', `${Array.from({ length: 60_000 }, (_, ms) => ms).join('\n')}\n`);
  await expect(down.getByRole('alert')).toContainText(/60000 packets take .* more than the 200\.0 kB/);
  await file('short.down', '5\n10\n15\n20\n');
  await expect(down.getByRole('alert')).toBeHidden();
  await expect(page.getByTestId('trace-down')).toHaveText(
    'Replays a trace: 0.02 s, 2.40 Mbit/s on average, 4 packets.',
  );
  await file('walk.csv', 'time,rate,delay\n0,8,20\n1,2,40\n2,8,20\n');
  await expect(page.getByTestId('trace-down')).toHaveText(
    'Replays a trace: 3 s, 6.00 Mbit/s on average, 3 steps.',
  );
  await expect(form(page).getByRole('textbox', { name: /^Rate down/ })).toBeHidden();
  await expect(form(page).getByRole('textbox', { name: /^Delay down/ })).toBeHidden();
  expect(await violations(page)).toEqual([]);
  await form(page).getByRole('textbox', { name: 'Jitter ± down in ms' }).fill('0');
  await form(page).getByRole('textbox', { name: 'Duration in s' }).fill('2');
  const before = page.url();
  await form(page).getByRole('button', { name: 'Start the probe' }).click();
  await expect.poll(() => page.url()).not.toBe(before);
  await done(page);
  const { input, result } = await probeOf(Number(page.url().split('/').at(-1)));
  expect(input!.target).toMatchObject({
    emulation: { down: { rateBps: null, delayMs: 0, trace: { kind: 'series', periodS: 3 } } },
  });
  // 7.5 ms up, and 20 or 40 ms down.
  expect(result!.rttUs!.min).toBeGreaterThan(20e3);
  await down.getByRole('button', { name: 'Remove the trace' }).click();
  await expect(form(page).getByRole('textbox', { name: /^Rate down/ })).toHaveValue('');
});

test('a run that is not there says so', async ({ page }) => {
  await open(page, '/probe/987654');
  await expect(page.getByRole('alert')).toContainText(
    'There is no probe run 987654. Choose one of those that exist; it may have been removed.',
  );
});

test('a qlog file is shown like a run of our own; what is none is refused with the reason', async ({
  page,
}) => {
  // A real one: of a client that uploads to a server over the loopback.
  const { directory, qlog } = await recordedUpload();
  try {
    await open(page);
    const files = page.locator('input[type=file]');
    await files.setInputFiles(resolve(import.meta.dirname, '../../package.json'));
    await expect(page.getByText('package.json was not imported')).toBeVisible();
    await expect(page.getByText(/RL_INPUT_INVALID/)).toBeVisible();
    await expect(page).toHaveURL(/#\/probe$/);

    await files.setInputFiles(qlog);
    await expect(page).toHaveURL(/#\/probe\/\d+$/, { timeout: 30_000 });
    const id = Number(page.url().split('/').at(-1));
    await expect(page.getByTestId('run').getByText('imported')).toBeVisible();
    await done(page);
    await expect.poll(() => drawn(page)).toBeGreaterThan(20);
    const { result, series } = await probeOf(id);
    const { packetsSent, packetsLost } = result!.transport[0]!;
    expect(await figures(page)).toMatchObject({
      'packets-sent': cell(packetsSent!, String(packetsSent)),
      'packets-lost': cell(packetsLost!, String(packetsLost)),
    });
    expect(series[0]!.points).toBeGreaterThan(20);
    await expect(page.getByRole('button', { name: 'Run again' })).toBeHidden();
    expect(await violations(page)).toEqual([]);

    // Dropped anywhere on the page it is the same.
    const text = readFileSync(qlog, 'utf8');
    const dropped = await page.evaluateHandle(
      `(() => {
        const transfer = new DataTransfer();
        transfer.items.add(new File([${JSON.stringify(text)}], 'dropped.sqlog'));
        return transfer;
      })()`,
    );
    await page.getByTestId('run').dispatchEvent('drop', { dataTransfer: dropped });
    await expect(page.getByTestId('run').getByRole('heading')).toHaveText('dropped.sqlog', {
      timeout: 30_000,
    });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
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

for (const scheme of ['light', 'dark'] as const) {
  test(`axe finds nothing, and the page is shown as it is, ${scheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    const [shown] = (await api<ProbeRun[]>('/probes')).filter(({ name }) => name === 'Shown');
    await open(page, shown ? `/probe/${shown.id}` : '/probe');
    if (!shown) {
      await form(page).getByRole('textbox', { name: 'Name', exact: true }).fill('Shown');
      await start(page, {
        profile: 'bufferbloat',
        controller: /^BBRv3/,
        seconds: 12,
      });
    }
    await done(page);
    expect(await violations(page)).toEqual([]);
    await page.locator('h1').click();
    await page.keyboard.press('t');
    await expect(page.getByTestId('trace-table')).toBeVisible();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('t');
    await page.keyboard.press('n');
    await expect(form(page)).toBeVisible();
    await form(page).getByText('Parameters').click();
    await form(page).getByRole('button', { name: 'Change the path' }).click();
    expect(await violations(page)).toEqual([]);
    await form(page).getByRole('button', { name: 'Done' }).click();
    await form(page).getByRole('combobox', { name: 'Emulated path' }).click();
    await expect(page.getByRole('option', { name: 'lte', exact: true })).toBeVisible();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.setViewportSize({ width: 1024, height: 700 });
    expect(await violations(page)).toEqual([]);

    await page.setViewportSize({ width: 1440, height: 900 });
    await page.getByText(/^Runs \(/).click();
    await page.mouse.move(0, 0);
    const picture = `${screenshots}/probe-${scheme}.png`;
    // The pictures of the README change with every run: they are taken anew only when asked for.
    if (existsSync(picture) && !process.env['ROUTELAB_SCREENSHOTS']) return;
    mkdirSync(screenshots, { recursive: true });
    await page.screenshot({ path: picture });
  });
}

test('older runs are listed when they are asked for', async ({ page }) => {
  const target = { kind: 'address', host: '127.0.0.1', port: 9 };
  for (let run = 0; run < 55; run++) {
    const response = await fetch(`${lab.url}/api/v1/probes`, {
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
  test.use({ expectedNoise: /WebSocket connection to|ERR_CONNECTION_REFUSED/ });

  test('leaves what was measured on the page, and of the run what was stored', async ({ page }) => {
    await open(page);
    const id = await start(page, { mode: 'Pings', seconds: 60 });
    await expect(page.getByTestId('run-progress')).toContainText(/[1-9]\d* of 600 pings/);
    await expect.poll(() => drawn(page)).toBeGreaterThan(5);
    await lab.kill();
    await expect(page.getByRole('alert').filter({ hasText: 'Lab unreachable' })).toBeVisible();
    expect(await drawn(page)).toBeGreaterThan(5);
    await lab.restart();
    // It may come back by itself before the button is reached.
    await page
      .getByRole('button', { name: 'Reconnect now' })
      .click({ timeout: 2000 })
      .catch(() => {});
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
