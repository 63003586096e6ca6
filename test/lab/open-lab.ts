/** Real labs for tests: real store in a folder of its own, real workers, real QUIC over loopback. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createLab, type Lab, type LabOptions } from '../../src/main/lab/index.ts';
import type { RouteStatus } from '../../src/shared/domain.ts';

export const realWorkers: LabOptions['workerUrl'] = (name) =>
  new URL(`../../src/main/workers/${name}.ts`, import.meta.url);

export const silentLog: LabOptions['log'] = { info: () => {}, warn: () => {}, error: () => {} };

/** A folder that is removed when the test is over. */
export function temporaryDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'routelab-test-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A lab that is closed when the test is over, if the test did not close it. */
export async function openLab(options: Partial<LabOptions> = {}): Promise<Lab> {
  const lab = await createLab({
    dataDir: options.dataDir ?? temporaryDir(),
    host: 'headless',
    workerUrl: realWorkers,
    log: silentLog,
    ...options,
  });
  const end = lab.close;
  let closing: Promise<void> | null = null;
  lab.close = () => {
    closing ??= end();
    return closing;
  };
  onTestFinished(() => lab.close());
  return lab;
}

/** Follows the statuses until `isReached`, and returns the ones that reached it. */
export async function until(
  lab: Pick<Lab, 'client'>,
  isReached: (statuses: RouteStatus[]) => boolean,
): Promise<RouteStatus[]> {
  const enough = new AbortController();
  try {
    const stream = await lab.client.routes.watch(undefined, { signal: enough.signal });
    for await (const statuses of stream) if (isReached(statuses)) return statuses;
    throw new Error('the lab closed before it was reached');
  } finally {
    enough.abort();
  }
}

/** A route of the user’s own to the demo’s server, which the lab’s own authority vouches for. */
export async function ownRoute(
  lab: Lab,
  fields: Partial<Parameters<Lab['client']['routes']['create']>[0]> = {},
) {
  const [demo] = await lab.client.demo.start();
  return lab.client.routes.create({
    name: 'Own',
    host: '127.0.0.1',
    port: demo!.port,
    serverName: 'localhost',
    pingRate: 50,
    ...fields,
  });
}
