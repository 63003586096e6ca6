/** Connections at every stage that a peer can break the protocol in, and what has to come of it. */
import { expect } from 'vitest';
import type { Space } from '../../../src/main/recovery/types.ts';
import { Wiretap } from './wiretap.ts';

export type Options = ConstructorParameters<typeof Wiretap>[0];
export type Side = 'client' | 'server';

/** The direction of what `side` receives. */
export const towards = (side: Side): 'up' | 'down' => (side === 'server' ? 'up' : 'down');

/** Bytes of a packet's payload, as hexadecimal with spaces anywhere. */
export const hex = (digits: string): Buffer => Buffer.from(digits.replaceAll(' ', ''), 'hex');

/** Handshake over and confirmed at both ends. */
export function connected(options: Options = {}): Wiretap {
  const tap = new Wiretap(options);
  tap.pair.connect();
  tap.pair.run(200_000);
  return tap;
}

/** A connection in which `side` still takes packets of `space`. */
export function taking(side: Side, space: Space): Wiretap {
  if (space === 'application') return connected();
  const tap = new Wiretap();
  // A client that has heard nothing has its Initial keys; one whose answer is lost keeps its Handshake keys.
  const isLost = (direction: 'up' | 'down', n: number): boolean =>
    side === 'client' && space === 'initial' ? direction === 'down' : direction === 'up' && n > 0;
  const sent = { up: 0, down: 0 };
  tap.lose = (direction) => isLost(direction, sent[direction]++);
  tap.pair.run(50_000);
  return tap;
}

/** `side` has closed with this transport error, and says so on the wire. */
export function expectClose(tap: Wiretap, side: Side, code: number): void {
  expect(tap.pair.closed(side)).toMatchObject({ by: 'local', application: false, code });
  const told = tap.frames(side === 'client' ? 'up' : 'down', 'connection_close');
  expect(told.at(-1)).toMatchObject({ application: false, code });
}
