/**
 * Named paths. The sixteen network profiles give the round trip; it is shared out over the two directions so
 * that the round trip matches the table:
 *
 * - delay: half each way;
 * - jitter: half each way, so that the round trip stays within RTT ± jitter (Link draws it uniformly);
 * - loss: each way 1 − √(1 − p), so that a ping is lost with probability p;
 * - duplication: each way √(1 + d) − 1, so that a ping is answered 1 + d times on average, were none lost;
 * - rate: the same both ways, for a rate is not shared by the directions.
 */
import type { Emulation, LinkSettings, Profile } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';

function fromRoundTrip(
  profile: string,
  rttMs: number,
  jitterMs: number,
  lossPercent: number,
  rateMbps: number,
  duplicatePercent = 0,
): Emulation {
  const each: LinkSettings = {
    rateBps: rateMbps * 1e6,
    delayMs: rttMs / 2,
    jitterMs: jitterMs / 2,
    lossRatio: 1 - Math.sqrt(1 - lossPercent / 100),
    bufferBytes: null,
    ...(duplicatePercent === 0 ? {} : { duplicateRatio: Math.sqrt(1 + duplicatePercent / 100) - 1 }),
  };
  return { profile, up: each, down: { ...each }, flap: null };
}

const NETWORK_PROFILES = [
  //             name             RTT ms  jitter  loss %  Mbit/s  duplicates %
  fromRoundTrip('wifi', 20, 5, 2, 8, 1),
  fromRoundTrip('wifi-5g', 10, 2, 1, 40, 0.5),
  fromRoundTrip('lte', 50, 15, 5, 16, 2),
  fromRoundTrip('lte-advanced', 30, 10, 3, 64, 1.5),
  fromRoundTrip('5g', 5, 1, 0.1, 400, 0.05),
  fromRoundTrip('satellite', 500, 50, 1, 4, 0.5),
  fromRoundTrip('satellite-leo', 50, 10, 2, 80, 1),
  fromRoundTrip('ethernet', 1, 0.1, 0.01, 800, 0.01),
  fromRoundTrip('ethernet-10g', 0.1, 0.01, 0.001, 8_000),
  fromRoundTrip('dsl', 30, 5, 1, 16, 0.5),
  fromRoundTrip('cable', 15, 3, 0.5, 80, 0.2),
  fromRoundTrip('fiber', 2, 0.5, 0.01, 800, 0.01),
  fromRoundTrip('mobile-3g', 100, 30, 10, 4, 5),
  fromRoundTrip('edge', 200, 50, 15, 0.8, 10),
  fromRoundTrip('international', 80, 20, 3, 40, 1),
  fromRoundTrip('datacenter', 0.1, 0.01, 0.0001, 80_000),
];

/** Paths made to show one thing each, at rates that a relay carries beside five others. */
const SHOWCASE_PROFILES: Emulation[] = [
  fromRoundTrip('lan', 1, 0.1, 0, 100),
  // A buffer of 400 ms (down) and 500 ms (up) at the bottleneck: delay under load, none when idle.
  {
    profile: 'bufferbloat',
    up: { rateBps: 4e6, delayMs: 10, jitterMs: 0.5, lossRatio: 0, bufferBytes: 250_000 },
    down: { rateBps: 10e6, delayMs: 10, jitterMs: 0.5, lossRatio: 0, bufferBytes: 500_000 },
    flap: null,
  },
  fromRoundTrip('lossy-wifi', 8, 6, 3, 20),
  { ...fromRoundTrip('flap', 30, 2, 0.1, 20), flap: { periodMs: 20_000, downMs: 4_000 } },
];

/** Every named path. */
export const PROFILES: readonly Profile[] = [...NETWORK_PROFILES, ...SHOWCASE_PROFILES].map((emulation) => ({
  name: emulation.profile,
  emulation,
}));

/** The named path; throws RL_INPUT_INVALID for `field`, listing the names, when there is none. */
export function findProfile(name: string, field: string): Emulation {
  const found = PROFILES.find((profile) => profile.name === name);
  if (found === undefined) {
    throw new LabError('RL_INPUT_INVALID', `${field}: there is no profile "${name}"`, {
      field,
      hint: `Use one of: ${PROFILES.map((profile) => profile.name).join(', ')}.`,
    });
  }
  return found.emulation;
}

/** The six routes of the demo lab under the names people read, in the order they are shown. */
export const DEMO_PATHS: readonly Profile[] = [
  { name: 'LAN', profile: 'lan' },
  { name: 'LTE', profile: 'lte' },
  { name: 'Satellite', profile: 'satellite' },
  { name: 'Bufferbloat', profile: 'bufferbloat' },
  { name: 'Lossy Wi-Fi', profile: 'lossy-wifi' },
  { name: 'Flapping', profile: 'flap' },
].map(({ name, profile }) => ({ name, emulation: findProfile(profile, 'profile') }));
