/** What both ends of a handshake share: framing, encryption levels, the event queue and the key log. */
import { Alert } from './alerts.ts';
import type { TrafficSecrets } from './key-schedule.ts';
import type { HandshakeMessage } from './messages.ts';
import type { CipherSuite } from './suites.ts';
import { type Level, LevelViolation, TlsAlert, type TlsEvent } from './types.ts';

/** Largest handshake message taken, bytes: a certificate chain; everything else is far below it. */
const MAX_MESSAGE = 65_536;

export abstract class Handshake {
  readonly #events: TlsEvent[] = [];
  readonly #keyLog: ((line: string) => void) | undefined;
  readonly #incoming = new MessageBuffer();
  #readLevel: Level = 'initial';
  #failed: TlsAlert | null = null;

  constructor(keyLog: ((line: string) => void) | undefined) {
    this.#keyLog = keyLog;
  }

  /**
   * Takes contiguous CRYPTO bytes of one level, in any fragmentation. Throws TlsAlert; the handshake is over then,
   * and every further call throws the same.
   */
  receive(level: Level, data: Buffer): void {
    if (this.#failed) throw this.#failed;
    if (data.length === 0) return;
    try {
      if (level !== this.#readLevel) {
        throw new LevelViolation(`${level} data while reading ${this.#readLevel} data`);
      }
      this.#incoming.append(data);
      for (let message = this.#incoming.next(); message; message = this.#incoming.next()) {
        this.handle(message);
        // RFC 8446 §5.1, RFC 9001 §4.1.3: no message spans or follows a change of keys within its level.
        if (this.#readLevel !== level && this.#incoming.length > 0) {
          throw new LevelViolation(`${level} data after the keys changed`);
        }
      }
    } catch (error) {
      if (error instanceof TlsAlert) this.#failed = error;
      throw error;
    }
  }

  nextEvent(): TlsEvent | null {
    return this.#events.shift() ?? null;
  }

  protected abstract handle(message: HandshakeMessage): void;

  protected emit(event: TlsEvent): void {
    this.#events.push(event);
  }

  protected emitSecret(
    suite: CipherSuite,
    level: 'early' | 'handshake' | 'application',
    direction: 'read' | 'write',
    secret: Buffer,
  ): void {
    this.emit({ type: 'secret', level, direction, suite, secret });
  }

  /** All further messages are expected at this level. */
  protected readAt(level: Level): void {
    this.#readLevel = level;
  }

  /** In the format of SSLKEYLOGFILE (RFC 9850). */
  protected logSecrets(
    level: 'handshake' | 'application',
    clientRandom: Buffer,
    secrets: TrafficSecrets,
  ): void {
    if (!this.#keyLog) return;
    const suffix = level === 'handshake' ? 'HANDSHAKE_TRAFFIC_SECRET' : 'TRAFFIC_SECRET_0';
    const random = clientRandom.toString('hex');
    this.#keyLog(`CLIENT_${suffix} ${random} ${secrets.client.toString('hex')}`);
    this.#keyLog(`SERVER_${suffix} ${random} ${secrets.server.toString('hex')}`);
  }

  protected logEarlySecret(clientRandom: Buffer, secret: Buffer): void {
    this.#keyLog?.(`CLIENT_EARLY_TRAFFIC_SECRET ${clientRandom.toString('hex')} ${secret.toString('hex')}`);
  }
}

/** Reassembles messages from CRYPTO bytes; copies them, since the bytes are views into packets. */
class MessageBuffer {
  #bytes: Buffer = Buffer.alloc(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(data: Buffer): void {
    const needed = this.#length + data.length;
    if (needed > this.#bytes.length) {
      // Doubling keeps a message that trickles in byte by byte linear.
      const grown = Buffer.alloc(Math.max(needed, 2 * this.#bytes.length));
      this.#bytes.copy(grown, 0, 0, this.#length);
      this.#bytes = grown;
    }
    data.copy(this.#bytes, this.#length);
    this.#length = needed;
  }

  next(): HandshakeMessage | null {
    if (this.#length < 4) return null;
    const end = 4 + this.#bytes.readUIntBE(1, 3);
    // Before buffering it: a peer cannot make us hold more.
    if (end > MAX_MESSAGE) {
      throw new TlsAlert(
        Alert.decode_error,
        `a handshake message of ${end} bytes is longer than ${MAX_MESSAGE}`,
      );
    }
    if (this.#length < end) return null;
    const raw = Buffer.from(this.#bytes.subarray(0, end));
    this.#bytes.copyWithin(0, end, this.#length);
    this.#length -= end;
    return { type: raw[0]!, body: raw.subarray(4), raw };
  }
}
