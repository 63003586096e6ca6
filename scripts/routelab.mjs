#!/usr/bin/env node
// The `routelab` command from a checkout: hands over to the pinned Node.
import { join } from 'node:path';
import { ensureInstalled, pinnedNode, root, supervise } from './prepare.mjs';

ensureInstalled();
process.exitCode = await supervise(pinnedNode, [
  join(root, 'src/main/cli/main.ts'),
  ...process.argv.slice(2),
]);
