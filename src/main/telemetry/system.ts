/** Samples of this process and its machine. What a system does not tell is null or absent, never zero. */
import { readFile, statfs } from 'node:fs/promises';
import { cpus, freemem, loadavg, platform, totalmem } from 'node:os';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { SystemSample } from '../../shared/monitoring.ts';

/** Delays are sampled by a timer of this period, which is part of every delay. */
const LAG_RESOLUTION_MS = 10;

/** What the lab knows and the system does not. */
type LabFigures = Pick<
  SystemSample,
  'probeSentBps' | 'probeReceivedBps' | 'droppedSamples' | 'droppedLately' | 'threads'
>;

export interface SystemSampler {
  sample(atMs: number, figures: LabFigures): Promise<SystemSample>;
  close(): void;
}

/** Starts measuring. `dataDir` says whose disk is looked at. */
export function systemSampler(dataDir: string): SystemSampler {
  const lag = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  lag.enable();
  let process_ = { at: performance.now(), usage: process.cpuUsage() };
  let machine = machineTimes();

  const lagUs = (ns: number): number | null =>
    lag.count === 0 ? null : Math.max(0, ns / 1e3 - LAG_RESOLUTION_MS * 1e3);

  return {
    sample: async (atMs, figures) => {
      const [disk, interfaces] = await Promise.all([diskOf(dataDir), networkInterfaces()]);
      const now = { at: performance.now(), usage: process.cpuUsage() };
      const usedUs = now.usage.user + now.usage.system - process_.usage.user - process_.usage.system;
      const elapsedMs = now.at - process_.at;
      process_ = now;
      const times = machineTimes();
      const total = times.total - machine.total;
      const machineCpu = total > 0 ? 1 - (times.idle - machine.idle) / total : null;
      machine = times;
      const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
      const sample: SystemSample = {
        atMs,
        processCpu: elapsedMs > 0 ? usedUs / 1e3 / elapsedMs : null,
        rssBytes: rss,
        heapUsedBytes: heapUsed,
        heapTotalBytes: heapTotal,
        externalBytes: external,
        loopLagP50Us: lagUs(lag.percentile(50)),
        loopLagP99Us: lagUs(lag.percentile(99)),
        loopLagMaxUs: lagUs(lag.max),
        machineCpu,
        // Windows has no load average and says 0.
        load1: platform() === 'win32' ? null : loadavg()[0]!,
        memoryTotalBytes: totalmem(),
        memoryFreeBytes: freemem(),
        ...disk,
        ...figures,
        interfaces,
      };
      lag.reset();
      return sample;
    },
    close: () => lag.disable(),
  };
}

/** Milliseconds of all cores since the machine was started. */
function machineTimes(): { idle: number; total: number } {
  let idle = 0;
  let total = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    total += times.idle + times.user + times.nice + times.sys + times.irq;
  }
  return { idle, total };
}

async function diskOf(dataDir: string): Promise<Pick<SystemSample, 'diskFreeBytes' | 'diskTotalBytes'>> {
  try {
    const { bavail, blocks, bsize } = await statfs(dataDir);
    return { diskFreeBytes: bavail * bsize, diskTotalBytes: blocks * bsize };
  } catch {
    return { diskFreeBytes: null, diskTotalBytes: null };
  }
}

const networkInterfaces = (): Promise<SystemSample['interfaces']> =>
  readFile('/proc/net/dev', 'utf8').then(parseNetDev, () => []);

/** The interfaces of Linux' /proc/net/dev (proc_net(5)) that carried anything; lines of another form are left out. */
export function parseNetDev(text: string): SystemSample['interfaces'] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*([^\s:]+):\s*(\d+(?:\s+\d+){8,})\s*$/.exec(line);
    if (match === null) return [];
    const fields = match[2]!.split(/\s+/).map(Number);
    const [receivedBytes, sentBytes] = [fields[0]!, fields[8]!];
    const isKnown = Number.isSafeInteger(receivedBytes) && Number.isSafeInteger(sentBytes);
    return isKnown && receivedBytes + sentBytes > 0 ? [{ name: match[1]!, receivedBytes, sentBytes }] : [];
  });
}
