import { describe, expect, onTestFinished, test } from 'vitest';
import { createExporter } from '../../src/main/telemetry/exporter.ts';
import { SessionsSource } from '../../src/main/telemetry/sessions-source.ts';
import { type StandInSession, standInSession } from '../probe/stand-in-session.ts';

const GONE = { by: 'peer', code: 0, application: true, reason: '' } as const;

function open(payload?: { down: number; up: number }) {
  const totals = createExporter().totals('server');
  const source = new SessionsSource({
    labels: { server: 's' },
    totals,
    ...(payload && { payload: () => ({ ...payload }) }),
  });
  // Looks are made by the test.
  source.end();
  onTestFinished(() => source.end());
  const session = (figures: Partial<StandInSession['figures']> = {}): StandInSession => {
    const made = standInSession(() => null);
    Object.assign(made.figures, figures);
    source.watch(made);
    return made;
  };
  const counters = () => source.read().counters?.server;
  return { source, session, counters };
}

describe('sessions of one process', () => {
  test('are nothing, and unknown, before the first', () => {
    const { source } = open();
    source.look(0);
    expect(source.read()).toMatchObject({
      counters: { server: {} },
      handshakes: null,
      rttUs: null,
      lossRatio: null,
    });
  });

  test('are counted together, and what those that ended counted stays', async () => {
    const { session, counters } = open();
    const first = session({ packetsSent: 10, streamsOpened: 1 });
    const second = session({ packetsSent: 5, bytesReceived: 700 });
    expect(counters()).toMatchObject({ connections: 2, packetsSent: 15, streams: 1 });
    first.figures.packetsSent = 12;
    first.end(GONE);
    await first.closed;
    expect(counters()).toMatchObject({ connections: 2, packetsSent: 17, bytesReceived: 700 });
    second.end(GONE);
    await second.closed;
    session({ packetsSent: 1 });
    expect(counters()).toMatchObject({ connections: 3, packetsSent: 18 });
  });

  test('have a connection each once the handshake is complete, which early data is ahead of', () => {
    const { source, session, counters } = open();
    const early = session();
    const { counters: _, handshakes } = source.read();
    expect(handshakes?.count).toBe(1);
    const other = standInSession(() => null);
    Object.assign(other, { handshake: { ...other.handshake, durationUs: 0 } });
    source.watch(other);
    expect(counters()?.connections).toBe(1);
    Object.assign(other, { handshake: early.handshake });
    expect(counters()?.connections).toBe(2);
    expect(source.read().handshakes).toMatchObject({ count: 2, sumS: 0.01 });
  });

  test('have the window and the state of the one that came last', async () => {
    const { source, session } = open();
    session({ cwndBytes: 1 });
    const newest = session({ cwndBytes: 2, controller: 'bbr3', controllerState: 'Drain' });
    expect(source.read()).toMatchObject({ cwndBytes: 2, state: { controller: 'bbr3', name: 'Drain' } });
    newest.end(GONE);
    await newest.closed;
    expect(source.read()).toMatchObject({ cwndBytes: 1, state: { controller: 'cubic' } });
  });

  test('have round trips of the last minute, and the sum of all that were looked at', () => {
    const { source, session } = open();
    const { figures } = session({ latestRttUs: 1000 });
    source.look(0);
    figures.latestRttUs = 3000;
    source.look(59_999);
    expect(source.read()).toMatchObject({ rttUs: { p50: 2000 }, rttTotal: { sumUs: 4000, count: 2 } });
    source.look(60_000);
    expect(source.read()).toMatchObject({ rttUs: { p50: 3000 }, rttTotal: { sumUs: 7000, count: 3 } });
  });

  test('have the losses of the last minute', () => {
    const { source, session } = open();
    const { figures } = session({ packetsSent: 100, packetsLost: 50 });
    for (let second = 0; second <= 120; second++) {
      if (second >= 60)
        Object.assign(figures, {
          packetsSent: figures.packetsSent + 10,
          packetsLost: figures.packetsLost + 1,
        });
      source.look(second * 1000);
    }
    expect(source.read().lossRatio).toBeCloseTo(0.1, 12);
  });

  test('have the payload of the last second as their throughput', () => {
    const payload = { down: 0, up: 0 };
    const { source, session } = open(payload);
    session();
    source.look(0);
    Object.assign(payload, { down: 1_000_000, up: 125 });
    source.look(900);
    expect(source.read().goodputBps).toBeNull();
    source.look(1000);
    expect(source.read().goodputBps).toEqual({ down: 8_000_000, up: 1000 });
    source.look(2000);
    expect(source.read().goodputBps).toEqual({ down: 0, up: 0 });
  });
});
