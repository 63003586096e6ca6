/** Session resumption and early data over real sockets (RFC 9001 §4.5, §4.6). */
import { expect, it } from 'vitest';
import type { ListenOptions, QuicSession, SessionTicket } from '../../../src/main/quic/udp/api.ts';
import { connect, listen } from './ends.ts';

/** A server that answers each stream with what came on it, backwards, and tells what it heard before its handshakes ended. */
async function backwards(options: Partial<ListenOptions> = {}) {
  const early: boolean[] = [];
  const { port } = await listen({
    onSession: (session) => {
      early.push(session.handshake.durationUs === 0);
      session.onStream = (stream) => {
        const heard: Buffer[] = [];
        stream.onData = (data) => heard.push(data);
        stream.onEnd = () => stream.end(Buffer.concat(heard).reverse());
      };
    },
    ...options,
  });
  return { port, early };
}

async function ticketOf(session: QuicSession): Promise<SessionTicket> {
  while (session.ticket === null) await new Promise(setImmediate);
  await session.close();
  return session.ticket;
}

function ask(session: QuicSession, question: string): Promise<string> {
  return new Promise((resolve) => {
    const stream = session.openStream();
    const heard: Buffer[] = [];
    stream.onData = (data) => heard.push(data);
    stream.onEnd = () => resolve(Buffer.concat(heard).toString());
    stream.end(Buffer.from(question));
  });
}

it('resumes a session with its ticket, and gets another', async () => {
  const { port } = await backwards();
  const first = await connect(port);
  expect(first.handshake.resumed).toBe(false);
  const ticket = await ticketOf(first);
  const second = await connect(port, { ticket });
  expect(second.handshake).toMatchObject({ resumed: true, earlyData: null });
  expect(await ask(second, 'abc')).toBe('cba');
  expect((await ticketOf(second)).identity).not.toEqual(ticket.identity);
});

it('sends a request ahead of the handshake, which is answered', async () => {
  const { port, early } = await backwards({ earlyData: true });
  const ticket = await ticketOf(await connect(port));
  let answer: Promise<string> | undefined;
  let taken: boolean | undefined;
  const session = await connect(port, {
    ticket,
    onEarly: (soon) => {
      taken = soon.sendDatagram(Buffer.from('early'));
      answer = ask(soon, 'request');
    },
  });
  expect(taken).toBe(true);
  expect(await answer).toBe('tseuqer');
  expect(session.handshake).toMatchObject({ resumed: true, earlyData: 'accepted' });
  expect(early).toEqual([false, true]);
  await session.close();
});

it('sends it again after the handshake when the server does not take it', async () => {
  const { port } = await backwards({ earlyData: true });
  const ticket = await ticketOf(await connect(port));
  const other = await backwards({ earlyData: true });
  let answer: Promise<string> | undefined;
  const session = await connect(other.port, {
    ticket,
    onEarly: (soon) => {
      answer = ask(soon, 'request');
    },
  });
  expect(await answer).toBe('tseuqer');
  expect(session.handshake).toMatchObject({ resumed: false, earlyData: 'rejected' });
  await session.close();
});

it('sends it again behind a Retry', async () => {
  const { port } = await backwards({ earlyData: true, retry: 'always' });
  const ticket = await ticketOf(await connect(port));
  let answer: Promise<string> | undefined;
  const session = await connect(port, {
    ticket,
    onEarly: (soon) => {
      answer = ask(soon, 'request');
    },
  });
  expect(await answer).toBe('tseuqer');
  expect(session.handshake).toMatchObject({ retried: true, resumed: true, earlyData: 'accepted' });
  await session.close();
});

it('offers nothing early without a ticket, nor with one that does not allow it', async () => {
  const { port } = await backwards();
  let asked = 0;
  const onEarly = (): number => asked++;
  const first = await connect(port, { onEarly });
  const second = await connect(port, { ticket: await ticketOf(first), onEarly });
  expect(second.handshake.resumed).toBe(true);
  expect(asked).toBe(0);
  await second.close();
});

it('does not resume for another name, nor where a certificate is to be verified that was not', async () => {
  const { port } = await backwards();
  const ticket = await ticketOf(await connect(port, { serverName: 'localhost' }));
  const named = await connect(port, { ticket });
  expect(named.handshake.resumed).toBe(false);
  const insecure = { ca: [], system: false, insecure: true };
  const blind = await ticketOf(await connect(port, { trust: insecure }));
  const careful = await connect(port, { ticket: blind });
  expect(careful.handshake.resumed).toBe(false);
  const careless = await connect(port, { ticket: blind, trust: insecure });
  expect(careless.handshake.resumed).toBe(true);
  for (const session of [named, careful, careless]) await session.close();
});
