import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RouteTotals } from '../../src/main/telemetry/route-totals.ts';
import { batch, snapshot } from './sample-data.ts';

const handshake = (atMs: number, durationUs: number | null = 5000) => ({ atMs, durationUs, errorCode: null });

test('nothing seen is nothing counted', () => {
  const totals = new RouteTotals();
  totals.add(batch());
  expect(totals).toMatchObject({ connections: 0, transfers: 0, transport: null });
});

test('of one connection the newest snapshot is the total', () => {
  const totals = new RouteTotals();
  totals.add(batch({ handshakes: [handshake(0)], transport: snapshot(1000, { packetsSent: 10 }) }));
  totals.add(batch({ transport: snapshot(2000, { packetsSent: 25 }) }));
  expect(totals.transport?.packetsSent).toBe(25);
});

test('a connection that was counted further than the one before counts from zero too', () => {
  const totals = new RouteTotals();
  totals.add(batch({ handshakes: [handshake(0)], transport: snapshot(1000, { packetsSent: 10 }) }));
  totals.add(batch({ handshakes: [handshake(1500)] }));
  totals.add(batch({ transport: snapshot(2500, { packetsSent: 300 }) }));
  expect(totals.transport?.packetsSent).toBe(310);
  expect(totals.connections).toBe(2);
});

test('a snapshot of the old connection that comes with the new handshake is not counted twice', () => {
  const totals = new RouteTotals();
  totals.add(batch({ handshakes: [handshake(0)], transport: snapshot(1000, { packetsSent: 10 }) }));
  totals.add(batch({ handshakes: [handshake(1500)], transport: snapshot(1400, { packetsSent: 15 }) }));
  totals.add(batch({ transport: snapshot(2500, { packetsSent: 3 }) }));
  expect(totals.transport?.packetsSent).toBe(18);
});

test('a counter that fell is a new connection, whether its handshake was seen or not', () => {
  const totals = new RouteTotals();
  totals.add(batch({ transport: snapshot(1000, { packetsSent: 10 }) }));
  totals.add(batch({ transport: snapshot(2000, { packetsSent: 4 }) }));
  expect(totals.transport?.packetsSent).toBe(14);
});

test('a handshake that failed is no connection', () => {
  const totals = new RouteTotals();
  totals.add(batch({ handshakes: [{ atMs: 0, durationUs: null, errorCode: 'RL_CONNECT_TIMEOUT' }] }));
  expect(totals.connections).toBe(0);
  expect(totals.handshake.count).toBe(0);
});

test('handshakes fall into cumulative buckets, a bound included', () => {
  const totals = new RouteTotals();
  totals.add(batch({ handshakes: [5000, 5001, 100_000, 60_000_000].map((us) => handshake(0, us)) }));
  expect(totals.handshake.buckets).toEqual([1, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3]);
  expect(totals.handshake.count).toBe(4);
  expect(totals.handshake.seconds).toBeCloseTo(60.110001, 9);
});

test('over any number of connections the totals never fall and are what all of them sent', () => {
  const connection = fc.array(fc.nat(1000), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(connection, { minLength: 1, maxLength: 6 }), (connections) => {
      const totals = new RouteTotals();
      let atMs = 0;
      let before = 0;
      for (const growth of connections) {
        atMs += 500;
        totals.add(batch({ handshakes: [handshake(atMs)] }));
        let packetsSent = 0;
        for (const sent of growth) {
          packetsSent += sent;
          atMs += 1000;
          totals.add(batch({ transport: snapshot(atMs, { packetsSent }) }));
          expect(totals.transport!.packetsSent).toBeGreaterThanOrEqual(before);
          before = totals.transport!.packetsSent;
        }
      }
      expect(before).toBe(connections.flat().reduce((a, b) => a + b, 0));
    }),
  );
});
