import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TransportTotals } from '../../src/main/probe/transport-totals.ts';
import type { ConnectionStats } from '../../src/main/quic/udp/api.ts';
import { bucketBounds } from '../../src/main/telemetry/histogram.ts';
import type { Role } from '../../src/main/telemetry/source.ts';
import { SourceTotals } from '../../src/main/telemetry/totals.ts';
import { NO_FIGURES } from '../probe/stand-in-session.ts';
import { batch, snapshot } from './sample-data.ts';

const counting = (role: Role = 'client'): SourceTotals => new SourceTotals(role, bucketBounds());
const packetsSent = (totals: SourceTotals, role: Role = 'client') =>
  totals.read().counters?.[role]?.packetsSent;

const STATS: ConnectionStats = { ...NO_FIGURES, cwndBytes: 0 };

const handshake = (atMs: number, durationUs: number | null = 5000) => ({
  atMs,
  durationUs,
  errorCode: null,
  purpose: 'ping' as const,
});

test('nothing seen is nothing counted', () => {
  const totals = counting();
  totals.add(batch(), 1);
  expect(totals.read()).toEqual({
    rttTotal: null,
    handshakes: null,
    fec: null,
    counters: { client: {} },
  });
});

test('of one run the newest snapshot is the total, however many connections it made', () => {
  const totals = counting();
  totals.add(batch({ handshakes: [handshake(0)], transport: snapshot(1000, { packetsSent: 10 }) }), 1);
  totals.add(batch({ handshakes: [handshake(1500)], transport: snapshot(2000, { packetsSent: 25 }) }), 1);
  totals.add(batch({ handshakes: [handshake(2500)], transport: snapshot(3000, { packetsSent: 300 }) }), 1);
  expect(packetsSent(totals)).toBe(300);
  expect(totals.read().counters?.client?.connections).toBe(3);
});

test('a new run counts from zero, even where its first count is the higher', () => {
  const totals = counting();
  totals.add(batch({ transport: snapshot(1000, { packetsSent: 10 }) }), 1);
  totals.add(batch({ transport: snapshot(2500, { packetsSent: 15 }) }), 2);
  expect(packetsSent(totals)).toBe(25);
});

test('counters that fell within a run are those of a monitor begun anew', () => {
  const totals = counting();
  totals.add(batch({ transport: snapshot(1000, { packetsSent: 10 }) }), 1);
  totals.add(batch({ transport: snapshot(2000, { packetsSent: 4 }) }), 1);
  expect(packetsSent(totals)).toBe(14);
});

test('of a monitor with many connections the total is what they sent', () => {
  const stats = (packetsSent: number): ConnectionStats => ({ ...STATS, packetsSent });
  const monitor = new TransportTotals();
  const totals = counting();
  const observe = (atMs: number, pings: number, transfer: number | null): void => {
    const seen = monitor.snapshot(atMs, stats(pings), transfer === null ? null : stats(transfer));
    totals.add(batch({ handshakes: transfer === 0 ? [handshake(atMs)] : [], transport: seen }), 1);
  };
  observe(1000, 10, null);
  observe(2000, 20, 0);
  observe(3000, 30, 500);
  monitor.retire(stats(700));
  observe(4000, 40, null);
  observe(5000, 50, 0);
  observe(6000, 60, 40);
  expect(packetsSent(totals)).toBe(700 + 60 + 40);
});

test('a handshake that failed is no connection', () => {
  const totals = counting();
  totals.add(
    batch({
      handshakes: [{ atMs: 0, durationUs: null, errorCode: 'RL_CONNECT_TIMEOUT', purpose: 'ping' as const }],
    }),
    1,
  );
  expect(totals.read()).toMatchObject({ handshakes: null, counters: { client: {} } });
});

test('handshakes fall into cumulative buckets, a bound included', () => {
  const totals = counting();
  totals.add(batch({ handshakes: [5000, 5001, 100_000, 60_000_000].map((us) => handshake(0, us)) }), 1);
  const { cumulative, count, sumS } = totals.read().handshakes!;
  expect(cumulative).toEqual([1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3]);
  expect(count).toBe(4);
  expect(sumS).toBeCloseTo(60.110001, 9);
});

test('over any number of runs no total ever falls, and each is what all of them counted, at both ends', () => {
  const growth = fc.record({
    packets: fc.nat(1000),
    recovered: fc.nat(9),
    echoes: fc.nat(3),
    failed: fc.boolean(),
  });
  const run = fc.array(growth, { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(
      fc.array(run, { minLength: 1, maxLength: 6 }),
      fc.constantFrom<Role>('client', 'server'),
      (runs, role) => {
        const totals = counting(role);
        let atMs = 0;
        let before: Record<string, number> = {};
        const seen = (): Record<string, number> => {
          const { counters, fec, handshakes, rttTotal } = totals.read();
          const { connections, streams } = counters?.[role] ?? {};
          const own = { own: counters?.[role]?.packetsSent ?? 0, streams: counters?.[role]?.streams ?? 0 };
          const rtt = { echoes: rttTotal?.count ?? 0, rttUs: rttTotal?.sumUs ?? 0 };
          return {
            ...own,
            ...rtt,
            connections: connections ?? 0,
            streams: streams ?? 0,
            handshakes: handshakes?.count ?? 0,
            fec: fec?.recoveredPackets ?? 0,
          };
        };
        runs.forEach((steps, runId) => {
          const counted = { packets: 0, recovered: 0 };
          for (const { packets, recovered, echoes, failed } of steps) {
            counted.packets += packets;
            counted.recovered += recovered;
            atMs += 1000;
            const pings = Array.from({ length: echoes }, () => ({ atMs, rttUs: 10, loaded: false }));
            const transport = snapshot(atMs, { packetsSent: counted.packets, streams: counted.packets });
            const handshakes = [handshake(atMs, failed ? null : 5000)];
            totals.add(batch({ pings, handshakes, transport }), runId);
            totals.fec({ recoveredPackets: counted.recovered, unrecoverablePackets: 0 }, runId);
            const now = seen();
            for (const [name, value] of Object.entries(before))
              expect(now[name], name).toBeGreaterThanOrEqual(value);
            before = now;
          }
        });
        const steps = runs.flat();
        const sum = (of: (step: (typeof steps)[number]) => number): number =>
          steps.reduce((a, step) => a + of(step), 0);
        const connections = sum(({ failed }) => (failed ? 0 : 1));
        expect(before).toEqual({
          own: sum(({ packets }) => packets),
          streams: sum(({ packets }) => packets),
          echoes: sum(({ echoes }) => echoes),
          rttUs: 10 * sum(({ echoes }) => echoes),
          connections,
          handshakes: connections,
          fec: sum(({ recovered }) => recovered),
        });
      },
    ),
  );
});
