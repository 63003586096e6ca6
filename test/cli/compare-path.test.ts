import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { tunnelMissing } from '../../src/main/cli/tunnel.ts';
import { type Finished, run } from './run.ts';

const MAIN = new URL('../../src/main/cli/main.ts', import.meta.url).pathname;
const compare = (...args: string[]): Promise<Finished> => run(['compare-tcp', ...args]);
const PATH = ['--rtt', '30ms', '--rate', '20mbit', '--seed', '7'];
const TIMEOUT_MS = 120_000;

/** Processes that have `mark` in their environment, as all that a command starts do. */
const marked = (mark: string): string[] =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(mark);
      } catch {
        // It ended while we looked, or is not ours to look at.
        return false;
      }
    });

const missing = tunnelMissing();
describe.skipIf(missing !== null)(missing === null ? 'the tunnel' : `the tunnel: ${missing}`, () => {
  it(
    'takes each packet of both transports through the same links',
    async () => {
      const mark = randomUUID();
      const args = ['compare-tcp', ...PATH, '--mode', 'handshake', '--pairs', '6', '--json'];
      const result = await run(args, { ROUTELAB_TEST_MARK: mark });
      expect(result.code).toBe(0);
      const fields = JSON.parse(result.stdout);
      expect(fields).toMatchObject({ tcp_path: 'tunnel', emulated: true, seed: 7, pairs: 6 });
      // One round trip of QUIC; two of TCP and TLS: the propagation alone is a bound that no machine undercuts.
      const { quic, tcp } = fields.metrics.handshake_ms;
      expect(quic.low).toBeGreaterThanOrEqual(30);
      expect(tcp.low).toBeGreaterThanOrEqual(60);
      // Namespaces and interfaces are gone with the processes that held them.
      await vi.waitFor(() => expect(marked(mark)).toEqual([]), { timeout: 20_000 });
    },
    TIMEOUT_MS,
  );

  it(
    'is taken down in order by the Ctrl-C of a terminal, which reaches every process of it',
    async () => {
      const mark = randomUUID();
      const args = [MAIN, 'compare-tcp', ...PATH, '--duration', '600s'];
      const env = { ...process.env, NODE_OPTIONS: undefined, ROUTELAB_TEST_MARK: mark };
      const child = spawn(process.execPath, args, {
        env,
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let stderr = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      const closed = once(child, 'close');
      const isProbing = (pid: string): boolean =>
        readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('--compare-tcp');
      await vi.waitFor(() => expect(marked(mark).some(isProbing)).toBe(true), { timeout: 60_000 });
      process.kill(-child.pid!, 'SIGINT');
      const [code] = await closed;
      expect(stderr).not.toContain('RL_INTERNAL');
      expect([0, 130]).toContain(code);
      await vi.waitFor(() => expect(marked(mark)).toEqual([]), { timeout: 20_000 });
    },
    TIMEOUT_MS,
  );

  it(
    'controls the kernel’s TCP as QUIC is controlled, or as told, and loses its packets',
    async () => {
      const transfer = [...PATH, '--loss', '2%', '--pairs', '1', '--bytes', '200kb', '--json'];
      const same = JSON.parse((await compare(...transfer, '--congestion', 'newreno')).stdout);
      expect(same.congestion).toEqual({ quic: 'newreno', tcp: 'reno' });
      const told = JSON.parse(
        (await compare(...transfer, '--tcp-congestion', 'reno', '--mode', 'upload')).stdout,
      );
      expect(told.congestion).toEqual({ quic: 'cubic', tcp: 'reno' });
      const { stderr, code } = await compare(...transfer, '--tcp-congestion', 'none-such');
      expect(stderr).toContain('RL_INPUT_INVALID: --tcp-congestion: "none-such" is none of reno');
      expect(code).toBe(2);
    },
    TIMEOUT_MS,
  );
});

describe('a comparison through relays', () => {
  it(
    'counts both handshakes’ round trips, and says what its TCP is',
    async () => {
      const args = [...PATH, '--path', 'relay', '--mode', 'handshake', '--pairs', '6'];
      const fields = JSON.parse((await compare(...args, '--json')).stdout);
      expect(fields).toMatchObject({ tcp_path: 'stream relay', emulated: true, pairs: 6 });
      expect(fields.metrics.handshake_ms.quic.low).toBeGreaterThanOrEqual(30);
      expect(fields.metrics.handshake_ms.tcp.low).toBeGreaterThanOrEqual(60);
    },
    TIMEOUT_MS,
  );

  it(
    'passes on what is wrong with the probe, and its exit code',
    async () => {
      const { stderr, code } = await compare(...PATH, '--path', 'relay', '--pairs', '0');
      expect(stderr).toContain('--pairs: 0 is not from 1');
      expect(code).toBe(2);
      const other = await compare(...PATH, '--path', 'relay', '--tcp-congestion', 'reno');
      expect(other.stderr).toContain('RL_USAGE: --tcp-congestion is for a tunnel');
    },
    TIMEOUT_MS,
  );
});
