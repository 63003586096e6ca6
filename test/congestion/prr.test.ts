/** Proportional Rate Reduction, RFC 9937 §6, as NewReno and CUBIC apply it. */
import { describe, expect, it } from 'vitest';
import { createController } from '../../src/main/congestion/index.ts';
import { MSS, sample } from './support.ts';

/** A controller that lost `lost` of the 100 packets it had in flight with the ACK of one more, and the sender it governs. */
class Flight {
  readonly controller;
  inFlight: number;

  constructor(name: string, lost: number, parameters: Record<string, number> = {}) {
    this.controller = createController(name, {
      random: () => 0.5,
      datagramBytes: MSS,
      parameters: { InitialWindow: 100, ...parameters },
    });
    this.inFlight = 100 - lost - 1;
    this.lose(1e6, lost);
    this.ack(1, { lostBytes: lost * MSS });
  }

  lose(nowUs: number, packets: number, largestLostSentAtUs = 0.9e6): void {
    this.controller.onLoss({
      nowUs,
      lostBytes: packets * MSS,
      packets: [],
      totalLostBytes: packets * MSS,
      deliveredBytes: 0,
      bytesInFlight: this.inFlight * MSS,
      largestLostSentAtUs,
    });
  }

  ack(packets: number, overrides: Partial<Parameters<typeof sample>[0]> = {}): void {
    this.controller.onAck(
      sample({
        nowUs: 1e6,
        ackedBytes: packets * MSS,
        bytesInFlight: this.inFlight * MSS,
        largestAckedSentAtUs: 0.95e6,
        ...overrides,
      }),
    );
  }

  /** Acknowledges one packet of the flight, then sends what the window has room for; returns how many packets. */
  turn(overrides: Partial<Parameters<typeof sample>[0]> = {}): number {
    this.inFlight--;
    this.ack(1, overrides);
    return this.fill();
  }

  fill(): number {
    const before = this.inFlight;
    while ((this.inFlight + 1) * MSS <= this.controller.cwnd) {
      this.inFlight++;
      this.controller.onSent(1e6, MSS, this.inFlight * MSS, false);
    }
    return this.inFlight - before;
  }
}

describe('proportional rate reduction', () => {
  it.each([
    ['newreno', 0.5],
    ['cubic', 0.7],
  ] as const)(
    'lets %s send %f packets for each that arrives, until the flight is ssthresh',
    (name, share) => {
      const flight = new Flight(name, 1);
      let sent = flight.fill();
      expect(sent).toBe(1);
      for (let i = 1; i < 99; i++) {
        sent += flight.turn();
        // Whole packets, and the lost one made room at the end.
        expect(Math.abs(sent - share * (i + 1))).toBeLessThan(1.5);
      }
      expect(flight.inFlight).toBeGreaterThanOrEqual(100 * share - 1);
      expect(flight.inFlight).toBeLessThanOrEqual(100 * share);
      expect(flight.controller.snapshot().state).toBe('recovery');
      expect(flight.controller.snapshot().ssthresh).toBe(100 * share * MSS);
    },
  );

  it('ends with the acknowledgement of a packet sent in recovery, at ssthresh', () => {
    const flight = new Flight('newreno', 1);
    flight.fill();
    for (let i = 0; i < 10; i++) flight.turn();
    expect(flight.controller.cwnd).toBeGreaterThan(80 * MSS);
    flight.turn({ nowUs: 1.1e6, largestAckedSentAtUs: 1.01e6 });
    expect(flight.controller.snapshot()).toMatchObject({ state: 'congestion-avoidance', cwnd: 50 * MSS });
  });

  it('keeps the flight, no more, while an ACK still tells of losses (the conservative bound)', () => {
    const flight = new Flight('newreno', 60);
    flight.fill();
    const before = flight.inFlight;
    for (let i = 0; i < 5; i++) {
      flight.inFlight--;
      flight.lose(1e6, 1);
      flight.inFlight--;
      flight.ack(1, { nowUs: 1.01e6, lostBytes: MSS });
      expect(flight.fill()).toBeLessThanOrEqual(1);
    }
    expect(flight.inFlight).toBeLessThan(before);
  });

  it('adds a packet per SafeACK after heavy losses, until the flight is ssthresh', () => {
    const flight = new Flight('newreno', 60);
    expect(flight.fill()).toBe(1);
    expect(flight.inFlight).toBe(40);
    for (let flying = 41; flying <= 50; flying++) {
      expect(flight.turn()).toBe(2);
      expect(flight.inFlight).toBe(flying);
    }
    expect(flight.turn()).toBe(1);
    expect(flight.inFlight).toBe(50);
  });

  it('makes no room for what a timer finds lost in recovery', () => {
    const flight = new Flight('newreno', 1);
    flight.fill();
    for (let i = 0; i < 20; i++) flight.turn();
    flight.inFlight -= 10;
    flight.lose(1.02e6, 10);
    expect(flight.fill()).toBe(0);
  });

  it('reduces again from the window it aimed at when a packet sent in recovery is lost', () => {
    const flight = new Flight('newreno', 1);
    flight.fill();
    flight.turn();
    flight.lose(1.2e6, 1, 1.05e6);
    expect(flight.controller.snapshot()).toMatchObject({ state: 'recovery', ssthresh: 25 * MSS });
  });

  it('paces a flight that fell short of ssthresh at the rate of ssthresh', () => {
    const flight = new Flight('newreno', 90);
    expect(flight.controller.cwnd).toBeLessThan(12 * MSS);
    expect(flight.controller.pacingBps).toBeCloseTo((1.25 * 50 * MSS * 8) / 0.1, 3);
  });

  it('can be switched off: the window falls at one stroke, and the sender is silent until the flight fits', () => {
    const flight = new Flight('newreno', 1, { PRR: 0 });
    expect(flight.controller.cwnd).toBe(50 * MSS);
    expect(flight.fill()).toBe(0);
    for (let i = 0; i < 48; i++) expect(flight.turn()).toBe(0);
    expect(flight.inFlight).toBe(50);
    expect(flight.turn()).toBe(1);
  });
});
