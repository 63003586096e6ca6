/** The server of a full TLS 1.3 handshake over QUIC (RFC 8446 §2, §4; RFC 9001 §4, §8). */
import { type KeyObject, timingSafeEqual } from 'node:crypto';
import { Alert } from './alerts.ts';
import { malformed, uint } from './codec.ts';
import {
  decodeCodePoints,
  decodeKeyShares,
  decodeOfferedVersions,
  decodeProtocols,
  decodeServerName,
  ExtensionType,
  encodeKeyShare,
  encodeProtocols,
  required,
} from './extensions.ts';
import { Handshake } from './handshake.ts';
import { type Group, type GroupName, selectGroups } from './key-exchange.ts';
import { KeySchedule, type TrafficSecrets } from './key-schedule.ts';
import {
  decodeClientHello,
  type Extensions,
  encodeCertificate,
  encodeCertificateVerify,
  encodeEncryptedExtensions,
  encodeServerHello,
  frame,
  type HandshakeMessage,
  HandshakeType,
  TLS_1_2,
  TLS_1_3,
} from './messages.ts';
import { schemeFor, signServerTranscript } from './signatures.ts';
import { type CipherSuite, supportedSuites } from './suites.ts';
import { TlsAlert } from './types.ts';

export interface ServerHandshakeOptions {
  /** Protocols we speak, in order of preference. */
  alpn: readonly string[];
  /** DER, leaf first. */
  certificate: readonly Buffer[];
  /** The leaf's key: EC P-256 or P-384, RSA, or Ed25519. */
  privateKey: KeyObject;
  /** Our quic_transport_parameters, encoded; called when the flight is built. */
  transportParameters: () => Buffer;
  random: (n: number) => Buffer;
  /** In order of preference. */
  suites?: readonly CipherSuite[];
  /** Key exchange groups accepted; default all. */
  groups?: readonly GroupName[];
  /** Receives SSLKEYLOGFILE lines. */
  keyLog?: (line: string) => void;
}

export class ServerHandshake extends Handshake {
  readonly #options: ServerHandshakeOptions;
  #state: 'client-hello' | 'finished' | 'connected' = 'client-hello';
  #schedule: KeySchedule | null = null;
  #handshakeSecrets: TrafficSecrets | null = null;
  #applicationSecrets: TrafficSecrets | null = null;
  #alpn: string | null = null;
  #group: GroupName | null = null;
  #serverName: string | null = null;

  constructor(options: ServerHandshakeOptions) {
    super(options.keyLog);
    this.#options = options;
  }

  get alpn(): string | null {
    return this.#alpn;
  }

  get suite(): CipherSuite | null {
    return this.#schedule?.suite ?? null;
  }

  get group(): GroupName | null {
    return this.#group;
  }

  /** The name the client asked for; null when it sent none. */
  get serverName(): string | null {
    return this.#serverName;
  }

  protected override handle(message: HandshakeMessage): void {
    switch (`${this.#state} ${message.type}`) {
      case `client-hello ${HandshakeType.client_hello}`:
        this.#onClientHello(message);
        break;
      case `finished ${HandshakeType.finished}`:
        this.#onFinished(message);
        break;
      default:
        // Also EndOfEarlyData and KeyUpdate: RFC 9001 §8.3, §6.
        throw new TlsAlert(
          Alert.unexpected_message,
          `message of type ${message.type} in state ${this.#state}`,
        );
    }
  }

  #onClientHello(message: HandshakeMessage): void {
    const hello = decodeClientHello(message.body);
    const { extensions } = hello;
    const versions = extensions.get(ExtensionType.supported_versions);
    if (!versions || !decodeOfferedVersions(versions).includes(TLS_1_3)) {
      throw new TlsAlert(Alert.protocol_version, 'the client does not offer TLS 1.3');
    }
    // RFC 9001 §8.4.
    if (hello.sessionId.length > 0) {
      throw new TlsAlert(Alert.illegal_parameter, 'legacy_session_id is not empty');
    }
    if (!hello.compressionMethods.equals(Buffer.from([0]))) {
      throw new TlsAlert(Alert.illegal_parameter, 'legacy_compression_methods is not just null');
    }
    // RFC 8446 §4.2.11.
    if (
      extensions.has(ExtensionType.pre_shared_key) &&
      Array.from(extensions.keys()).at(-1) !== ExtensionType.pre_shared_key
    ) {
      throw new TlsAlert(Alert.illegal_parameter, 'pre_shared_key is not the last extension');
    }
    const serverName = extensions.get(ExtensionType.server_name);
    if (serverName) this.#serverName = decodeServerName(serverName);
    const parameters = required(extensions, 'quic_transport_parameters', 'ClientHello');
    const suite = this.#selectSuite(hello.cipherSuites);
    const alpn = this.#selectProtocol(extensions);
    const { group, publicKey: clientShare } = this.#selectKeyShare(extensions);
    const schemes = decodeCodePoints(
      required(extensions, 'signature_algorithms', 'ClientHello'),
      'signature_algorithms',
    );
    const scheme = schemeFor(this.#options.privateKey, schemes);
    if (!scheme) {
      throw new TlsAlert(Alert.handshake_failure, "no signature algorithm in common for this server's key");
    }
    const keyPair = group.generate(this.#options.random);
    const sharedSecret = keyPair.agree(clientShare);
    this.#alpn = alpn;
    this.#group = group.name;
    this.emit({ type: 'parameters', raw: parameters });

    const schedule = new KeySchedule(suite);
    this.#schedule = schedule;
    schedule.update(message.raw);
    const serverHello = encodeServerHello({
      legacyVersion: TLS_1_2,
      random: this.#options.random(32),
      sessionId: hello.sessionId,
      cipherSuite: suite.id,
      compressionMethod: 0,
      extensions: new Map([
        [ExtensionType.supported_versions, uint(TLS_1_3, 2)],
        [ExtensionType.key_share, encodeKeyShare({ group: group.id, publicKey: keyPair.publicKey })],
      ]),
    });
    schedule.update(serverHello);
    this.emit({ type: 'data', level: 'initial', data: serverHello });
    const handshake = schedule.enterHandshake(sharedSecret);
    this.#handshakeSecrets = handshake;
    this.logSecrets('handshake', hello.random, handshake);
    this.emitSecret(suite, 'handshake', 'read', handshake.client);
    this.emitSecret(suite, 'handshake', 'write', handshake.server);

    const flight: Buffer[] = [];
    const send = (bytes: Buffer): void => {
      schedule.update(bytes);
      flight.push(bytes);
    };
    send(
      encodeEncryptedExtensions(
        new Map([
          [ExtensionType.application_layer_protocol_negotiation, encodeProtocols([alpn])],
          [ExtensionType.quic_transport_parameters, this.#options.transportParameters()],
        ]),
      ),
    );
    send(
      encodeCertificate({
        context: Buffer.alloc(0),
        entries: this.#options.certificate.map((certificate) => ({ certificate, extensions: new Map() })),
      }),
    );
    const signature = signServerTranscript(scheme, this.#options.privateKey, schedule.transcriptHash());
    send(encodeCertificateVerify({ scheme: scheme.id, signature }));
    send(frame(HandshakeType.finished, schedule.finished(handshake.server)));
    this.emit({ type: 'data', level: 'handshake', data: Buffer.concat(flight) });

    const application = schedule.enterApplication();
    this.#applicationSecrets = application;
    this.logSecrets('application', hello.random, application);
    this.emitSecret(suite, 'application', 'write', application.server);
    this.readAt('handshake');
    this.#state = 'finished';
  }

  #selectSuite(offered: readonly number[]): CipherSuite {
    const suite = (this.#options.suites ?? supportedSuites()).find(({ id }) => offered.includes(id));
    if (!suite) throw new TlsAlert(Alert.handshake_failure, 'no cipher suite in common');
    return suite;
  }

  #selectProtocol(extensions: Extensions): string {
    const body = extensions.get(ExtensionType.application_layer_protocol_negotiation);
    const offered = body ? decodeProtocols(body) : [];
    const protocol = this.#options.alpn.find((name) => offered.includes(name));
    if (protocol === undefined) {
      // RFC 9001 §8.1, RFC 7301 §3.2.
      throw new TlsAlert(
        Alert.no_application_protocol,
        `no application protocol in common: the client offers ${offered.join(', ') || 'none'}`,
      );
    }
    return protocol;
  }

  /** The preferred of our groups for which the client sent a share. */
  #selectKeyShare(extensions: Extensions): { group: Group; publicKey: Buffer } {
    const supported = decodeCodePoints(
      required(extensions, 'supported_groups', 'ClientHello'),
      'supported_groups',
    );
    const shares = decodeKeyShares(required(extensions, 'key_share', 'ClientHello'));
    // RFC 8446 §4.2.8.
    if (shares.some((share) => !supported.includes(share.group))) {
      throw new TlsAlert(Alert.illegal_parameter, 'a key share for a group that supported_groups leaves out');
    }
    for (const group of selectGroups(this.#options.groups)) {
      const share = shares.find((entry) => entry.group === group.id);
      if (share) return { group, publicKey: share.publicKey };
    }
    throw new TlsAlert(Alert.handshake_failure, 'no key share for a group in common');
  }

  #onFinished(message: HandshakeMessage): void {
    const schedule = this.#schedule!;
    const expected = schedule.finished(this.#handshakeSecrets!.client);
    if (message.body.length !== expected.length) throw malformed('Finished has the wrong length');
    if (!timingSafeEqual(message.body, expected)) {
      throw new TlsAlert(Alert.decrypt_error, "the client's Finished does not match the handshake");
    }
    // RFC 9001 §5.7: 1-RTT packets are read only from here on.
    this.emitSecret(schedule.suite, 'application', 'read', this.#applicationSecrets!.client);
    this.readAt('application');
    this.#state = 'connected';
    this.emit({ type: 'complete' });
  }
}
