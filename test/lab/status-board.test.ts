import { expect, test } from 'vitest';
import { StatusBoard } from '../../src/main/lab/status-board.ts';
import { type Route, RouteInput, type TransportSnapshot } from '../../src/shared/domain.ts';
import { LabError } from '../../src/shared/errors.ts';

const route: Route = {
  ...RouteInput.parse({ name: 'R', host: '127.0.0.1', port: 1, insecure: true }),
  id: 'r',
  colour: 0,
  demo: false,
  enabled: true,
  createdAtMs: 0,
};
const transport = { atMs: 1, cwndBytes: 14_720 } as TransportSnapshot;
const batch = { pings: [], transfers: [], handshakes: [], transport: null };
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
    handshakeUs: null,
    transport: null,
    emulated: false,
    insecure: true,
  });
});

test('the state is dated from when it was entered, not from when it was last said', () => {
  const board = new StatusBoard(0);
  board.begin('r', 1, [], 10);
  board.state('r', 'down', null, 20);
  board.state('r', 'down', error, 30);
  expect(board.of(route)).toMatchObject({ state: 'down', sinceMs: 20, error });
});

test('a connection that is gone takes its transport with it, but not what was measured', () => {
  const board = new StatusBoard(0);
  board.begin('r', 1, [], 10);
  board.state('r', 'up', null, 11);
  board.samples(
    'r',
    {
      ...batch,
      transport,
      handshakes: [
        { atMs: 10, durationUs: 900, errorCode: null },
        { atMs: 11, durationUs: null, errorCode: 'RL_CONNECT_TIMEOUT' },
      ],
      transfers: [{ atMs: 11, direction: 'up', bytes: 1000, durationUs: 1000 }],
    },
    12,
  );
  expect(board.of(route)).toMatchObject({ transport, handshakeUs: 900, up: { goodputBps: 8e6 } });
  board.state('r', 'down', error, 13);
  expect(board.of(route)).toMatchObject({ transport: null, handshakeUs: 900, up: { goodputBps: 8e6 } });
});

test('what a monitor still says after its run ended is not believed', () => {
  const board = new StatusBoard(0);
  board.begin('r', 1, [], 10);
  board.end('r', 20);
  board.state('r', 'up', null, 21);
  board.samples('r', batch, 22);
  expect(board.of(route)).toMatchObject({ state: 'stopped', sinceMs: 20, ping: null });
});

test('a run that could not begin shows why', () => {
  const board = new StatusBoard(0);
  board.fail('r', error, 5);
  expect(board.of(route)).toMatchObject({ state: 'down', runId: null, sinceMs: 5, error });
});
