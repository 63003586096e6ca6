import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TransportTotals } from '../../src/main/probe/transport-totals.ts';
import type { ConnectionStats } from '../../src/main/quic/udp/api.ts';
import { RouteTotals } from '../../src/main/telemetry/route-totals.ts';
import { NO_FIGURES } from '../probe/stand-in-session.ts';
import { batch, snapshot } from './sample-data.ts';

const STATS: ConnectionStats = { ...NO_FIGURES, cwndBytes: 0 };

const handshake = (atMs: number, durationUs: number | null = 5000) => ({
  atMs,
  durationUs,
  errorCode: null,
  purpose: 'ping' as const,
});

test('nothing seen is nothing counted', () => {
  const totals = new RouteTotals();
  totals.add(batch(), 1);
  expect(totals).toMatchObject({ connections: 0, transfers: 0, transport: null });
});

test('of one run the newest snapshot is the total, however many connections it made', () => {
  const totals = new RouteTotals();
  totals.add(batch({ handshakes: [handshake(0)], transport: snapshot(1000, { packetsSent: 10 }) }), 1);
  totals.add(batch({ handshakes: [handshake(1500)], transport: snapshot(2000, { packetsSent: 25 }) }), 1);
  totals.add(batch({ handshakes: [handshake(2500)], transport: snapshot(3000, { packetsSent: 300 }) }), 1);
  expect(totals.transport?.packetsSent).toBe(300);
  expect(totals.connections).toBe(3);
});

test('a new run counts from zero, even where its first count is the higher', () => {
  const totals = new RouteTotals();
  totals.add(batch({ transport: snapshot(1000, { packetsSent: 10 }) }), 1);
  totals.add(batch({ transport: snapshot(2500, { packetsSent: 15 }) }), 2);
  expect(totals.transport?.packetsSent).toBe(25);
});

test('counters that fell within a run are those of a monitor begun anew', () => {
  const totals = new RouteTotals();
  totals.add(batch({ transport: snapshot(1000, { packetsSent: 10 }) }), 1);
  totals.add(batch({ transport: snapshot(2000, { packetsSent: 4 }) }), 1);
  expect(totals.transport?.packetsSent).toBe(14);
});

test('of a monitor with many connections the total is what they sent', () => {
  const stats = (packetsSent: number): ConnectionStats => ({ ...STATS, packetsSent });
  const monitor = new TransportTotals();
  const totals = new RouteTotals();
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
  expect(totals.transport?.packetsSent).toBe(700 + 60 + 40);
});

test('a handshake that failed is no connection', () => {
  const totals = new RouteTotals();
  totals.add(
    batch({
      handshakes: [{ atMs: 0, durationUs: null, errorCode: 'RL_CONNECT_TIMEOUT', purpose: 'ping' as const }],
    }),
    1,
  );
  expect(totals.connections).toBe(0);
  expect(totals.handshake.count).toBe(0);
});

test('handshakes fall into cumulative buckets, a bound included', () => {
  const totals = new RouteTotals();
  totals.add(batch({ handshakes: [5000, 5001, 100_000, 60_000_000].map((us) => handshake(0, us)) }), 1);
  expect(totals.handshake.buckets).toEqual([1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3]);
  expect(totals.handshake.count).toBe(4);
  expect(totals.handshake.seconds).toBeCloseTo(60.110001, 9);
});

test('over any number of runs the totals never fall and are what all of them sent', () => {
  const run = fc.array(fc.nat(1000), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(run, { minLength: 1, maxLength: 6 }), (runs) => {
      const totals = new RouteTotals();
      let atMs = 0;
      let before = 0;
      runs.forEach((growth, runId) => {
        let packetsSent = 0;
        for (const sent of growth) {
          packetsSent += sent;
          atMs += 1000;
          totals.add(batch({ transport: snapshot(atMs, { packetsSent }) }), runId);
          expect(totals.transport!.packetsSent).toBeGreaterThanOrEqual(before);
          before = totals.transport!.packetsSent;
        }
      });
      expect(before).toBe(runs.flat().reduce((a, b) => a + b, 0));
    }),
  );
});
