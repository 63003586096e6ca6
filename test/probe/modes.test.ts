/** Each mode of measuring over a real emulated path whose truth is known. Bounds are of the path, never of this machine. */
import { describe, expect, it } from 'vitest';
import { gradeOfBloat } from '../../src/shared/responsiveness.ts';
import { detailOf, measureOver } from './emulated.ts';

const at = (marks: readonly { mark: string; atUs: number }[], mark: string): number =>
  marks.find((each) => each.mark === mark)?.atUs ?? Number.NaN;

describe('handshakes over a path of 60 ms', () => {
  it('cold: hello, answer, keys, certificate, complete and confirmed in turn, one and two round trips after it', async () => {
    const result = await measureOver({ delayMs: 30 }, { mode: 'handshake', count: 3 });
    const detail = detailOf(result, 'handshake');
    expect(result).toMatchObject({ sent: 3, received: 3 });
    expect(detail).toMatchObject({ start: 'cold', resumed: 0, earlyDataAccepted: 0, leftOut: 0 });
    for (const { marks, resumed } of detail.handshakes) {
      expect(resumed).toBe(false);
      expect(marks.map(({ mark }) => mark)).toEqual([
        'hello-sent',
        'first-packet',
        'handshake-keys',
        'certificate',
        'complete',
        'confirmed',
      ]);
      const times = marks.map(({ atUs }) => atUs);
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      const sent = at(marks, 'hello-sent');
      expect(at(marks, 'first-packet') - sent).toBeGreaterThanOrEqual(60_000);
      expect(at(marks, 'confirmed') - at(marks, 'complete')).toBeGreaterThanOrEqual(60_000);
    }
  });

  it('resumed: no certificate is looked at', async () => {
    const detail = detailOf(
      await measureOver({ delayMs: 30 }, { mode: 'handshake', count: 3, handshake: 'resumed' }),
      'handshake',
    );
    expect(detail).toMatchObject({ start: 'resumed', resumed: 3, earlyDataAccepted: 0 });
    for (const { marks } of detail.handshakes) expect(at(marks, 'certificate')).toBeNaN();
  });

  it('0-RTT: a request leaves ahead of the handshake and is answered a round trip after it', async () => {
    const detail = detailOf(
      await measureOver(
        { delayMs: 30 },
        { mode: 'handshake', count: 3, handshake: '0-rtt' },
        { serverEarlyData: true },
      ),
      'handshake',
    );
    expect(detail).toMatchObject({ resumed: 3, earlyDataAccepted: 3 });
    for (const { marks, earlyData } of detail.handshakes) {
      expect(earlyData).toBe('accepted');
      expect(at(marks, 'early-sent')).toBeLessThan(at(marks, 'first-packet'));
      expect(at(marks, 'early-answer') - at(marks, 'early-sent')).toBeGreaterThanOrEqual(60_000);
      // Without it the answer would be two round trips away, before the confirmation is back.
      expect(at(marks, 'early-answer')).toBeLessThan(at(marks, 'hello-sent') + 2 * at(marks, 'first-packet'));
    }
  });

  it('of a server that takes no early data says so', async () => {
    await expect(measureOver({}, { mode: 'handshake', handshake: '0-rtt' })).rejects.toMatchObject({
      code: 'RL_PEER_UNSUPPORTED',
    });
  });
});

describe('responsiveness', () => {
  // 75 kB at 1.5 Mbit/s: a queue of 400 ms when it is full, far more than a busy machine adds to either side.
  const deep = { rateBps: 1.5e6, delayMs: 10, bufferBytes: 75_000 };
  let deepest: ReturnType<typeof measureOver> | null = null;
  const overDeep = (): ReturnType<typeof measureOver> => {
    deepest ??= measureOver(deep, { mode: 'responsiveness', durationMs: 6000 });
    return deepest;
  };

  it('of a path with a deep buffer: the queue is what load adds, and the grade says it', async () => {
    const result = await overDeep();
    const { idleUs, down, up, rpm, addedUs, grade } = detailOf(result, 'responsiveness');
    expect(idleUs!.p50).toBeGreaterThanOrEqual(20_000);
    for (const loaded of [down!, up!]) {
      expect(loaded.separateUs!.p50).toBeGreaterThan(100_000);
      expect(loaded.separateUs!.p50 - idleUs!.p50).toBeCloseTo(loaded.addedUs!);
      expect(loaded.rpm!).toBeCloseTo(60e6 / loaded.workingUs!);
      expect(loaded.rpm!).toBeLessThan(60e6 / 100_000);
      // What waited behind a loss comes in one piece, so that a window of a second or two can see a little more.
      expect(loaded.goodputBps!).toBeLessThan(1.65e6);
      expect(loaded.goodputBps!).toBeGreaterThan(0.5e6);
    }
    expect(addedUs!).toBeCloseTo((down!.addedUs! + up!.addedUs!) / 2);
    expect(rpm!).toBeCloseTo(60e6 / ((down!.workingUs! + up!.workingUs!) / 2));
    expect(grade).toBe(gradeOfBloat(addedUs!));
    expect(['C', 'D', 'F']).toContain(grade);
  });

  it('of a path that hardly queues is far better', async () => {
    // Three packets at 8 Mbit/s: 4 ms.
    const link = { rateBps: 8e6, delayMs: 10, bufferBytes: 4200 };
    const shallow = detailOf(
      await measureOver(link, { mode: 'responsiveness', durationMs: 4000 }),
      'responsiveness',
    );
    const there = detailOf(await overDeep(), 'responsiveness');
    // Against the other path on the same machine: all ends and the path share a thread, and what holds it up adds to both.
    expect(shallow.addedUs!).toBeLessThan(there.addedUs! / 2);
    expect(shallow.rpm!).toBeGreaterThan(2 * there.rpm!);
    expect(shallow.grade).toBe(gradeOfBloat(shallow.addedUs!));
  });
});

describe('streams', () => {
  it('of so many bytes each share the path evenly, and end about together', async () => {
    const link = { rateBps: 16e6, delayMs: 5, bufferBytes: 60_000 };
    const result = await measureOver(link, { mode: 'streams', streams: 5, bytes: 200_000 });
    const { streams, fairness, slowestLaterUs } = detailOf(result, 'streams');
    expect(streams).toHaveLength(5);
    expect(streams.map(({ bytes }) => bytes)).toEqual(Array(5).fill(200_000));
    expect(result.bytesDown).toBe(1_000_000);
    expect(result.goodputDownBps!).toBeLessThan(16e6);
    expect(fairness!).toBeGreaterThan(0.9);
    const ends = streams.map(({ endUs }) => endUs!).sort((a, b) => a - b);
    expect(slowestLaterUs).toBeCloseTo(ends[4]! - (ends[1]! + ends[2]!) / 2);
    for (const { firstByteUs, endUs } of streams) expect(firstByteUs!).toBeLessThan(endUs!);
  });

  it('cut by their time have no end, and no slowest', async () => {
    const link = { rateBps: 8e6, delayMs: 5, bufferBytes: 60_000 };
    const result = await measureOver(link, { mode: 'streams', streams: 3, durationMs: 1000 });
    const { streams, slowestLaterUs } = detailOf(result, 'streams');
    expect(streams.map(({ endUs }) => endUs)).toEqual([null, null, null]);
    expect(slowestLaterUs).toBeNull();
    expect(result.goodputDownBps!).toBeLessThan(8e6);
  });
});

describe('migration over a path of 80 ms', () => {
  it('a rebinding costs a round trip and leaves congestion control as it was, a move costs nothing and begins it anew', async () => {
    const result = await measureOver({ delayMs: 40 }, { mode: 'migration', durationMs: 3000 });
    const [rebinding, active] = detailOf(result, 'migration').moves;
    expect(result.rttUs!.min).toBeGreaterThanOrEqual(80_000);
    expect(rebinding).toMatchObject({
      move: 'rebinding',
      validatedUs: null,
      congestionReset: false,
      errorCode: null,
    });
    // The first echo on the new path is of a ping sent after the move; a ping is due each 20 ms.
    expect(rebinding!.gapUs!).toBeGreaterThanOrEqual(60_000);
    // What was under way to the old port: pings of a round trip, less those that had come back.
    expect(rebinding!.lostPings).toBeGreaterThanOrEqual(1);
    expect(active).toMatchObject({ move: 'active', congestionReset: true, errorCode: null });
    expect(active!.validatedUs!).toBeGreaterThanOrEqual(80_000);
    expect(active!.lostPings).toBe(0);
    expect(result.lossRatio!).toBeLessThan(0.2);
    const server = result.transport.find(({ vantage }) => vantage === 'server');
    expect(server!.migrations).toBe(2);
    expect(server!.congestionResets).toBe(0);
  });
});

describe('HTTP/3', () => {
  it('requests are answered, with the time of each phase', async () => {
    const plan = { mode: 'http3', path: '/bytes/50000', count: 2 } as const;
    const result = await measureOver({ delayMs: 20 }, plan);
    const { requests, firstByteUs, totalUs } = detailOf(result, 'http3');
    expect(result).toMatchObject({ sent: 2, received: 2, bytesDown: 100_000 });
    for (const request of requests) {
      expect(request).toMatchObject({ status: 200, bodyBytes: 50_000, errorCode: null });
      expect(request.firstByteUs!).toBeGreaterThanOrEqual(40_000);
      expect(request.totalUs!).toBeGreaterThanOrEqual(request.untilFirstByteUs!);
    }
    expect(totalUs!.p50).toBeGreaterThan(firstByteUs!.p50);
  });
});

describe('transfers', () => {
  it.each(['download', 'upload'] as const)(
    '%s: intervals add up to the whole, and goodput leaves the warm-up out',
    async (mode) => {
      const link = { rateBps: 8e6, delayMs: 10, bufferBytes: 60_000 };
      const result = await measureOver(link, { mode, durationMs: 3000, warmUpMs: 1000 });
      const detail = detailOf(result, 'transfer');
      const counted = (mode === 'download' ? detail.down : detail.up)!;
      const bytes = mode === 'download' ? result.bytesDown : result.bytesUp;
      const goodput = mode === 'download' ? result.goodputDownBps : result.goodputUpBps;
      expect(counted.intervals.reduce((sum, each) => sum + each.bytes, 0)).toBe(bytes);
      expect(counted.intervals.length).toBeGreaterThanOrEqual(3);
      for (const [index, { fromUs, toUs }] of counted.intervals.entries()) {
        expect(fromUs).toBe(index === 0 ? 0 : counted.intervals[index - 1]!.toUs);
        expect(toUs).toBeGreaterThan(fromUs);
      }
      expect(counted.warmUpUs).toBeGreaterThanOrEqual(1e6);
      expect(goodput).toBe(Math.round((counted.bytes * 8e6) / counted.durationUs));
      expect(goodput!).toBeLessThan(8.8e6);
      expect(counted.bytes).toBeLessThan(bytes!);
      // The server's side of it, whichever end sends.
      expect(result.transport.map(({ vantage }) => vantage).sort()).toEqual(['client', 'server']);
    },
  );
});
