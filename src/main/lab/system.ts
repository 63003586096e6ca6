/** The system as the lab watches it: sampled each period, kept in the store for a stated time. */
import { setTimeout as delay } from 'node:timers/promises';
import { toLabError } from '../../shared/errors.ts';
import type { Health, MonitoringNow, SystemSample, ThreadName } from '../../shared/monitoring.ts';
import type { Store } from '../store/index.ts';
import { type SystemSampler, systemSampler } from '../telemetry/system.ts';
import { Changes } from './changes.ts';
import type { Log } from './log.ts';
import type { StatusBoard } from './status-board.ts';

/** Periods of the monitoring, seconds (`monitoring` of the configuration). */
export interface MonitoringPeriods {
  collectS: number;
  checkS: number;
  keepS: number;
}

interface SystemOptions {
  store: Store;
  statuses: StatusBoard;
  workers: Readonly<Record<ThreadName, { cpuUs(): Promise<number | null> }>>;
  log: Log;
  periods: MonitoringPeriods;
  health: () => Health;
}

/** A sample stands for now until this many more should have come. */
const LIFETIME_PERIODS = 3;
/** How long a busy thread may take to tell its CPU time. */
const THREAD_PATIENCE_MS = 500;
/** What happened to samples longer ago is over. */
const LATELY_MS = 60_000;

export class SystemMonitor {
  readonly changes = new Changes();
  readonly #options: SystemOptions;
  readonly #sampler: SystemSampler;
  #newest: SystemSample | null = null;
  /** When it was taken, by the monotonic clock. */
  #newestAtMs = 0;
  #failure: string | null = null;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;
  /** Samples given up until then, at each sample of the system of the last minute and at the one before. */
  #dropped = [{ atMs: 0, count: 0 }];
  #threads = new Map<string, { atMs: number; cpuUs: number }>();
  /** By the monotonic clock; null at first. */
  #sent: { atMs: number | null; ofRun: Map<number, { sent: number; received: number }> } = {
    atMs: null,
    ofRun: new Map<number, { sent: number; received: number }>(),
  };

  constructor(options: SystemOptions) {
    this.#options = options;
    this.#sampler = systemSampler(options.store.dataDir);
  }

  /** Samples now and each period from now on. */
  async start(): Promise<void> {
    await this.collect();
    if (this.#closed) return;
    this.#timer = setTimeout(() => void this.start(), this.#options.periods.collectS * 1000);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#sampler.close();
  }

  /** Why the newest sample was not taken or kept; null when it was. */
  get failure(): string | null {
    return this.#failure;
  }

  /** The newest sample, unless it is of long ago. */
  sample(): SystemSample | null {
    const lifetimeMs = LIFETIME_PERIODS * this.#options.periods.collectS * 1000;
    return performance.now() - this.#newestAtMs <= lifetimeMs ? this.#newest : null;
  }

  /** Samples given up in the last minute, or since the sample of the system before where that is longer ago. */
  get droppedLately(): number {
    return this.#options.store.writer.health.dropped - this.#dropped[0]!.count;
  }

  now(): MonitoringNow {
    const { periods, health } = this.#options;
    return { health: health(), sample: this.#newest, ...periods };
  }

  /** At once, then after every sample and every check of the rules. */
  async *watch(signal: AbortSignal): AsyncGenerator<MonitoringNow> {
    while (!signal.aborted) {
      const seen = this.changes.version;
      yield this.now();
      await this.changes.past(seen, signal);
    }
  }

  /** Takes and keeps one sample. Never rejects. */
  async collect(): Promise<void> {
    const { store, log } = this.#options;
    try {
      const threads = await this.#threadCpu();
      const atMs = Date.now();
      const sample = await this.#sampler.sample(atMs, {
        threads,
        ...this.#droppedSamples(performance.now()),
        ...this.#probeRates(),
      });
      if (this.#closed) return;
      this.#newest = sample;
      this.#newestAtMs = performance.now();
      store.system.add(sample);
      this.#failure = null;
    } catch (thrown) {
      const { code, message } = toLabError(thrown);
      if (this.#failure !== message)
        log.error({ code, reason: message }, 'a sample of the system was not kept');
      this.#failure = message;
    }
    this.changes.bump();
  }

  async #threadCpu(): Promise<SystemSample['threads']> {
    const before = this.#threads;
    this.#threads = new Map();
    const workers = Object.entries(this.#options.workers) as [
      ThreadName,
      { cpuUs(): Promise<number | null> },
    ][];
    const entries = workers.map(async ([name, worker]) => {
      const cpuUs = await Promise.race([worker.cpuUs(), delay(THREAD_PATIENCE_MS, null, { ref: false })]);
      if (cpuUs === null) return [];
      const atMs = performance.now();
      this.#threads.set(name, { atMs, cpuUs });
      const last = before.get(name);
      // A thread that was started again counts from zero.
      const isSame = last !== undefined && cpuUs >= last.cpuUs && atMs > last.atMs;
      return [{ name, cpu: isSame ? (cpuUs - last.cpuUs) / 1e3 / (atMs - last.atMs) : null }];
    });
    return (await Promise.all(entries)).flat();
  }

  #droppedSamples(atMs: number): Pick<SystemSample, 'droppedSamples' | 'droppedLately'> {
    const { dropped } = this.#options.store.writer.health;
    while (this.#dropped.length > 1 && this.#dropped[1]!.atMs <= atMs - LATELY_MS) this.#dropped.shift();
    const { droppedLately } = this;
    this.#dropped.push({ atMs, count: dropped });
    return { droppedSamples: dropped, droppedLately };
  }

  /** What the routes' connections carried since the sample before, bits per second; null at first. */
  #probeRates(): Pick<SystemSample, 'probeSentBps' | 'probeReceivedBps'> {
    const { store, statuses } = this.#options;
    const before = this.#sent;
    const atMs = performance.now();
    const ofRun: typeof before.ofRun = new Map();
    const total = { sent: 0, received: 0 };
    for (const route of store.routes.list()) {
      const { runId, transport } = statuses.of(route);
      if (runId === null) continue;
      const last = before.ofRun.get(runId);
      const now =
        transport === null ? last : { sent: transport.bytesSent, received: transport.bytesReceived };
      if (now === undefined) continue;
      ofRun.set(runId, now);
      total.sent += now.sent - (last?.sent ?? 0);
      total.received += now.received - (last?.received ?? 0);
    }
    this.#sent = { atMs, ofRun };
    if (before.atMs === null || atMs === before.atMs) return { probeSentBps: null, probeReceivedBps: null };
    const seconds = (atMs - before.atMs) / 1000;
    return {
      probeSentBps: (8 * Math.max(0, total.sent)) / seconds,
      probeReceivedBps: (8 * Math.max(0, total.received)) / seconds,
    };
  }
}
