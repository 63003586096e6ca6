/** Key updates (RFC 9001 §6). */
import { describe, expect, it } from 'vitest';
import { readAll } from './pair.ts';
import { Wiretap } from './wiretap.ts';

function connected(options: ConstructorParameters<typeof Wiretap>[0] = {}): Wiretap {
  const tap = new Wiretap(options);
  tap.pair.connect();
  tap.pair.run(500_000);
  return tap;
}

const phases = (tap: Wiretap, direction: 'up' | 'down'): number[] =>
  tap.packets
    .filter((packet) => packet.direction === direction && packet.space === 'application')
    .map(({ keyPhase }) => keyPhase)
    .filter((phase, i, all) => phase !== all[i - 1]);

describe('a key update', () => {
  it.each(['client', 'server'] as const)('begun by the %s is followed by the other end', (side) => {
    const tap = connected();
    const { pair } = tap;
    expect(pair[side]!.updateKeys(pair.nowUs)).toBe(true);
    const id = pair.client.openStream(false)!;
    pair.client.write(id, Buffer.from('after the update'));
    pair.client.finish(id);
    pair.server!.sendDatagram(Buffer.from('answer'));
    pair.run(1_000_000);
    expect(phases(tap, 'up')).toEqual([0, 1]);
    expect(phases(tap, 'down')).toEqual([0, 1]);
    const received: Buffer[] = [];
    expect(readAll(pair.server!, id, received)).toBe(true);
    expect(Buffer.concat(received).toString()).toBe('after the update');
    expect(pair.client.stats().keyUpdates).toBe(1);
    expect(pair.server!.stats().keyUpdates).toBe(1);
  });

  it('waits for an acknowledgement in the current phase, and for three PTOs after it', () => {
    const tap = connected();
    const { pair } = tap;
    expect(pair.client.updateKeys(pair.nowUs)).toBe(true);
    expect(pair.client.updateKeys(pair.nowUs)).toBe(false);
    pair.client.sendDatagram(Buffer.from('x'));
    // One round trip brings the acknowledgement, but packets of the phase before may still be under way.
    pair.run(25_000);
    expect(pair.client.updateKeys(pair.nowUs)).toBe(false);
    pair.run(1_000_000);
    expect(pair.client.updateKeys(pair.nowUs)).toBe(true);
  });

  it('is not begun before the handshake is confirmed', () => {
    const tap = new Wiretap();
    tap.pair.run(30_000_000, () => tap.pair.has('client', 'connected'));
    expect(tap.pair.client.updateKeys(tap.pair.nowUs)).toBe(false);
  });

  it('comes by itself when a key has sealed its share, again and again, and no byte is lost', () => {
    const tap = connected({ client: { packetsPerKey: 50 }, delayUs: 2_000 });
    const { pair } = tap;
    const id = pair.client.openStream(false)!;
    const part = Buffer.alloc(200_000, 'routelab');
    const received: Buffer[] = [];
    for (let i = 0; i < 8; i++) {
      pair.client.write(id, part);
      pair.run(200_000);
      readAll(pair.server!, id, received);
    }
    expect(Buffer.concat(received).equals(Buffer.concat(Array(8).fill(part)))).toBe(true);
    expect(pair.client.stats().keyUpdates).toBeGreaterThan(3);
    expect(phases(tap, 'down').length).toBeGreaterThan(3);
  });

  it('does not lose packets of the phase before that arrive late', () => {
    let late = -1;
    const tap = connected({
      extraUs: (direction, n) => (direction === 'up' && n === late ? 30_000 : 0),
    });
    const { pair } = tap;
    late = pair.sent.up.length;
    pair.client.sendDatagram(Buffer.from('before'));
    pair.run(1_000);
    expect(pair.client.updateKeys(pair.nowUs)).toBe(true);
    pair.client.sendDatagram(Buffer.from('after'));
    pair.run(200_000);
    const got = pair.events.server.flatMap((event) =>
      event.type === 'datagram' ? [event.data.toString()] : [],
    );
    expect(got).toEqual(['after', 'before']);
  });

  it('that nobody can follow is just a packet that does not open', () => {
    const tap = connected();
    const { pair } = tap;
    const forged = tap.forge('up', 'application', [{ type: 'ping' }]);
    // Key Phase is behind header protection: a flipped bit asks for keys of the next phase, which do not open it.
    forged[0]! ^= 0x04;
    pair.inject('up', forged);
    pair.server!.sendDatagram(Buffer.from('still here'));
    pair.run(200_000);
    expect(pair.server!.stats().keyUpdates).toBe(0);
    expect(pair.closed('server')).toBeUndefined();
    expect(pair.has('client', 'datagram')).toBe(true);
  });
});
