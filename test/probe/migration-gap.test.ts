/** The arithmetic of a migration in virtual time: on a path of 80 ms, a ping each 20 ms. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { migrationMode } from '../../src/main/probe/modes/migration.ts';
import { standInSession } from './stand-in-session.ts';
import { startVirtualTime } from './virtual-time.ts';

vi.mock('../../src/main/quic/udp/clock.ts', async () => (await import('./virtual-time.ts')).virtualClock());
beforeEach(startVirtualTime);
afterEach(() => void vi.useRealTimers());

it('a rebinding that loses what is under way costs a round trip exactly, a move that loses nothing costs nothing', async () => {
  // The first move is after 1 s: ping 50 leaves then, and those from 47 on are under way to the old port.
  const session = standInSession((sequence) => (sequence >= 47 && sequence <= 50 ? null : 80));
  const mode = migrationMode({
    plan: { mode: 'migration', durationMs: 3000, everyUs: null, wish: null },
    connect: { host: '', port: 1, alpn: [], trust: { ca: [], system: false, insecure: false } },
    signal: new AbortController().signal,
    remarks: [],
    begin: () => undefined,
    onHandshake: () => undefined,
    withSession: (_, work) => work(session),
  });
  const measured = mode.measure();
  await vi.advanceTimersByTimeAsync(5000);
  await measured;
  const { detail, sent, received } = mode.figures(true);
  expect({ sent, received }).toEqual({ sent: 150, received: 146 });
  if (detail?.kind !== 'migration') throw new Error('no migration');
  const [rebinding, active] = detail.moves;
  expect(rebinding).toMatchObject({ move: 'rebinding', lostPings: 4, validatedUs: null });
  expect(rebinding!.gapUs).toBeCloseTo(80_000, -2);
  expect(active).toMatchObject({ move: 'active', lostPings: 0 });
  expect(active!.gapUs).toBeCloseTo(0, -2);
  expect(mode.fault()).toBeNull();
});
