/** The Probe page of a lab of the file’s own, and what its tests do there. */
import { expect, type Page } from '@playwright/test';
import type { Profile } from '../../src/shared/domain.ts';
import type { ProbeRun } from '../../src/shared/probes.ts';
import { startLab, type TestLab } from './lab.ts';
import { test } from './page.ts';

export function probePage() {
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

  return {
    get lab() {
      return lab;
    },
    api,
    probeOf,
    open,
    measured,
  };
}

export const form = (page: Page) => page.getByRole('form', { name: 'New probe' });

export async function choose(page: Page, field: string, option: string | RegExp): Promise<void> {
  await form(page).getByRole('combobox', { name: field }).click();
  await page.getByRole('option', { name: option, exact: true }).click();
}

/** Fills the form, starts it, and waits until the page shows the run. */
export async function start(
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

export const state = (page: Page) => page.getByTestId('run-state');
export const done = (page: Page) => expect(state(page)).toHaveText('done', { timeout: 60_000 });
/** How many points the lines of the view took. */
export const drawn = async (page: Page): Promise<number> =>
  Number(await page.getByTestId('trace-canvas').getAttribute('data-points'));

/** The numbers of the run on screen: value and words. */
export const figures = (page: Page): Promise<Record<string, { value: string; text: string }>> =>
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

export const cell = (value: number, text: string) => ({ value: String(value), text });
