import { expect, test } from 'vitest';
import { StatusBoard } from '../../src/main/lab/status-board.ts';
import { type Route, RouteInput, type TransportSnapshot } from '../../src/shared/domain.ts';
import { LabError } from '../../src/shared/errors.ts';

const route: Route = {
  ...RouteInput.parse({ name: 'R', host: '127.0.0.1', port: 1, insecure: true }),
  id: 'r',
  colour: 0,
  demo: false,
  declared: false,
  enabled: true,
  createdAtMs: 0,
};
const transport = { atMs: 1, cwndBytes: 14_720 } as TransportSnapshot;
const NOTHING = { pings: [], skips: [], down: null, up: null };
const batch = { pings: [], skips: [], transfers: [], handshakes: [], transport: null };
const NOW = { resolvedThroughMs: 2000, payloadBps: null };
const error = new LabError('RL_CONNECTION_LOST', 'silence').toBody();

test('a route that never ran is stopped since the lab was opened, and nothing of it is known', () => {
  expect(new StatusBoard(7).of(route)).toEqual({
    routeId: 'r',
    state: 'stopped',
    error: null,
    runId: null,
    sinceMs: 7,
    ping: null,
    down: null,
    up: null,
    payloadBps: null,
    transferError: null,
    silentSinceMs: null,
    handshakeUs: null,
    transport: null,
    emulated: false,
    insecure: true,
  });
});

test('the state is dated from when it was entered, not from when it was last said', () => {
  const board = new StatusBoard(0);
  board.begin('r', 1, NOTHING, 10);
  board.state('r', 'down', null, 20);
  board.state('r', 'down', error, 30);
  expect(board.of(route)).toMatchObject({ state: 'down', sinceMs: 20, error });
});

test('a connection that is gone takes its transport with it, but not what was measured', () => {
  const board = new StatusBoard(0);
  board.begin('r', 1, NOTHING, 10);
  board.state('r', 'up', null, 11);
  board.samples(
    'r',
    {
      ...batch,
      transport,
      handshakes: [
        { atMs: 10, durationUs: 900, errorCode: null, purpose: 'ping' },
        { atMs: 10, durationUs: 700, errorCode: null, purpose: 'transfer' },
        { atMs: 11, durationUs: null, errorCode: 'RL_CONNECT_TIMEOUT', purpose: 'ping' },
      ],
      transfers: [{ atMs: 11, direction: 'up', bytes: 1000, durationUs: 1000, errorCode: null }],
    },
    { resolvedThroughMs: 12, payloadBps: { down: 0, up: 800 } },
  );
  expect(board.of(route)).toMatchObject({
    transport,
    handshakeUs: 900,
    up: { goodputBps: 8e6 },
    payloadBps: { down: 0, up: 800 },
  });
  board.state('r', 'down', error, 13);
  expect(board.of(route)).toMatchObject({
    transport: null,
    handshakeUs: 900,
    up: { goodputBps: 8e6 },
    payloadBps: null,
  });
});

test('what a monitor still says after its run ended is not believed', () => {
  const board = new StatusBoard(0);
  board.begin('r', 1, NOTHING, 10);
  board.end('r', 20);
  board.state('r', 'up', null, 21);
  board.samples('r', batch, { resolvedThroughMs: 22, payloadBps: null });
  expect(board.of(route)).toMatchObject({ state: 'stopped', sinceMs: 20, ping: null });
});

test('a run that could not begin shows why', () => {
  const board = new StatusBoard(0);
  board.fail('r', error, 5);
  expect(board.of(route)).toMatchObject({ state: 'down', runId: null, sinceMs: 5, error });
});

test('a throughput stands until another should have come twice, then nothing is known of it', () => {
  let nowMs = 500;
  const board = new StatusBoard(0, () => nowMs);
  const everyS = { ...route, transferEveryS: 10 };
  board.begin('r', 1, NOTHING, 0);
  const transfers = [
    { atMs: 1000, direction: 'down' as const, bytes: 1000, durationUs: 1e6, errorCode: null },
  ];
  nowMs = 2000;
  board.samples('r', { ...batch, transfers }, NOW);
  nowMs = 22_000;
  expect(board.of(everyS).down).toMatchObject({ goodputBps: 8000 });
  nowMs = 22_001;
  expect(board.of(everyS).down).toBeNull();
});

test('however the wall clock is set, a throughput stands as long', () => {
  let nowMs = 0;
  const board = new StatusBoard(0, () => nowMs);
  const everyS = { ...route, transferEveryS: 10 };
  const hour = 3_600_000;
  // Of the store: measured before the clock was set back, so that it seems to be of the time to come.
  board.begin('r', 1, { ...NOTHING, up: { atMs: hour, bytes: 1, durationUs: 1, goodputBps: 8e6 } }, 0);
  const transfers = [
    { atMs: -hour, direction: 'down' as const, bytes: 1000, durationUs: 1e6, errorCode: null },
  ];
  board.samples('r', { ...batch, transfers }, NOW);
  nowMs = 20_000;
  expect(board.of(everyS)).toMatchObject({ down: { goodputBps: 8000 }, up: { goodputBps: 8e6 } });
  nowMs = 20_001;
  expect(board.of(everyS)).toMatchObject({ down: null, up: null });
});

test('a transfer that failed is told until one succeeds, and leaves the last that did', () => {
  const board = new StatusBoard(0);
  board.begin('r', 1, { ...NOTHING, up: { atMs: 1, bytes: 1, durationUs: 1, goodputBps: 8e6 } }, 5);
  const failed = {
    atMs: 6,
    direction: 'up' as const,
    bytes: 0,
    durationUs: 0,
    errorCode: 'RL_CONNECT_TIMEOUT',
  };
  board.samples('r', { ...batch, transfers: [failed] }, NOW);
  expect(board.of(route)).toMatchObject({
    up: { atMs: 1 },
    transferError: { atMs: 6, direction: 'up', code: 'RL_CONNECT_TIMEOUT' },
  });
  board.samples('r', { ...batch, transfers: [{ ...failed, bytes: 1, durationUs: 1, errorCode: null }] }, NOW);
  expect(board.of(route)).toMatchObject({ up: { atMs: 6 }, transferError: null });
});
