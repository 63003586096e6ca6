/** Full stack and simulator where packets are lost, come twice, or take a time that changes. */
import { agreeOn, jitter_ms } from './quic-agreement.ts';

agreeOn({
  'every 500th packet lost': {
    path: { bottleneck: { rate_bps: 8e6, buffer_bdp: 2 }, loss: { model: 'every_nth', n: 500 }, jitter_ms },
    rtt_ms: 30,
    duration_s: 100,
    controllers: ['newreno', 'cubic'],
  },
  'one packet in twenty coming twice': {
    path: { bottleneck: { rate_bps: 6e6, buffer_bdp: 1 }, duplicate_rate: 0.05, jitter_ms },
    rtt_ms: 40,
    duration_s: 60,
    controllers: ['cubic', 'bbr3'],
  },
  'a recorded delay': {
    path: {
      bottleneck: {
        buffer_bdp: 1,
        trace: { kind: 'series', steps: [[0, 6e6, 20, null], [2.5, 6e6, 35, null], [4, 6e6, 10, null]], periodS: 6 }, // biome-ignore format: rows
      },
      jitter_ms,
    },
    rtt_ms: 40,
    duration_s: 60,
    controllers: ['cubic', 'bbr3'],
  },
});
