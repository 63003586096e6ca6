/**
 * Buffered writes of what probes measure. Nothing here throws into a probe: samples wait in memory and go to the
 * database in one transaction, at most 250 ms after they came. When the database cannot be written to they keep
 * waiting, up to a bound beyond which the oldest are given up, and every attempt is reported with its counts.
 */
import type { RouteEvent } from '../../shared/domain.ts';
import { LabError, toLabError } from '../../shared/errors.ts';
import type { SampleBatch } from '../../shared/samples.ts';
import type { WriteHandle } from './handles.ts';
import { dueMarks } from './rollups/due.ts';

export interface WriteHealth {
  /** Why the newest attempt failed; null once everything is stored again. */
  error: LabError | null;
  /** Samples and events in memory, not yet stored. */
  waiting: number;
  /** Samples and events given up since the store was opened. */
  dropped: number;
}

export interface SampleWriter {
  /** Takes a run’s samples; `batch` must not be changed afterwards. Transport snapshots are thinned to one a second. */
  add(runId: number, batch: SampleBatch): void;
  event(routeId: string, event: RouteEvent): void;
  /** Stores everything that waits, now; a failure is reported like that of a timed attempt. */
  flush(): void;
  readonly health: WriteHealth;
}

/** Calls back once after `delayMs`; returns how to call it off. */
export type Schedule = (run: () => void, delayMs: number) => () => void;

export interface WriterOptions {
  schedule: Schedule;
  onHealth: (health: WriteHealth) => void;
  maxWaiting: number;
}

const FLUSH_MS = 250;
const LONGEST_RETRY_MS = 5000;

type Entry = { rows: number } & (
  | { runId: number; batch: SampleBatch }
  | { routeId: string; event: RouteEvent }
);

const micros = (ms: number): number => Math.round(ms * 1000);

export function sampleWriter(db: WriteHandle, options: WriterOptions): SampleWriter & { close(): void } {
  const put = insertions(db);
  const queue: Entry[] = [];
  let waiting = 0;
  let dropped = 0;
  let error: LabError | null = null;
  let retryMs = FLUSH_MS;
  let cancel: (() => void) | null = null;
  let closed = false;
  /** Second of the newest snapshot taken of each run. */
  const snapshotSecond = new Map<number, number>();

  const health = (): WriteHealth => ({ error, waiting, dropped });

  const push = (entry: Entry): void => {
    if (closed) {
      dropped += entry.rows;
      return;
    }
    queue.push(entry);
    waiting += entry.rows;
    while (waiting > options.maxWaiting) {
      dropped += queue[0]!.rows;
      settle(1);
    }
    cancel ??= options.schedule(flush, retryMs);
  };

  const settle = (count: number): void => {
    for (const { rows } of queue.splice(0, count)) waiting -= rows;
  };

  /**
   * Stores the queue in one transaction. Entries the database refuses for what they are, a defect of whoever made
   * them, are given up one by one so that they hold up no others; the last such refusal is returned.
   * Throws LabError when the database cannot be written to: what was not stored is still in the queue.
   */
  const store = (): LabError | null => {
    try {
      db.transaction(() => queue.forEach(put));
      settle(queue.length);
      return null;
    } catch (thrown) {
      if (thrown instanceof LabError) throw thrown;
    }
    let defect: LabError | null = null;
    for (let entry = queue[0]; entry !== undefined; entry = queue[0]) {
      const { rows } = entry;
      try {
        db.transaction(() => put(entry));
      } catch (thrown) {
        if (thrown instanceof LabError) throw thrown;
        defect = toLabError(thrown);
        dropped += rows;
      }
      settle(1);
    }
    return defect;
  };

  function flush(): void {
    cancel?.();
    cancel = null;
    if (queue.length === 0) return;
    const hadFailed = error !== null;
    try {
      const defect = store();
      retryMs = FLUSH_MS;
      error = null;
      if (defect !== null) options.onHealth({ ...health(), error: defect });
      else if (hadFailed) options.onHealth(health());
    } catch (thrown) {
      error = toLabError(thrown);
      retryMs = Math.min(LONGEST_RETRY_MS, retryMs * 2);
      cancel = options.schedule(flush, retryMs);
      options.onHealth(health());
    }
  }

  return {
    add: (runId, batch) => {
      const { pings, skips, transfers, handshakes } = batch;
      let { transport } = batch;
      if (transport !== null) {
        const second = Math.floor(transport.atMs / 1000);
        if (snapshotSecond.get(runId) === second) transport = null;
        else snapshotSecond.set(runId, second);
      }
      const rows =
        pings.length + skips.length + transfers.length + handshakes.length + (transport === null ? 0 : 1);
      if (rows > 0) push({ rows, runId, batch: { pings, skips, transfers, handshakes, transport } });
    },
    event: (routeId, event) => push({ rows: 1, routeId, event }),
    flush,
    get health() {
      return health();
    },
    close: () => {
      closed = true;
      flush();
      cancel?.();
      if (waiting === 0) return;
      dropped += waiting;
      settle(queue.length);
      options.onHealth(health());
    },
  };
}

/**
 * The statements that store one entry. A sample handed over twice is stored once. A ping that another was sent at the moment of,
 * as after the clock was set back, is of the next microsecond that is free.
 */
function insertions(db: WriteHandle): (entry: Entry) => void {
  const ping = db.command<[number, number, number | null, number]>(
    'INSERT INTO ping VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const pingAt = db.query<[number, number], { rtt_us: number | null; loaded: number }>(
    'SELECT rtt_us, loaded FROM ping WHERE run_id = ? AND at_us = ?',
  );
  const skip = db.command<[number, number, number]>(
    'INSERT INTO ping_skip VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const transfer = db.command<[number, string, number, number, number, string | null]>(
    'INSERT INTO transfer VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const handshake = db.command<[number, number, number | null, string | null, string]>(
    'INSERT INTO handshake VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const transport = db.command<(number | string | null)[]>(
    'INSERT INTO transport VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const count = db.command<[number, number]>('UPDATE run SET samples = samples + ? WHERE id = ?');
  const markDue = dueMarks(db);
  const event = db.command<[string, number, string, string | null]>(
    'INSERT INTO route_event (route_id, at_us, state, error) VALUES (?, ?, ?, ?)',
  );

  return (entry) => {
    if ('event' in entry) {
      const { atMs, state, error } = entry.event;
      event.run(entry.routeId, micros(atMs), state, error === null ? null : JSON.stringify(error));
      return;
    }
    const { runId, batch } = entry;
    const due = markDue(runId);
    let samples = 0;
    for (const { atMs, rttUs, loaded } of batch.pings) {
      // SQLite stores NaN as NULL, which would say "lost".
      if (Number.isNaN(rttUs)) throw new RangeError('an RTT that is not a number');
      const row = { rtt_us: rttUs === null ? null : Math.round(rttUs), loaded: loaded ? 1 : 0 };
      for (let atUs = micros(atMs); ; atUs++) {
        const { changes } = ping.run(runId, atUs, row.rtt_us, row.loaded);
        samples += due(atUs, changes);
        if (changes > 0) break;
        const there = pingAt.get(runId, atUs)!;
        if (there.rtt_us === row.rtt_us && there.loaded === row.loaded) break;
      }
    }
    // Nothing was sent, so they are no samples.
    for (const { atMs, count } of batch.skips) {
      const atUs = micros(atMs);
      due(atUs, skip.run(runId, atUs, count).changes);
    }
    for (const { atMs, direction, bytes, durationUs, errorCode } of batch.transfers) {
      const atUs = micros(atMs);
      samples += due(atUs, transfer.run(runId, direction, atUs, bytes, durationUs, errorCode).changes);
    }
    for (const { atMs, durationUs, errorCode, purpose } of batch.handshakes) {
      const atUs = micros(atMs);
      samples += due(atUs, handshake.run(runId, atUs, durationUs, errorCode, purpose).changes);
    }
    if (batch.transport !== null) {
      const t = batch.transport;
      transport.run(
        runId,
        micros(t.atMs),
        t.controller,
        t.cwndBytes,
        t.pacingBps,
        t.bytesInFlight,
        t.smoothedRttUs,
        t.rttVarUs,
        t.minRttUs,
        t.packetsSent,
        t.packetsReceived,
        t.packetsLost,
        t.bytesSent,
        t.bytesReceived,
      );
    }
    if (samples > 0) count.run(samples, runId);
  };
}
