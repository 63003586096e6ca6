/** The TLS 1.3 key schedule without PSK (RFC 8446 §7.1) and the transcript it is bound to (§4.4.1). */
import { createHash, type Hash } from 'node:crypto';
import { type CipherSuite, hkdfExpandLabel, hkdfExtract, hmac } from './suites.ts';

export interface TrafficSecrets {
  client: Buffer;
  server: Buffer;
}

export class KeySchedule {
  readonly suite: CipherSuite;
  readonly #transcript: Hash;
  /** Early, then handshake, then master secret. */
  #secret: Buffer;

  constructor(suite: CipherSuite) {
    this.suite = suite;
    this.#transcript = createHash(suite.hash);
    const zeros = Buffer.alloc(suite.hashLength);
    this.#secret = hkdfExtract(suite.hash, zeros, zeros);
  }

  /** Adds a whole handshake message, header included. */
  update(message: Buffer): void {
    this.#transcript.update(message);
  }

  /** Hash of all messages so far. */
  transcriptHash(): Buffer {
    return this.#transcript.copy().digest();
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

  /** verify_data of a Finished that follows the transcript so far (§4.4.4), under its sender's handshake secret. */
  finished(trafficSecret: Buffer): Buffer {
    const { hash, hashLength } = this.suite;
    const key = hkdfExpandLabel(hash, trafficSecret, 'finished', Buffer.alloc(0), hashLength);
    return hmac(hash, key, this.transcriptHash());
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
