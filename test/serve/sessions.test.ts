/** What stays open stays so for as long as its token is valid, and no longer. */
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Auth, signToken } from '../../src/main/serve/auth.ts';
import { Sessions } from '../../src/main/serve/sessions.ts';
import { openCarriers } from './open-carriers.ts';

const SECRET = 'correct horse battery staple, twice';
const LIFETIME_S = 60;
/** Between clocks, by which a token outlives itself. */
const TOLERANCE_S = 5;

/** Carriers of a lab that wants tokens, by a clock of the test's own, and a token that is valid now. */
async function locked() {
  const settings = { secret: SECRET, issuer: 'routelab' };
  let nowMs = Date.now();
  const auth = new Auth(
    () => settings,
    () => nowMs,
  );
  const carriers = await openCarriers({ auth });
  const token = await signToken(settings, 'test', LIFETIME_S, nowMs);
  const later = (seconds: number): void => {
    nowMs += 1000 * seconds;
  };
  return { ...carriers, settings, token, later };
}

/** A WebSocket that is open, and the code it is closed with. */
async function openSocket(url: string, token: string): Promise<{ closed: Promise<number> }> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/rpc`, ['routelab', `bearer.${token}`]);
  const closed = once(socket, 'close').then(([code]) => code as number);
  await once(socket, 'open');
  return { closed };
}

/** An event stream that is open, and whether it was cut off. */
async function openStream(url: string, token: string): Promise<{ ended: Promise<string> }> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/api/v1/routes/watch`, { headers });
  expect(response.status).toBe(200);
  return {
    ended: response.text().then(
      () => 'ended',
      () => 'cut off',
    ),
  };
}

test.each([
  ['its token has expired', (lab: Awaited<ReturnType<typeof locked>>) => lab.later(TOLERANCE_S + 1)],
  [
    'the secret is another',
    (lab: Awaited<ReturnType<typeof locked>>) => {
      lab.settings.secret = 'x'.repeat(40);
    },
  ],
])('a WebSocket and an event stream end once %s', async (_what, happen) => {
  const lab = await locked();
  const socket = await openSocket(lab.url, lab.token);
  const stream = await openStream(lab.url, lab.token);
  lab.later(LIFETIME_S);
  await lab.sessions.check();
  // Within the tolerance: both are there still.
  expect(
    await Promise.race([socket.closed, stream.ended, new Promise((open) => setImmediate(open, 'open'))]),
  ).toBe('open');
  happen(lab);
  await lab.sessions.check();
  expect(await socket.closed).toBe(4401);
  expect(await stream.ended).toBe('cut off');
});

test('they are looked at by themselves, again and again', async () => {
  const settings = { secret: null as string | null, issuer: 'routelab' };
  const sessions = new Sessions(new Auth(() => settings), 5);
  const ended = new Promise<void>((end) => {
    sessions.open('streams', null, end);
  });
  settings.secret = SECRET;
  await ended;
  sessions.close();
});

test('one that was let go of is not ended, and makes room', () => {
  const settings = { secret: SECRET, issuer: 'routelab' };
  const sessions = new Sessions(new Auth(() => settings));
  const close = Array.from({ length: 64 }, () => sessions.open('sockets', null, () => expect.unreachable()));
  expect(() => sessions.open('sockets', null, () => {})).toThrow('64 sockets are open already.');
  sessions.open('streams', null, () => {});
  close[0]!();
  sessions.open('sockets', null, () => {});
  sessions.close();
});
