/** A page of the lab whose console must stay silent, and what the tests read from it. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { test as base, expect, type Page } from '@playwright/test';

interface Fixtures {
  /** Console messages that are expected: a socket refused while the lab is down. */
  expectedNoise: RegExp | null;
  silentConsole: undefined;
}

export const test = base.extend<Fixtures>({
  expectedNoise: [null, { option: true }],
  silentConsole: [
    async ({ page, expectedNoise }, use) => {
      const noise: string[] = [];
      const hear = (text: string): void => {
        if (!expectedNoise?.test(text)) noise.push(text);
      };
      page.on('pageerror', (error) => hear(String(error)));
      // Violations of the content security policy arrive here as errors too.
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') hear(message.text());
      });
      await use(undefined);
      expect(noise).toEqual([]);
    },
    { auto: true },
  ],
});

/** Waits until the chart has drawn something measured. */
export async function chartDrawn(page: Page): Promise<void> {
  await expect(page.getByTestId('chart')).toHaveAttribute('data-drawn', 'true');
  await expect(page.getByTestId('summary')).toContainText('pings lost');
}

/** What the console says while the lab of a page is down. */
export const LAB_DOWN =
  /^WebSocket connection to 'ws:\/\/127\.0\.0\.1:\d+\/api\/rpc' failed: Error in connection establishment: net::ERR_CONNECTION_REFUSED$/;

/** Tries by hand while the lab is down, seconds before the page would try by itself. */
export async function reconnectInVain(page: Page): Promise<void> {
  await expect(page.getByText(/^Next attempt in [2-9] s$/)).toBeVisible({ timeout: 30_000 });
  const attempt = page.waitForEvent('websocket');
  await page.getByRole('button', { name: 'Reconnect now' }).click();
  expect((await attempt).url()).toMatch(/\/api\/rpc$/);
  // It was in vain, and the page waits longer than before.
  await expect(page.getByText(/^Next attempt in \d+ s$/)).toBeVisible();
}

/** Rules whose findings depend on the appearance. */
const OF_COLOURS = ['color-contrast', 'link-in-text-block'];

async function findings(page: Page, within: string | null, rules: readonly string[] = []): Promise<string[]> {
  // Tooltips come and go with the pointer and belong to no landmark. No page has frames, so axe needs no page of its own.
  // The rows of a long table are alike.
  const axe = new AxeBuilder({ page })
    .exclude('[role=tooltip]')
    .exclude('tbody tr:nth-child(n+12)')
    .setLegacyMode();
  if (within !== null) axe.include(within);
  if (rules.length > 0) axe.withRules([...rules]);
  const { violations: found } = await axe.analyze();
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
}

/** axe's findings on the page as it is, one line each. */
export const violations = (page: Page): Promise<string[]> => findings(page, null);

const SCHEMES = ['light', 'dark'] as const;

/** The page in an appearance, its colours no longer fading into it. */
async function showIn(page: Page, scheme: (typeof SCHEMES)[number]): Promise<void> {
  await page.emulateMedia({ colorScheme: scheme });
  await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', scheme);
  await page.evaluate(
    'for (const each of document.getAnimations()) if (each instanceof CSSTransition) each.finish()',
  );
}

/** The same in both appearances; the dark one is left. `within` is what there is that has not been looked at. */
export async function violationsInBoth(page: Page, within: string | null = null): Promise<string[]> {
  await showIn(page, 'light');
  const found = await findings(page, within);
  await showIn(page, 'dark');
  return [...found, ...(await findings(page, within, OF_COLOURS)).map((line) => `dark: ${line}`)];
}

/** Elements by which the page scrolls sideways; tables that scroll by themselves are none. */
export const sideways = (page: Page): Promise<string[]> =>
  page.evaluate(`[document.documentElement, ...document.querySelectorAll('main, main > div, main > div > *')]
    .filter((element) => element.scrollWidth > element.clientWidth)
    .map((element) => element.outerHTML.slice(0, 80))`);

const screenshots = resolve(import.meta.dirname, '../../docs/screenshots');

/** Pictures of the README in both appearances. They change with every run: they are taken anew only when asked for. */
export async function pictures(page: Page, name: string): Promise<void> {
  for (const scheme of SCHEMES) {
    const path = `${screenshots}/${name}-${scheme}.png`;
    if (existsSync(path) && !process.env['ROUTELAB_SCREENSHOTS']) continue;
    await showIn(page, scheme);
    await page.mouse.move(0, 0);
    await page.screenshot({ path });
  }
}

export interface Cell {
  /** The number in the domain's unit; null where a dash stands. */
  value: number | null;
  text: string;
}

export interface RowNumbers {
  fromMs: number;
  toMs: number;
  cells: Record<string, Cell>;
}

/** All numbers of a route's row at one moment. */
export async function readRow(page: Page, id: string): Promise<RowNumbers> {
  const row = page.getByTestId(`route-${id}`);
  return row.evaluate((element, prefix) => {
    const tr = element as unknown as {
      dataset: Record<string, string>;
      querySelectorAll(selector: string): Iterable<{ dataset: Record<string, string>; textContent: string }>;
    };
    const cells: Record<string, { value: number | null; text: string }> = {};
    for (const { dataset, textContent } of tr.querySelectorAll('[data-value]')) {
      const value = dataset['value'] === '' ? null : Number(dataset['value']);
      cells[dataset['testid']!.slice(prefix.length)] = { value, text: textContent };
    }
    return { fromMs: Number(tr.dataset['windowFrom']), toMs: Number(tr.dataset['windowTo']), cells };
  }, `route-${id}-`);
}
