/** The moments of a client's handshake, as they are seen: for who asked for them, and at no cost for who did not. */
import type { HandshakeMark } from '../../../shared/probe-details.ts';
import type { ClientConfig } from '../connection/config.ts';
import type { Observer } from '../connection/observer.ts';
import { nowUs } from './clock.ts';

const SILENT: Observer = {
  onDatagramReceived: () => undefined,
  onDatagramSent: () => undefined,
  onPacketSent: () => undefined,
  onPacketReceived: () => undefined,
  onRetry: () => undefined,
  onVersionNegotiation: () => undefined,
  onPacketDropped: () => undefined,
  onPacketBuffered: () => undefined,
  onPacketLost: () => undefined,
  onLossTimerExpired: () => undefined,
  onSettled: () => undefined,
};

/** The line of the key log that TLS writes when ServerHello has given it the handshake's keys (RFC 8446 §7.1). */
const HANDSHAKE_SECRET = 'SERVER_HANDSHAKE_TRAFFIC_SECRET';

/** Tells `onMark` each moment once, on the clock of `nowUs()`. Whoever looks on and logs keys besides goes on to. */
export function watchMarks(config: ClientConfig, onMark: (mark: HandshakeMark, atUs: number) => void): void {
  const { observer: look, keyLog, verify } = config;
  const seen = new Set<HandshakeMark>();
  const mark = (name: HandshakeMark): void => {
    if (seen.has(name)) return;
    seen.add(name);
    onMark(name, nowUs());
  };
  config.keyLog = (line) => {
    if (line.startsWith(HANDSHAKE_SECRET)) mark('handshake-keys');
    keyLog?.(line);
  };
  if (verify !== null)
    config.verify = (chain) => {
      verify(chain);
      mark('certificate');
    };
  config.observer = (origin) => {
    const observer: Observer = look?.(origin) ?? { ...SILENT };
    const onPacketSent = observer.onPacketSent.bind(observer);
    const onPacketReceived = observer.onPacketReceived.bind(observer);
    const onSettled = observer.onSettled.bind(observer);
    observer.onPacketSent = (packet, atUs) => {
      mark(packet.type === '0rtt' ? 'early-sent' : 'hello-sent');
      onPacketSent(packet, atUs);
    };
    observer.onPacketReceived = (packet, atUs) => {
      mark('first-packet');
      onPacketReceived(packet, atUs);
    };
    observer.onSettled = (status, atUs) => {
      if (status.handshakeComplete) mark('complete');
      if (status.handshakeConfirmed) mark('confirmed');
      onSettled(status, atUs);
    };
    return observer;
  };
}
