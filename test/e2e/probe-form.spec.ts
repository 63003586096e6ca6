/** The form of the Probe page on a real lab, and qlog files. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect } from '@playwright/test';
import type { Profile } from '../../src/shared/domain.ts';
import type { ProbeRun } from '../../src/shared/probes.ts';
import { formatDuration, formatPercent } from '../../src/shared/units.ts';
import { run, startServer } from '../cli/run.ts';
import { test, violations } from './page.ts';
import { cell, choose, done, drawn, figures, form, probePage, start, state } from './probe-page.ts';

const at = probePage();
const { api, open, probeOf } = at;

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
    fetch(`${at.lab.url}/api/v1${path}`, {
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
  await page.goto(`${at.lab.url}/#/routes`);
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

    // Dropped anywhere on the page it is the same, however many there are: more than the lab reads at a time.
    const text = readFileSync(qlog, 'utf8');
    const names = Array.from({ length: 6 }, (_, i) => `dropped-${i + 1}.sqlog`);
    const dropped = await page.evaluateHandle(
      `(() => {
        const transfer = new DataTransfer();
        for (const name of ${JSON.stringify(names)})
          transfer.items.add(new File([${JSON.stringify(text)}], name));
        return transfer;
      })()`,
    );
    await page.getByTestId('run').dispatchEvent('drop', { dataTransfer: dropped });
    await expect(page.getByTestId('run').getByRole('heading')).toHaveText(names.at(-1)!, { timeout: 60_000 });
    const newest = (await api<ProbeRun[]>('/probes')).slice(0, names.length);
    expect(newest.map(({ name, state: is }) => `${name} ${is}`)).toEqual(
      names.map((name) => `${name} done`).reverse(),
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
});
