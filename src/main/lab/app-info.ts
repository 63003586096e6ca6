/** Which RouteLab this is and what it runs on: for `lab.info` and for every manifest. */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { arch, cpus, type as osType, release, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import packageJson from '../../../package.json' with { type: 'json' };

export interface AppInfo {
  version: string;
  /** Git commit of a checkout, with `-dirty` when files were changed since; null outside of one. */
  commit: string | null;
  os: { type: string; release: string; arch: string; cpu: string; cores: number; memoryBytes: number };
  node: string;
}

export async function appInfo(): Promise<AppInfo> {
  const processors = cpus();
  return {
    version: packageJson.version,
    commit: await commit(),
    os: {
      type: osType(),
      release: release(),
      arch: arch(),
      cpu: processors[0]?.model.trim() ?? 'unknown',
      cores: processors.length,
      memoryBytes: totalmem(),
    },
    node: process.versions.node,
  };
}

async function commit(): Promise<string | null> {
  const root = packageRoot(import.meta.dirname);
  if (root === null || !existsSync(join(root, '.git'))) return null;
  const git = ['-C', root, 'describe', '--always', '--abbrev=40', '--exclude=*', '--dirty'];
  return promisify(execFile)('git', git, { timeout: 2000 }).then(
    ({ stdout }) => stdout.trim(),
    () => null,
  );
}

/** Our own folder, above the sources or what a build made of them; an installed copy may lie in another repository. */
function packageRoot(from: string): string | null {
  const file = join(from, 'package.json');
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')).name === packageJson.name ? from : null;
  const parent = dirname(from);
  return parent === from ? null : packageRoot(parent);
}
