/** Scenarios that name a network profile: what they leave out is the profile’s. */
import type { LinkSettings } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { parseScenario, type Scenario } from '../../shared/scenario.ts';
import { findProfile } from '../path/profiles.ts';

type Raw = Record<string, unknown>;

const isObject = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const lossOf = ({ lossRatio }: LinkSettings): object =>
  lossRatio > 0 ? { model: 'iid', rate: lossRatio } : { model: 'none' };

/**
 * Any JSON value as a scenario. Of a `profile` the way down is the bottleneck with its loss, jitter and duplicates, the way
 * up what ACKs pass, and both delays the `rtt_ms` of flows; a field that is given stands. Throws RL_INPUT_INVALID.
 */
export function readScenario(value: unknown): Scenario {
  if (!isObject(value) || typeof value['profile'] !== 'string') return parseScenario(value);
  const { profile, ...given } = value;
  const { up, down, flap } = findProfile(profile as string, 'profile');
  if (flap !== null) {
    const message = `profile: "${profile}" is cut now and then, which is not simulated`;
    throw new LabError('RL_INPUT_INVALID', message, { field: 'profile' });
  }
  const { bottleneck = {} } = given;
  if (!isObject(bottleneck)) return parseScenario(given);
  const hasBuffer = 'buffer_bdp' in bottleneck || 'buffer_bytes' in bottleneck || down.bufferBytes === null;
  const { flows } = given;
  return parseScenario({
    loss: lossOf(down),
    jitter_ms: down.jitterMs,
    duplicate_rate: down.duplicateRatio ?? 0,
    reverse: {
      rate_bps: up.rateBps,
      buffer_bytes: up.bufferBytes,
      loss: lossOf(up),
      jitter_ms: up.jitterMs,
      duplicate_rate: up.duplicateRatio ?? 0,
    },
    ...given,
    bottleneck: {
      ...('trace' in bottleneck ? {} : { rate_bps: down.rateBps ?? undefined }),
      ...(hasBuffer ? {} : { buffer_bytes: down.bufferBytes }),
      ...bottleneck,
    },
    flows: Array.isArray(flows)
      ? flows.map((flow) => (isObject(flow) ? { rtt_ms: up.delayMs + down.delayMs, ...flow } : flow))
      : flows,
  });
}
