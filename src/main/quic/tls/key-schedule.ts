/** The TLS 1.3 key schedule (RFC 8446 §7.1) and the transcript it is bound to (§4.4.1). */
import { createHash, type Hash } from 'node:crypto';
import { uint } from './codec.ts';
import { type CipherSuite, hkdfExpandLabel, hkdfExtract, hmac } from './suites.ts';

export interface TrafficSecrets {
  client: Buffer;
  server: Buffer;
}

/** HandshakeType of the message that stands for the first ClientHello after a HelloRetryRequest (§4.4.1). */
const MESSAGE_HASH = 254;

export class KeySchedule {
  readonly suite: CipherSuite;
  #transcript: Hash;
  /** Early, then handshake, then master secret. */
  #secret: Buffer;

  /** `psk`: of the session that is resumed. */
  constructor(suite: CipherSuite, psk: Buffer | null = null) {
    this.suite = suite;
    this.#transcript = createHash(suite.hash);
    const zeros = Buffer.alloc(suite.hashLength);
    this.#secret = hkdfExtract(suite.hash, zeros, psk ?? zeros);
  }

  /** Adds a whole handshake message, header included. */
  update(message: Buffer): void {
    this.#transcript.update(message);
  }

  /** §4.4.1: a HelloRetryRequest follows; of the ClientHello before it only the hash stays. */
  replaceByHash(): void {
    const hash = this.transcriptHash();
    this.#transcript = createHash(this.suite.hash);
    this.#transcript.update(Buffer.concat([uint(MESSAGE_HASH, 1), uint(hash.length, 3), hash]));
  }

  /** Hash of all messages so far. */
  transcriptHash(): Buffer {
    return this.#transcript.copy().digest();
  }

  /**
   * The binder that proves possession of the PSK (§4.2.11.2): over the transcript and a ClientHello up to its list of binders.
   * Leaves the transcript as it is.
   */
  binder(truncatedHello: Buffer): Buffer {
    const { hash, hashLength } = this.suite;
    const empty = createHash(hash).digest();
    const key = hkdfExpandLabel(hash, this.#secret, 'res binder', empty, hashLength);
    return this.#verifyData(key, this.#transcript.copy().update(truncatedHello).digest());
  }

  /** Secret of the client's 0-RTT packets; the transcript must end with ClientHello. */
  clientEarlyTraffic(): Buffer {
    return this.#derive('c e traffic');
  }

  /** Mixes in the (EC)DHE secret; the transcript must end with ServerHello. */
  enterHandshake(sharedSecret: Buffer): TrafficSecrets {
    this.#extract(sharedSecret);
    return { client: this.#derive('c hs traffic'), server: this.#derive('s hs traffic') };
  }

  /** Moves to the master secret; the transcript must end with the server's Finished. */
  enterApplication(): TrafficSecrets {
    this.#extract(Buffer.alloc(this.suite.hashLength));
    return { client: this.#derive('c ap traffic'), server: this.#derive('s ap traffic') };
  }

  /** PSK of the ticket with this nonce (§4.6.1); the transcript must end with the client's Finished. */
  resumptionPsk(nonce: Buffer): Buffer {
    const { hash, hashLength } = this.suite;
    return hkdfExpandLabel(hash, this.#derive('res master'), 'resumption', nonce, hashLength);
  }

  /** verify_data of a Finished that follows the transcript so far (§4.4.4), under its sender's handshake secret. */
  finished(trafficSecret: Buffer): Buffer {
    return this.#verifyData(trafficSecret, this.transcriptHash());
  }

  #verifyData(secret: Buffer, transcriptHash: Buffer): Buffer {
    const { hash, hashLength } = this.suite;
    const key = hkdfExpandLabel(hash, secret, 'finished', Buffer.alloc(0), hashLength);
    return hmac(hash, key, transcriptHash);
  }

  #extract(keyMaterial: Buffer): void {
    const { hash, hashLength } = this.suite;
    const empty = createHash(hash).digest();
    this.#secret = hkdfExtract(
      hash,
      hkdfExpandLabel(hash, this.#secret, 'derived', empty, hashLength),
      keyMaterial,
    );
  }

  #derive(label: string): Buffer {
    const { hash, hashLength } = this.suite;
    return hkdfExpandLabel(hash, this.#secret, label, this.transcriptHash(), hashLength);
  }
}
