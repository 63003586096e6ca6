/** What becomes of the frames of a packet once its fate is known (RFC 9000 §13.3). */
import type { PacketSpace } from './packet-space.ts';
import type { ConnectionState, SentFrame } from './state.ts';

export function onFramesAcked(
  state: ConnectionState,
  space: PacketSpace,
  frames: readonly SentFrame[],
  nowUs: number,
): void {
  for (const sent of frames) {
    switch (sent.kind) {
      case 'stream':
        state.streams.onAcked(sent.id, sent.offset, sent.length, sent.fin);
        break;
      case 'crypto':
        space.cryptoOut.onAcked(sent.offset, sent.length, false);
        break;
      case 'mtu-probe':
        state.mtu.onProbeAcked(sent.bytes, nowUs);
        state.resize();
        break;
      case 'ack':
        space.received.onAckOfAck(sent.largest);
        break;
      case 'reset':
        state.streams.onResetAcked(sent.id);
        break;
      case 'retire':
        state.peerIds.onRetireAcked(sent.sequence);
        break;
    }
  }
}

export function onFramesLost(
  state: ConnectionState,
  space: PacketSpace,
  frames: readonly SentFrame[],
  nowUs: number,
): void {
  for (const sent of frames) {
    switch (sent.kind) {
      case 'stream':
        state.streams.onLost(sent.id, sent.offset, sent.length, sent.fin);
        break;
      case 'crypto':
        space.cryptoOut.onLost(sent.offset, sent.length, false);
        break;
      case 'mtu-probe':
        state.mtu.onProbeLost(sent.bytes, nowUs);
        break;
      case 'control':
        state.control.add(sent.frame);
        break;
      case 'retire':
        state.peerIds.onRetireLost(sent.sequence);
        break;
      case 'reset':
        state.streams.onResetLost(sent.id);
        break;
      case 'stream-control':
        state.streams.onControlLost(sent.frame);
        break;
    }
  }
}
