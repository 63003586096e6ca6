// `npm run check`: format, lint, floors, types and dead code, side by side. Fails with the output of what failed.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureInstalled, pinnedNode, root, toolEnv } from './prepare.mjs';

ensureInstalled();
const tool = (path) => join(root, 'node_modules', path);
const checks = {
  'format and lint': [tool('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings', '.'],
  floors: [
    tool('dependency-cruiser/bin/dependency-cruiser.mjs'),
    'src',
    '--config',
    '.dependency-cruiser.cjs',
  ],
  'types (main)': [tool('typescript/bin/tsc'), '-p', '.'],
  'types (renderer)': [tool('typescript/bin/tsc'), '-p', 'src/renderer'],
  'dead code': [tool('knip/bin/knip.js')],
};

const results = await Promise.all(
  Object.entries(checks).map(
    ([name, args]) =>
      new Promise((resolve) => {
        const started = performance.now();
        const child = spawn(pinnedNode, args, { cwd: root, env: toolEnv });
        let output = '';
        child.stdout.on('data', (chunk) => (output += chunk));
        child.stderr.on('data', (chunk) => (output += chunk));
        child.once('exit', (code) =>
          resolve({ name, code, output, seconds: (performance.now() - started) / 1000 }),
        );
      }),
  ),
);
for (const { name, code, output, seconds } of results) {
  console.log(`${code === 0 ? 'ok  ' : 'FAIL'} ${name} (${seconds.toFixed(1)} s)`);
  if (code !== 0) console.log(output);
}
process.exitCode = results.every(({ code }) => code === 0) ? 0 : 1;
