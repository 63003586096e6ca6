/** A page of the lab whose console must stay silent, and what the tests read from it. */
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

/** axe's findings on the page as it is, one line each. */
export async function violations(page: Page): Promise<string[]> {
  // Tooltips come and go with the pointer and belong to no landmark.
  const { violations: found } = await new AxeBuilder({ page }).exclude('[role=tooltip]').analyze();
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(' | ')}`);
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
