// `npm test`: install, check, unit and property tests, then the browser end-to-end test. Closes with one line of counts.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, pinnedNode, root, run, runTool, toolEnv } from './prepare.mjs';

const totals = { passed: 0, failed: 0, skipped: 0 };
const cache = join(root, '.cache');

const finish = () => {
  console.log(`\n${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  process.exit(totals.failed === 0 ? 0 : 1);
};

const readJson = (file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null);

function unitTests() {
  const report = join(cache, 'vitest.json');
  rmSync(report, { force: true });
  const code = runTool('vitest/vitest.mjs', [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  const counts = readJson(report);
  totals.passed += counts?.numPassedTests ?? 0;
  totals.failed += counts?.numFailedTests ?? 0;
  totals.skipped += (counts?.numPendingTests ?? 0) + (counts?.numTodoTests ?? 0);
  // A file that fails to load, or a runner that dies, is a failure even if no test of it was counted.
  if (code !== 0 && totals.failed === 0) totals.failed++;
}

/** Chromium's path; installed from Debian where we may. */
function findChromium() {
  const known = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const found = () => process.env.CHROMIUM ?? known.find((path) => existsSync(path));
  if (found()) return found();
  if (process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log('Installing Chromium with apt-get for the end-to-end test …');
    run('apt-get', ['update', '-qq'], { stdio: 'ignore' });
    run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], { stdio: 'ignore' });
  }
  return found();
}

function browserTests() {
  const chromium = findChromium();
  if (!chromium) {
    console.log(
      'SKIPPED end-to-end test: Chromium is not installed (Debian package "chromium") and cannot be.',
    );
    totals.skipped++;
    return;
  }
  const report = join(cache, 'e2e.json');
  rmSync(report, { force: true });
  const code = run(
    pinnedNode,
    [join(root, 'node_modules/@playwright/test/cli.js'), 'test', '--reporter=list,json'],
    {
      env: { ...toolEnv, CHROMIUM: chromium, PLAYWRIGHT_JSON_OUTPUT_NAME: report },
    },
  );
  const stats = readJson(report)?.stats;
  totals.passed += (stats?.expected ?? 0) + (stats?.flaky ?? 0);
  totals.failed += stats?.unexpected ?? 0;
  totals.skipped += stats?.skipped ?? 0;
  if (code !== 0 && (stats?.unexpected ?? 0) === 0) totals.failed++;
}

ensureInstalled();
mkdirSync(cache, { recursive: true });
if (run(pinnedNode, [join(root, 'scripts/check.mjs')]) === 0) totals.passed++;
else {
  totals.failed++;
  finish();
}
ensureBuilt();
unitTests();
browserTests();
finish();
