/** The promise of a measurement: what the emulator was told is what the probe finds. Real time, about 20 s. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { run, start, startServer } from '../cli/run.ts';

it('a path of 40 ms and 1 % each way measures 80 ± 5 ms and 2 ± 0.5 % loss over 5000 pings', {
  timeout: 90_000,
}, async () => {
  const data = mkdtempSync(join(tmpdir(), 'routelab-path-'));
  const server = await startServer([], data);
  // 0.5 % is 2.5 standard deviations of 5000 draws, too near for chance. With this seed each direction has lost 1 ± 0.08 % of its packets at
  // any count from 4000 to 7000: all that is left to chance is which of them are the few that carry no ping.
  const path = ['--to', `127.0.0.1:${server.port}`, '--delay', '40ms', '--loss', '1%', '--seed', '179'];
  const emulator = start(['emulate', '--listen', '127.0.0.1:0', ...path]);
  try {
    const [, port] = await emulator.line(/127\.0\.0\.1:(\d+)/);
    const args = ['--count', '5000', '--rate', '350', '--data', data, '--emulated', '--json'];
    const { code, stdout, stderr } = await run(['probe', `127.0.0.1:${port}`, ...args]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({ sent: 5000, emulated: true });
    expect(result.rtt_ms.p50).toBeGreaterThanOrEqual(75);
    expect(result.rtt_ms.p50).toBeLessThanOrEqual(85);
    expect(result.loss_ratio).toBeGreaterThanOrEqual(0.015);
    expect(result.loss_ratio).toBeLessThanOrEqual(0.025);
  } finally {
    for (const { child } of [server, emulator]) child.kill('SIGTERM');
    await Promise.all([server.finished, emulator.finished]);
    rmSync(data, { recursive: true });
  }
});
