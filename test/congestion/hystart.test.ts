import { describe, expect, it } from 'vitest';
import { HyStart } from '../../src/main/congestion/hystart.ts';
import { MSS, sample } from './support.ts';

/** Feeds rounds of `acks` ACKs; each round's RTTs are at least `rttUs`. */
class Rounds {
  readonly hyStart = new HyStart();
  #delivered = 0;

  /** True when congestion avoidance began in this round. */
  run(rttUs: number, acks = 10): boolean {
    const priorDeliveredBytes = this.#delivered;
    let left = false;
    for (let i = 0; i < acks; i++) {
      this.#delivered += MSS;
      left ||= this.hyStart.onAck(
        sample({
          nowUs: 0,
          ackedBytes: MSS,
          rttUs: rttUs + (i % 3) * 100,
          deliveredBytes: this.#delivered,
          // The first ACK of a round is for a packet sent when the last round's deliveries were known.
          priorDeliveredBytes,
        }),
      );
    }
    return left;
  }
}

describe('HyStart++ (RFC 9406 §4.2)', () => {
  it('goes on while the RTT does not rise by its threshold', () => {
    const rounds = new Rounds();
    for (let i = 0; i < 20; i++) expect(rounds.run(100_000 + 1_000 * i)).toBe(false);
    expect(rounds.hyStart.divisor).toBe(1);
  });

  it.each([
    [8_000, 4_000, 'at least 4 ms'],
    [80_000, 10_000, 'an eighth of the RTT'],
    [400_000, 16_000, 'at most 16 ms'],
  ])('slows down when an RTT of %i µs rises by %i µs: %s', (rttUs, riseUs) => {
    const under = new Rounds();
    under.run(rttUs);
    under.run(rttUs + riseUs - 1);
    expect(under.hyStart.divisor).toBe(1);
    const over = new Rounds();
    over.run(rttUs);
    over.run(rttUs + riseUs);
    expect(over.hyStart.divisor).toBe(4);
  });

  it('needs eight samples in a round', () => {
    const rounds = new Rounds();
    rounds.run(100_000);
    rounds.run(150_000, 7);
    expect(rounds.hyStart.divisor).toBe(1);
  });

  it('ends slow start after five rounds of the slow kind', () => {
    const rounds = new Rounds();
    rounds.run(100_000);
    for (let i = 0; i < 5; i++) expect(rounds.run(120_000)).toBe(false);
    expect(rounds.run(120_000)).toBe(true);
  });

  it('goes back to slow start when the RTT falls again', () => {
    const rounds = new Rounds();
    rounds.run(100_000);
    rounds.run(120_000);
    expect(rounds.hyStart.divisor).toBe(4);
    rounds.run(110_000);
    expect(rounds.hyStart.divisor).toBe(1);
  });
});
