/** The Experiments page on a real lab: real probe runs over emulated paths, compared, exported, and taken by another lab. */
import { readFileSync, writeFileSync } from 'node:fs';
import { expect, type Page } from '@playwright/test';
import type { Profile } from '../../src/shared/domain.ts';
import type { Comparison, Experiment, Run } from '../../src/shared/experiments.ts';
import type { ProbeRun } from '../../src/shared/probes.ts';
import { quantile } from '../../src/shared/samples.ts';
import { formatDuration } from '../../src/shared/units.ts';
import { startLab, type TestLab } from './lab.ts';
import { pictures, sideways, test, violations, violationsInBoth } from './page.ts';

const REPETITIONS = 7;

let lab: TestLab;
let near: Experiment;
let far: Experiment;

async function api<T>(path: string, body?: object, at = lab): Promise<T> {
  const response = await fetch(`${at.url}/api/v1${path}`, {
    ...(body && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json() as Promise<T>;
}
const list = (at = lab) => api<{ experiments: Experiment[]; total: number }>('/experiments', undefined, at);
const runsOf = async (id: number, at = lab): Promise<Run[]> =>
  (await api<{ runs: Run[] }>(`/experiments/${id}/runs`, undefined, at)).runs;
const rateOf = ({ manifest }: Experiment): number =>
  (manifest['parameters'] as { target: { emulation: Profile['emulation'] } }).target.emulation.up.rateBps!;
const of = (run: Run, metric: string): number => run.result![metric]!.value!;

/** An experiment of pings over a profile's path, with all its runs asked for. */
async function begun(profile: string): Promise<Experiment> {
  const { emulation } = (await api<Profile[]>('/profiles')).find(({ name }) => name === profile)!;
  const input = { target: { kind: 'emulated', emulation }, mode: 'ping', durationS: 1 };
  const run = await api<ProbeRun>('/probes', input);
  const { experiments } = await list();
  const experiment = experiments[0]!;
  await api(`/experiments/${experiment.id}/again`, { repetitions: REPETITIONS - 1 });
  expect(run.id).toBeGreaterThan(0);
  return experiment;
}

test.beforeAll(async () => {
  test.setTimeout(150_000);
  lab = await startLab('--no-demo');
  near = await begun('cable');
  far = await begun('satellite');
  for (const { id } of [near, far])
    await expect
      .poll(async () => (await runsOf(id)).filter(({ state }) => state === 'done').length, {
        timeout: 90_000,
      })
      .toBe(REPETITIONS);
});
test.afterAll(() => lab.close());

async function open(page: Page, path = '/experiments', at = lab): Promise<void> {
  await page.goto(`${at.url}/#${path}`);
  await expect(page.getByTestId('connection')).toHaveText('Connected to the lab');
}
const row = (page: Page, { id }: Pick<Experiment, 'id'>) => page.getByTestId(`experiment-${id}`);

test('experiments are listed, filtered and moved among by keys', async ({ page }) => {
  await open(page);
  await expect(row(page, far)).toHaveAttribute('aria-current', 'true');
  await expect(row(page, near)).toContainText('emulated');
  await expect(row(page, near).getByRole('cell').nth(3)).toHaveText(String(REPETITIONS));
  await page.keyboard.press('j');
  await expect(row(page, near)).toHaveAttribute('aria-current', 'true');
  await page.keyboard.press('k');
  await expect(row(page, far)).toHaveAttribute('aria-current', 'true');

  await page.keyboard.press('/');
  await page.keyboard.type('cable');
  await expect(row(page, far)).toBeHidden();
  await expect(row(page, near)).toBeVisible();
  await expect(page).toHaveURL(/text=cable/);
  await page.getByRole('searchbox').fill('no such thing');
  await expect(page.getByRole('heading', { name: 'No experiment is like this' })).toBeVisible();
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByRole('combobox', { name: 'Order' }).click();
  await page.getByRole('option', { name: 'oldest first' }).click();
  await expect(page.getByTestId('experiments').locator('tbody tr').first()).toContainText('cable');
  await page.getByTestId('experiments').locator('tbody tr').first().locator('td').nth(1).click();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(new RegExp(`/experiments/${near.id}`));
});

test('an experiment is shown as the API and the store tell it, and is edited in place', async ({ page }) => {
  await open(page, `/experiments/${near.id}`);
  const runs = await runsOf(near.id);
  const sorted = Float64Array.from(runs.map((run) => of(run, 'rtt_p50'))).sort();
  const median = quantile(sorted, 0.5);
  const cell = page.getByTestId('metric-rtt_p50-median');
  await expect(cell).toHaveAttribute('data-value', String(median));
  await expect(cell).toHaveText(formatDuration(median, 2));
  await expect(page.getByTestId('metric-rtt_p50-low')).toHaveAttribute('data-value', String(sorted[0]));
  for (const run of runs)
    await expect(page.getByTestId(`run-${run.id}-rtt_p50`)).toHaveAttribute(
      'data-value',
      String(of(run, 'rtt_p50')),
    );
  await expect(page.getByTestId('metric-chart')).toHaveAttribute('data-points', String(REPETITIONS));
  const chart = page.getByRole('slider', { name: /RTT p50 over the runs/ });
  await chart.focus();
  await page.keyboard.press('Home');
  await expect(chart).toHaveAttribute(
    'aria-valuetext',
    new RegExp(`run 1: ${formatDuration(of(runs[0]!, 'rtt_p50'), 2)}`),
  );
  await page.keyboard.press('t');
  await expect(page.getByTestId('metric-table').getByRole('row')).toHaveCount(REPETITIONS + 1);
  await page.keyboard.press('t');
  await expect(page.getByTestId('manifest')).toContainText(String(near.manifest['seed']));
  // Settings are told in words, and to every digit when pointed at.
  const about = page.getByRole('complementary', { name: 'About the experiment' });
  await expect(about.getByTitle('target.emulation.up.rateBps')).toHaveText('Rate up');
  await expect(about.getByTitle(String(rateOf(near))).first()).toHaveText(`${rateOf(near) / 1e6} Mbit/s`);

  const name = page.getByRole('textbox', { name: 'Name' });
  await name.fill('Cable at home');
  await name.press('Enter');
  await page.getByRole('textbox', { name: 'Notes' }).fill('After the new router.');
  await page.getByRole('textbox', { name: 'Notes' }).blur();
  await page.getByRole('combobox', { name: 'Tags' }).fill('home');
  await page.getByRole('combobox', { name: 'Tags' }).press('Enter');
  const stored = () => api<Experiment>(`/experiments/${near.id}`);
  await expect
    .poll(async () => {
      const { name: called, notes, tags } = await stored();
      return { called, notes, tags };
    })
    .toEqual({ called: 'Cable at home', notes: 'After the new router.', tags: ['home'] });
  await page.getByRole('link', { name: '1 · view' }).click();
  await expect(page).toHaveURL(new RegExp(`/probe/${runs[0]!.id}$`));
});

test('what was edited is taken back where the lab refuses it', async ({ page }) => {
  await open(page, `/experiments/${far.id}`);
  const name = page.getByRole('textbox', { name: 'Name' });
  await expect(name).toHaveValue(far.name);
  await api(`/experiments/${far.id}/pin`, { pinned: false });
  const gone = await fetch(`${lab.url}/api/v1/experiments/${far.id}`, { method: 'DELETE' });
  expect(gone.ok).toBe(true);
  await name.fill('Too late');
  await name.press('Enter');
  await expect(page.getByText(/was not saved/)).toBeVisible();
  await expect(name).toHaveValue(far.name);
  await api(`/experiments/${far.id}/restore`, {});
});

test('two are compared with the baseline: only what differs, and the verdict with its rule', async ({
  page,
}) => {
  await open(page, `/experiments/${near.id}`);
  await page.keyboard.press('y');
  await expect(page.getByRole('button', { name: 'Unpin baseline' })).toBeVisible();
  await open(page);
  await row(page, far).getByRole('checkbox').check();
  await row(page, near).getByRole('checkbox').check();
  await page.getByRole('button', { name: 'Compare 2' }).click();
  const told = await api<Comparison>('/experiments/compare', { ids: [far.id, near.id] });
  expect(told.baselineId).toBe(near.id);
  const rtt = told.metrics.find(({ name }) => name === 'rtt_p50')!;
  const cell = page.getByTestId(`compared-rtt_p50-${far.id}`);
  await expect(cell).toContainText(formatDuration(rtt.cells[0]!.median, 2));
  await expect(cell).toContainText(`+${formatDuration(rtt.cells[0]!.difference!.estimate, 2)}`);
  await expect(cell.getByTestId('verdict')).toHaveText('worse');
  await expect(page.getByTestId(`compared-rtt_p50-${near.id}`).getByTestId('verdict')).toHaveCount(0);
  await cell.getByTestId('verdict').click();
  await expect(page.getByRole('dialog')).toContainText('Hodges and Lehmann');
  await page.keyboard.press('Escape');

  const parameters = page.getByTestId('compared-parameters').locator('tbody tr');
  await expect(parameters).toHaveCount(told.parameters.length);
  await page.getByRole('button', { name: 'All parameters' }).click();
  expect(told.parameters.every(({ differs }) => differs)).toBe(true);
  await expect.poll(() => parameters.count()).toBeGreaterThan(told.parameters.length);
  expect(await violations(page)).toEqual([]);
});

test('an experiment is run again, and how far it is stands on the page', async ({ page }) => {
  await open(page, `/experiments/${near.id}`);
  const before = (await runsOf(near.id)).length;
  await page.getByRole('button', { name: 'Run again' }).click();
  const form = page.getByRole('form', { name: 'Run the experiment again' });
  await form.getByRole('textbox', { name: /Repetitions/ }).fill('0');
  await expect(form.getByRole('button', { name: 'Start' })).toBeDisabled();
  await form.getByRole('textbox', { name: /Repetitions/ }).fill('6');
  await form.getByRole('button', { name: 'Start' }).click();
  await expect(page.getByTestId('experiment-state')).toContainText(/\d of 6 runs/);
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByTestId('experiment-state')).toContainText('cancelled');
  const runs = await runsOf(near.id);
  expect(runs).toHaveLength(before + 6);
  await expect(page.getByTestId('experiment-runs').getByText('cancelled').first()).toBeVisible();
});

test('a matrix is begun in the form, followed cell by cell, cancelled, resumed and run again', async ({
  page,
}) => {
  await open(page);
  await page.keyboard.press('z');
  const form = page.getByRole('dialog', { name: 'Measure cell by cell' });
  const field = (name: string) => form.getByRole('textbox', { name, exact: true });
  await expect(form.getByTestId('cells-extent')).toHaveText('16 cells, 16 runs, about 5 min');
  await form.getByText('Scenario', { exact: true }).click();
  await expect(form.getByText('2 × 4 streams of 100 messages/s for 30 s')).toBeVisible();
  await form.getByText('Matrix', { exact: true }).click();
  await form.getByText('Full', { exact: true }).click();
  await expect(form.getByTestId('cells-extent')).toHaveText('192 cells, 576 runs, about 6 h 14 min');
  await field('Messages per second of a stream').fill('50, 50');
  await field('Connections').fill('1');
  await field('Loss in %').fill('0');
  await field('RTT in ms').fill('5');
  await form.getByRole('button', { name: 'Start' }).click();
  await expect(form.getByText('names a value twice')).toBeVisible();
  expect(await violationsInBoth(page, '[role=dialog]')).toEqual([]);
  await field('Messages per second of a stream').fill('50, 100');
  for (const [name, value] of [
    ['Measured for in s', '1'],
    ['Warm-up in s', '0'],
    ['Cool-down in s', '0'],
    ['Repetitions', '2'],
  ] as const)
    await field(name).fill(value);
  await expect(form.getByTestId('cells-extent')).toHaveText('2 cells, 4 runs, about 12 s');
  await form.getByRole('button', { name: 'Start' }).click();
  await expect(page).toHaveURL(/\/experiments\/\d+/);
  const id = Number(/experiments\/(\d+)/.exec(page.url())![1]);
  const states = async () => (await runsOf(id)).map((run) => run.state);

  // Cells come in while the others wait.
  const state = page.getByTestId('experiment-state');
  await expect(state).toContainText(/of 4 runs, about \d+ s left · .*RTT 5 ms: \d+ %/);
  await expect(page.getByTestId('metrics').getByRole('rowheader').first()).toHaveText(
    '50/s × 1, loss 0 %, RTT 5 ms · Goodput up',
  );
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(state).toContainText('cancelled');
  expect(await states()).toContain('cancelled');
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(state).toHaveText('4 done', { timeout: 60_000 });
  const runs = await runsOf(id);
  for (const run of runs)
    await expect(page.getByTestId(`run-${run.id}-rtt_p50`)).toHaveAttribute(
      'data-value',
      String(of(run, 'rtt_p50')),
    );
  await page.getByRole('button', { name: 'Run again' }).click();
  await page.getByRole('button', { name: 'Start' }).click();
  await expect(state).toContainText('of 4 runs');
  await page.getByRole('button', { name: 'Cancel' }).click();
  await expect(state).toContainText('4 done, 4 cancelled');
});

test('what a scenario is held against stands beside what it came to', async ({ page }) => {
  const settings = { scenario: 'dc-eu', durationS: 1, warmUpS: 0 };
  const experiment = await api<Experiment>('/matrix', { kind: 'scenario', settings });
  await expect.poll(async () => (await runsOf(experiment.id))[0]!.state, { timeout: 60_000 }).toBe('done');
  await open(page, `/experiments/${experiment.id}`);
  const gates = page.getByTestId('gates');
  const [run] = await runsOf(experiment.id);
  const p95Ms = Number((of(run!, 'rtt_p95') / 1e3).toFixed(9));
  await expect(gates.getByTestId('gate-RTT p95')).toHaveAttribute('data-value', String(p95Ms));
  const judged = gates.getByRole('row', { name: /^RTT p95/ });
  await expect(judged).toContainText('at most');
  const limit = Number(/at most ([\d.]+) ms/.exec((await judged.textContent()) ?? '')![1]);
  await expect(judged).toContainText(p95Ms <= limit ? 'met' : 'missed');
  await expect(page.getByTestId('experiment').getByText('emulated', { exact: true }).first()).toBeVisible();
});

test('a removed experiment comes back whole', async ({ page }) => {
  await open(page);
  await row(page, far).getByRole('cell').nth(2).click();
  const before = await runsOf(far.id);
  await page.keyboard.press('Delete');
  await expect(row(page, far)).toBeHidden();
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect(row(page, far)).toBeVisible();
  expect(await runsOf(far.id)).toEqual(before);
});

test('an exported experiment is the same in a fresh lab; a file that is none says so', async ({
  page,
}, info) => {
  await open(page, `/experiments/${far.id}`);
  await page.getByRole('button', { name: 'Export' }).click();
  const downloading = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: 'JSON lines' }).click();
  const path = info.outputPath('far.jsonl');
  await (await downloading).saveAs(path);
  await page.getByRole('button', { name: 'Export' }).click();
  const report = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: 'HTML' }).click();
  const html = info.outputPath('far.html');
  await (await report).saveAs(html);
  expect(readFileSync(html, 'utf8')).toContain(far.name);

  const fresh = await startLab('--no-demo');
  try {
    await open(page, '/experiments', fresh);
    await expect(page.getByRole('heading', { name: 'No experiment yet' })).toBeVisible();
    const bad = info.outputPath('bad.jsonl');
    writeFileSync(bad, 'no experiment at all');
    await page.getByTestId('experiment-files').setInputFiles(bad);
    await expect(page.getByText('bad.jsonl was not imported')).toBeVisible();
    await expect(page.getByText(/RL_INPUT_INVALID/)).toBeVisible();
    expect((await list(fresh)).total).toBe(0);
    await page.getByTestId('experiment-files').setInputFiles(path);
    await expect(page.getByTestId('experiment')).toBeVisible();
    await expect(page.getByRole('textbox', { name: 'Name' })).toHaveValue(far.name);
    const [taken] = (await list(fresh)).experiments;
    expect(taken!.manifest).toEqual(far.manifest);
    const results = async (id: number, at: TestLab) => (await runsOf(id, at)).map(({ result }) => result);
    expect(await results(taken!.id, fresh)).toEqual(await results(far.id, lab));
  } finally {
    // An open page would try to reach it again.
    await page.goto('about:blank');
    await fresh.close();
  }
});

for (const [width, height] of [
  [1024, 700],
  [2560, 1200],
] as const) {
  test(`every view is accessible and fits at ${width} wide`, async ({ page }) => {
    const views = [
      ['/experiments', 'experiments', null],
      [`/experiments/${near.id}`, 'metric-chart', 'experiment'],
      [`/experiments?marked="${far.id},${near.id}"&compare=true`, 'compared-metrics', 'experiments-compared'],
    ] as const;
    for (const [path, shown, picture] of views) {
      await page.setViewportSize({ width, height });
      await open(page, path);
      await expect(page.getByTestId(shown)).toBeVisible();
      expect(await violationsInBoth(page), path).toEqual([]);
      expect(await sideways(page), path).toEqual([]);
      if (picture === null || width === 2560) continue;
      await page.setViewportSize({ width: 1440, height: 900 });
      await pictures(page, picture);
    }
  });
}
