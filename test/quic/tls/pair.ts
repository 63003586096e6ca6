/** Two handshake machines joined in memory, deterministic but for ECDSA and RSA-PSS signatures. */
import { createHash, type KeyObject } from 'node:crypto';
import { ClientHandshake, type ClientHandshakeOptions } from '../../../src/main/quic/tls/client.ts';
import { ServerHandshake, type ServerHandshakeOptions } from '../../../src/main/quic/tls/server.ts';
import { type Level, TlsAlert, type TlsEvent } from '../../../src/main/quic/tls/types.ts';

/** A source of bytes that yields the same ones for the same seed. */
export function seededRandom(seed: string): (n: number) => Buffer {
  let counter = 0;
  return (n) => {
    const blocks: Buffer[] = [];
    while (blocks.length * 32 < n) {
      blocks.push(createHash('sha256').update(`${seed} ${counter++}`).digest());
    }
    return Buffer.concat(blocks).subarray(0, n);
  };
}

/** What a server proves itself with. */
export interface Identity {
  certificate: Buffer[];
  privateKey: KeyObject;
}

export const CLIENT_PARAMETERS = Buffer.from('client transport parameters');
export const SERVER_PARAMETERS = Buffer.from('server transport parameters');

export const makeClient = (options: Partial<ClientHandshakeOptions> = {}): ClientHandshake =>
  new ClientHandshake({
    serverName: 'lab.example',
    alpn: ['routelab/1'],
    transportParameters: CLIENT_PARAMETERS,
    verify: null,
    random: seededRandom('client'),
    ...options,
  });

export const makeServer = (
  server: Identity,
  options: Partial<ServerHandshakeOptions> = {},
): ServerHandshake =>
  new ServerHandshake({
    alpn: ['routelab/1'],
    ...server,
    transportParameters: () => SERVER_PARAMETERS,
    random: seededRandom('server'),
    ...options,
  });

export function drain(machine: ClientHandshake | ServerHandshake): TlsEvent[] {
  const events: TlsEvent[] = [];
  for (let event = machine.nextEvent(); event; event = machine.nextEvent()) events.push(event);
  return events;
}

/** Handshake bytes among events, as (level, bytes). */
export const dataOf = (events: readonly TlsEvent[]): { level: Level; data: Buffer }[] =>
  events.filter((event) => event.type === 'data').map(({ level, data }) => ({ level, data }));

/** Runs both machines until neither has anything to say; `chunk` cuts what is delivered into that many bytes. */
export function run(
  client: ClientHandshake,
  server: ServerHandshake,
  chunk = Number.POSITIVE_INFINITY,
): { client: TlsEvent[]; server: TlsEvent[] } {
  const events = { client: [] as TlsEvent[], server: [] as TlsEvent[] };
  client.start();
  for (;;) {
    const fromClient = drain(client);
    events.client.push(...fromClient);
    deliver(server, dataOf(fromClient), chunk);
    const fromServer = drain(server);
    events.server.push(...fromServer);
    deliver(client, dataOf(fromServer), chunk);
    if (fromClient.length === 0 && fromServer.length === 0) return events;
  }
}

export function deliver(
  to: ClientHandshake | ServerHandshake,
  flight: readonly { level: Level; data: Buffer }[],
  chunk = Number.POSITIVE_INFINITY,
): void {
  for (const { level, data } of flight) {
    for (let at = 0; at < data.length; at += chunk) to.receive(level, data.subarray(at, at + chunk));
  }
}

/** The alert that an action ends in; undefined when it ends well. */
export function alertOf(action: () => unknown): number | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof TlsAlert) return error.alert;
    throw error;
  }
  return undefined;
}
