/** The kernel path: frames pass, late by what was asked, lost as often as asked, and nothing of it is left behind. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  KernelPath,
  type KernelPathSettings,
  kernelPathMissing,
} from '../../../src/main/cli/bench/kernel-path.ts';

const missing = kernelPathMissing();
const settings: KernelPathSettings = {
  rateBps: 20e6,
  rttMs: 20,
  bufferBytes: 50_000,
  lossRatio: 0,
  seed: 1,
};

/** Processes that run, each with its parent and the network namespace it is in. */
const processes = (): { namespace: string; parent: number }[] =>
  readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const parent = Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
        return [{ namespace: readlinkSync(`/proc/${pid}/ns/net`), parent }];
      } catch {
        // It ended while we looked.
        return [];
      }
    });

describe.skipIf(missing !== null)(
  missing === null ? 'the kernel path' : `the kernel path: ${missing}`,
  () => {
    let path: KernelPath | null = null;
    const open = async (changes: Partial<KernelPathSettings> = {}): Promise<KernelPath> => {
      path = await KernelPath.open({ ...settings, ...changes });
      return path;
    };
    afterEach(async () => {
      await path?.close();
      path = null;
    });
    const load = { bytes: 1350, warmup: 10, drainMs: 200 };

    it('delays each datagram by half the round trip', async () => {
      // Room for what a sender that was kept from running catches up with.
      const opened = await open({ bufferBytes: 5e6 });
      const carried = await opened.udp({ ...load, rateBps: 5e6, durationS: 1 });
      expect(carried.received).toBe(carried.sent);
      expect(carried.delayUs!.min).toBeGreaterThanOrEqual(10_000);
    });

    it('passes no more than its rate, and drops what its buffer does not hold', async () => {
      const carried = await (await open()).udp({ ...load, rateBps: 40e6, durationS: 1 });
      expect(carried.received).toBeLessThan(carried.sent * 0.6);
      expect(carried.rateBps).toBeLessThan(20e6 * 1.02);
      const { refused } = await path!.close();
      path = null;
      expect(refused).toBeGreaterThan(0);
    });

    it('loses the same frames for the same seed', async () => {
      const run = async (): Promise<{ frames: number; lost: number }> => {
        const { received, sent } = await (await open({ lossRatio: 0.1 })).udp({
          ...load,
          rateBps: 5e6,
          durationS: 1,
        });
        const { lost, carried } = await path!.close();
        path = null;
        expect(sent - received).toBeGreaterThan(0);
        return { frames: carried[0] + lost, lost };
      };
      const [fewer, more] = [await run(), await run()].toSorted((a, b) => a.frames - b.frames);
      // A machine that is busy sends fewer frames in its second: those of one run are then the first of the other.
      expect(more!.lost).toBeGreaterThanOrEqual(fewer!.lost);
      expect(more!.lost - fewer!.lost).toBeLessThanOrEqual(more!.frames - fewer!.frames);
    });

    it('carries TCP under each of the kernel’s controllers, in frames a wire would carry', async () => {
      const opened = await open();
      for (const control of ['reno', 'cubic', 'bbr'] as const) {
        const { goodputBps, rttUs, mss } = await opened.tcp(control, {
          warmupS: 0.5,
          durationS: 1.5,
        });
        expect(goodputBps).toBeGreaterThan(1e6);
        expect(goodputBps).toBeLessThan(20e6);
        expect(rttUs.min).toBeGreaterThanOrEqual(20_000);
        expect(mss).toBe(1448);
      }
      const report = await opened.close();
      path = null;
      expect(report).toMatchObject({ oversized: 0, missed: 0 });
    });

    it('leaves no namespace behind where its owner is killed', async () => {
      const owner = fork(new URL('fixtures/held-path.ts', import.meta.url));
      await once(owner, 'message');
      const own = readlinkSync('/proc/self/ns/net');
      const made = new Set(
        processes()
          .filter(({ parent, namespace }) => parent === owner.pid && namespace !== own)
          .map(({ namespace }) => namespace),
      );
      expect(made.size).toBe(3);
      owner.kill('SIGKILL');
      await vi.waitFor(() => expect(processes().filter(({ namespace }) => made.has(namespace))).toEqual([]), {
        timeout: 20_000,
      });
    });
  },
);
