/** Full stack and simulator with a buffer that is too small, with every controller. */
import { CONTROLLERS } from '../../src/shared/domain.ts';
import { agreeOn, jitter_ms } from './quic-agreement.ts';

agreeOn({
  'a shallow buffer': {
    path: { bottleneck: { rate_bps: 6e6, buffer_bdp: 0.5 }, jitter_ms },
    rtt_ms: 60,
    duration_s: 60,
    controllers: CONTROLLERS,
  },
});
