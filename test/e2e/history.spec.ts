/** Weeks of a route’s history, kept before the lab is opened: what the page shows of them is what was stored. */
import { expect, type Page } from '@playwright/test';
import { openStore } from '../../src/main/store/index.ts';
import { openUpkeep } from '../../src/main/store/rollups/upkeep.ts';
import { RouteInput } from '../../src/shared/domain.ts';
import { startLabOn, type TestLab } from './lab.ts';
import { sideways, test } from './page.ts';

const DAY_MS = 86_400_000;
const EVERY_MS = 60_000;
/** Of what is older there are roll-ups only. */
const RETENTION = { rawDays: 5, rollupDays: 15 };
/** Until the last whole hour: a bucket is shown once it is over. */
const untilMs = Math.floor(Date.now() / 3_600_000) * 3_600_000;
const sinceMs = untilMs - 29.9 * DAY_MS;

/** Every seventh is lost. */
const rttAt = (atMs: number): number | null => {
  const index = atMs / EVERY_MS;
  return index % 7 === 6 ? null : 10_000 + ((index * 37) % 9000);
};

function fill(dataDir: string): void {
  const store = openStore({ dataDir });
  const input = RouteInput.parse({ name: 'Old', host: '127.0.0.1', port: 9 });
  const { id } = store.routes.create(input, { demo: false, enabled: false });
  const experiment = store.experiments.create({ name: 'Monitor Old', kind: 'monitor', manifest: {} });
  const run = store.runs.start(experiment.id, id);
  const pings = [];
  for (let atMs = Math.ceil(sinceMs / EVERY_MS) * EVERY_MS; atMs < untilMs; atMs += EVERY_MS)
    pings.push({ atMs, rttUs: rttAt(atMs), loaded: false });
  store.writer.add(run.id, { pings, skips: [], transfers: [], handshakes: [], transport: null });
  store.writer.flush();
  store.runs.end(run.id, 'done');
  store.close();
  const upkeep = openUpkeep({ dataDir, retention: RETENTION });
  while (upkeep.step(untilMs));
  upkeep.close();
}

let lab: TestLab;
test.beforeAll(async () => {
  lab = await startLabOn(fill, '--no-demo');
});
test.afterAll(() => lab.close());

/** What the buckets hold, newest first. */
function* stored(newestMs: number, bucketMs: number, oldestMs: number) {
  for (let fromMs = newestMs; fromMs >= oldestMs; fromMs -= bucketMs) {
    const rtts: (number | null)[] = [];
    for (let atMs = fromMs; atMs < fromMs + bucketMs; atMs += EVERY_MS)
      if (atMs >= sinceMs) rtts.push(rttAt(atMs));
    const answered = rtts.filter((rtt) => rtt !== null);
    yield {
      min: String(Math.min(...answered)),
      max: String(Math.max(...answered)),
      lost: `${rtts.length - answered.length}/${rtts.length}`,
    };
  }
}

/** The rows of the table: extremes as numbers, losses as written. */
const rows = (page: Page): Promise<{ min: string; max: string; lost: string }[]> =>
  page.evaluate(`[...document.querySelectorAll('[data-testid=series-table] tbody tr')].map((tr) => {
    const cells = [...tr.querySelectorAll('td')];
    const value = (index) => cells[index].querySelector('[data-value]').dataset.value;
    return { min: value(0), max: value(4), lost: cells[6].textContent };
  })`);

for (const [key, window, bucketMs, days, note] of [
  ['6', '7d', 1_800_000, 7, 'Percentiles are from sketches of each minute'],
  ['7', '30d', 3_600_000, 30, 'Percentiles are from sketches of each hour'],
] as const) {
  test(`${days} days are drawn and told as they were stored`, async ({ page }) => {
    await page.goto(`${lab.url}/#/routes?show=old`);
    await expect(page.getByTestId('chart-title')).toContainText('Old');
    await page.keyboard.press(key);
    await expect(page).toHaveURL(new RegExp(`window=${window}`));
    await expect(page.getByTestId('chart')).toHaveAttribute('data-drawn', 'true');
    await expect(page.getByTestId('summary')).toContainText(`in buckets of ${bucketMs / 60_000} min`);
    await expect(page.getByTestId('summary')).toContainText(note);
    const cursor = page.getByTestId('time-cursor');
    await cursor.focus();
    await page.keyboard.press('End');
    await expect(cursor).toHaveAttribute('aria-valuetext', /p50 \d+\.\d ms/);
    await page.keyboard.press('Escape');
    await page.keyboard.press('t');
    const shown = await rows(page);
    // The oldest is cut by the window’s edge.
    expect(shown.length).toBeGreaterThan((days - 0.2) * (DAY_MS / bucketMs));
    const newestMs = untilMs - bucketMs;
    const oldestMs = newestMs - (shown.length - 1) * bucketMs;
    expect(shown.slice(0, -1)).toEqual([...stored(newestMs, bucketMs, oldestMs)].slice(0, -1));
    expect(await sideways(page)).toEqual([]);
  });
}
