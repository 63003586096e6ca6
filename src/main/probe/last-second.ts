/** What arrived in the last second, from totals that are looked at a few times a second. */

const SECOND_US = 1_000_000;

/** Payload, bytes. */
export interface Payload {
  down: number;
  up: number;
}

export class LastSecond {
  /** Oldest first: one of a second ago or before, then those of the second. */
  readonly #seen: ({ atUs: number } & Payload)[] = [];

  /** Bits per second over the last second, or since the look before where that is longer ago; null before there was a second. */
  look(atUs: number, { down, up }: Payload): Payload | null {
    const seen = this.#seen;
    while (seen.length > 1 && atUs - seen[1]!.atUs >= SECOND_US) seen.shift();
    seen.push({ atUs, down, up });
    const first = seen[0]!;
    const durationUs = atUs - first.atUs;
    if (durationUs < SECOND_US) return null;
    const bps = (bytes: number): number => (bytes * 8e6) / durationUs;
    return { down: bps(down - first.down), up: bps(up - first.up) };
  }
}
