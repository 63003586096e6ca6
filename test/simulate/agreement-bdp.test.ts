/** Full stack and simulator with a buffer of one BDP, with every controller. */
import { CONTROLLERS } from '../../src/shared/domain.ts';
import { agreeOn, jitter_ms } from './quic-agreement.ts';

agreeOn({
  'a buffer of one BDP': {
    path: { bottleneck: { rate_bps: 6e6, buffer_bdp: 1 }, jitter_ms },
    rtt_ms: 40,
    duration_s: 60,
    controllers: CONTROLLERS,
  },
});
