// `npm test`: install, check, unit and property tests, then the browser end-to-end test. Closes with one line of counts.
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, pinnedNode, root, run, runTool, toolEnv } from './prepare.mjs';

const totals = { passed: 0, failed: 0, skipped: 0 };
/** Names of what was skipped; each says why. */
const skips = [];
/** Where everything tests need can be installed, only tests with one of these in their names may be skipped. */
const EXPECTED_SKIPS = [
  'the desktop window',
  'capturing is not permitted',
  'the kernel path: network namespaces',
  'the UDP meter: Linux with a C compiler',
  'the tunnel: ',
  // Data, not a package.
  'recorded 3G traces',
];
const cache = join(root, '.cache');

const finish = () => {
  if (skips.length > 0) console.log(`\nskipped:\n${skips.map((name) => `  ${name}`).join('\n')}`);
  const unexpected = skips.filter((name) => !EXPECTED_SKIPS.some((known) => name.includes(known)));
  if (process.env.ROUTELAB_NO_SKIPS && unexpected.length > 0) {
    console.log(`${unexpected.length} of them must not be skipped here.`);
    totals.failed += unexpected.length;
  }
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
  for (const file of counts?.testResults ?? []) {
    for (const { status, fullName } of file.assertionResults) {
      if (status === 'pending' || status === 'skipped' || status === 'todo') skips.push(fullName);
    }
  }
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
    skips.push('the browser end-to-end test: Chromium is not installed');
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
  const result = readJson(report);
  const stats = result?.stats;
  const collect = ({ specs = [], suites = [] }) => {
    for (const { title, tests } of specs) {
      for (const { status, annotations } of tests) {
        const why = annotations.find(({ type }) => type === 'skip')?.description;
        if (status === 'skipped') skips.push(why ? `${title}: ${why}` : title);
      }
    }
    suites.forEach(collect);
  };
  collect(result ?? {});
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
