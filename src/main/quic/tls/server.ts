/** The server of a TLS 1.3 handshake, full or resumed, over QUIC (RFC 8446 §2, §4; RFC 9001 §4, §8). */
import { type KeyObject, timingSafeEqual } from 'node:crypto';
import { Alert } from './alerts.ts';
import { malformed, uint } from './codec.ts';
import {
  bindersLength,
  decodeCodePoints,
  decodeKeyShares,
  decodeOfferedPsks,
  decodeOfferedVersions,
  decodeProtocols,
  decodePskModes,
  decodeServerName,
  ExtensionType,
  encodeKeyShare,
  encodeProtocols,
  encodeSelectedGroup,
  encodeSelectedPsk,
  type OfferedPsk,
  PSK_DHE_KE,
  required,
  UNLIMITED_EARLY_DATA,
} from './extensions.ts';
import { Handshake } from './handshake.ts';
import { type Group, type GroupName, selectGroups } from './key-exchange.ts';
import { KeySchedule, type TrafficSecrets } from './key-schedule.ts';
import {
  type ClientHello,
  decodeClientHello,
  type Extensions,
  encodeCertificate,
  encodeCertificateVerify,
  encodeEncryptedExtensions,
  encodeNewSessionTicket,
  encodeServerHello,
  frame,
  type HandshakeMessage,
  HandshakeType,
  HELLO_RETRY_REQUEST,
  TLS_1_2,
  TLS_1_3,
} from './messages.ts';
import type { ResumableSession, SessionTickets } from './session-tickets.ts';
import { type SignatureScheme, schemeFor, signServerTranscript } from './signatures.ts';
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
  /** Makes and reads session tickets; without them no session is resumed. */
  tickets?: SessionTickets | undefined;
  /** Take early data with tickets issued for the same `context`: what early data relies on (RFC 9000 §7.4.1). */
  earlyData?: { context: Buffer } | undefined;
  /** Receives SSLKEYLOGFILE lines. */
  keyLog?: (line: string) => void;
}

/** A session that the client may have resumed. */
interface Resumption {
  session: ResumableSession;
  offer: OfferedPsk;
  isFresh: boolean;
}

export class ServerHandshake extends Handshake {
  readonly #options: ServerHandshakeOptions;
  #state: 'client-hello' | 'second-client-hello' | 'finished' | 'connected' = 'client-hello';
  /** After a HelloRetryRequest: what it answered, it itself, and what has to stay. */
  #retry: { hellos: [Buffer, Buffer]; random: Buffer; suite: CipherSuite; group: Group } | null = null;
  #resumed = false;
  #mayTicket = false;
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

  /** Whether the client resumed a session. */
  get resumed(): boolean {
    return this.#resumed;
  }

  /** The name the client asked for; null when it sent none. */
  get serverName(): string | null {
    return this.#serverName;
  }

  protected override handle(message: HandshakeMessage): void {
    switch (`${this.#state} ${message.type}`) {
      case `client-hello ${HandshakeType.client_hello}`:
      case `second-client-hello ${HandshakeType.client_hello}`:
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
    if (
      this.#retry &&
      (!hello.random.equals(this.#retry.random) || extensions.has(ExtensionType.early_data))
    ) {
      // §4.1.2, §4.2.10.
      throw new TlsAlert(
        Alert.illegal_parameter,
        'the second ClientHello is not the first with what was asked for',
      );
    }
    const serverName = extensions.get(ExtensionType.server_name);
    this.#serverName = serverName ? decodeServerName(serverName) : null;
    const parameters = required(extensions, 'quic_transport_parameters', 'ClientHello');
    const suite = this.#selectSuite(hello.cipherSuites);
    if (this.#retry && this.#retry.suite !== suite) {
      throw new TlsAlert(
        Alert.illegal_parameter,
        'the second ClientHello leaves out the cipher suite that was chosen',
      );
    }
    const alpn = this.#selectProtocol(extensions);
    const { group, publicKey: clientShare } = this.#selectKeyShare(extensions);
    if (!clientShare) {
      this.#askForShare(message, hello, suite, group);
      return;
    }
    const resumption = this.#resumption(message, extensions, suite);
    this.#resumed = resumption !== null;
    this.#alpn = alpn;
    this.#group = group.name;
    const scheme = resumption ? null : this.#selectScheme(extensions);
    const keyPair = group.generate(this.#options.random);
    const sharedSecret = keyPair.agree(clientShare);
    this.emit({ type: 'parameters', raw: parameters });

    const schedule = new KeySchedule(suite, resumption?.session.psk);
    this.#schedule = schedule;
    this.#feedRetry(schedule);
    schedule.update(message.raw);
    const takesEarlyData = resumption !== null && this.#takesEarlyData(extensions, resumption, suite, alpn);
    if (takesEarlyData) {
      const secret = schedule.clientEarlyTraffic();
      this.logEarlySecret(hello.random, secret);
      this.emitSecret(suite, 'early', 'read', secret);
    }
    const serverHello = encodeServerHello({
      legacyVersion: TLS_1_2,
      random: this.#options.random(32),
      sessionId: hello.sessionId,
      cipherSuite: suite.id,
      compressionMethod: 0,
      extensions: new Map([
        [ExtensionType.supported_versions, uint(TLS_1_3, 2)],
        [ExtensionType.key_share, encodeKeyShare({ group: group.id, publicKey: keyPair.publicKey })],
        ...(resumption ? [[ExtensionType.pre_shared_key, encodeSelectedPsk(0)] as const] : []),
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
          ...(takesEarlyData ? [[ExtensionType.early_data, Buffer.alloc(0)] as const] : []),
        ]),
      ),
    );
    if (scheme) {
      send(
        encodeCertificate({
          context: Buffer.alloc(0),
          entries: this.#options.certificate.map((certificate) => ({ certificate, extensions: new Map() })),
        }),
      );
      const signature = signServerTranscript(scheme, this.#options.privateKey, schedule.transcriptHash());
      send(encodeCertificateVerify({ scheme: scheme.id, signature }));
    }
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

  #selectScheme(extensions: Extensions): SignatureScheme {
    const schemes = decodeCodePoints(
      required(extensions, 'signature_algorithms', 'ClientHello'),
      'signature_algorithms',
    );
    const scheme = schemeFor(this.#options.privateKey, schemes);
    if (!scheme) {
      throw new TlsAlert(Alert.handshake_failure, "no signature algorithm in common for this server's key");
    }
    return scheme;
  }

  /** The preferred of our groups for which the client sent a share, else, without one, of those it speaks. */
  #selectKeyShare(extensions: Extensions): { group: Group; publicKey: Buffer | null } {
    const supported = decodeCodePoints(
      required(extensions, 'supported_groups', 'ClientHello'),
      'supported_groups',
    );
    const shares = decodeKeyShares(required(extensions, 'key_share', 'ClientHello'));
    // RFC 8446 §4.2.8.
    if (shares.some((share) => !supported.includes(share.group))) {
      throw new TlsAlert(Alert.illegal_parameter, 'a key share for a group that supported_groups leaves out');
    }
    if (this.#retry) {
      const { group } = this.#retry;
      const [share, another] = shares;
      if (share?.group !== group.id || another) {
        throw new TlsAlert(Alert.illegal_parameter, 'not the key share that HelloRetryRequest asked for');
      }
      return { group, publicKey: share.publicKey };
    }
    const groups = selectGroups(this.#options.groups);
    for (const group of groups) {
      const share = shares.find((entry) => entry.group === group.id);
      if (share) return { group, publicKey: share.publicKey };
    }
    const group = groups.find(({ id }) => supported.includes(id));
    if (!group) throw new TlsAlert(Alert.handshake_failure, 'no key exchange group in common');
    return { group, publicKey: null };
  }

  /** RFC 8446 §4.1.4. */
  #askForShare(message: HandshakeMessage, hello: ClientHello, suite: CipherSuite, group: Group): void {
    const request = encodeServerHello({
      legacyVersion: TLS_1_2,
      random: HELLO_RETRY_REQUEST,
      sessionId: hello.sessionId,
      cipherSuite: suite.id,
      compressionMethod: 0,
      extensions: new Map([
        [ExtensionType.supported_versions, uint(TLS_1_3, 2)],
        [ExtensionType.key_share, encodeSelectedGroup(group.id)],
      ]),
    });
    this.#retry = { hellos: [message.raw, request], random: Buffer.from(hello.random), suite, group };
    this.#state = 'second-client-hello';
    this.emit({ type: 'data', level: 'initial', data: request });
  }

  /** Puts the first ClientHello and the HelloRetryRequest into a transcript, if there were any. */
  #feedRetry(schedule: KeySchedule): void {
    if (!this.#retry) return;
    const [hello, request] = this.#retry.hellos;
    schedule.update(hello);
    schedule.replaceByHash();
    schedule.update(request);
  }

  /** The session that the client's first ticket stands for, if it can be resumed (RFC 8446 §4.2.11). */
  #resumption(message: HandshakeMessage, extensions: Extensions, suite: CipherSuite): Resumption | null {
    const { tickets } = this.#options;
    const modes = extensions.get(ExtensionType.psk_key_exchange_modes);
    const speaksDhe = modes !== undefined && decodePskModes(modes).includes(PSK_DHE_KE);
    this.#mayTicket = tickets !== undefined && speaksDhe;
    const body = extensions.get(ExtensionType.pre_shared_key);
    if (!body) return null;
    // §4.2.9.
    if (!modes) throw new TlsAlert(Alert.missing_extension, 'pre_shared_key without psk_key_exchange_modes');
    const offers = decodeOfferedPsks(body);
    const offer = offers[0]!;
    const redeemed = speaksDhe ? (tickets?.redeem(offer.identity, offer.obfuscatedAge) ?? null) : null;
    if (!redeemed) return null;
    const { session, isFresh } = redeemed;
    // A session is resumed with the suite it was made with, and for the name it was made for.
    if (session.suite !== suite.id || session.serverName !== this.#serverName) return null;
    const schedule = new KeySchedule(suite, session.psk);
    this.#feedRetry(schedule);
    const expected = schedule.binder(message.raw.subarray(0, message.raw.length - bindersLength(offers)));
    if (offer.binder.length !== expected.length || !timingSafeEqual(offer.binder, expected)) {
      throw new TlsAlert(Alert.decrypt_error, 'the client does not hold the PSK of its ticket');
    }
    return { session, offer, isFresh };
  }

  /** RFC 8446 §4.2.10, §8; the ticket is spent for early data by asking. */
  #takesEarlyData(
    extensions: Extensions,
    { session, offer, isFresh }: Resumption,
    suite: CipherSuite,
    alpn: string,
  ): boolean {
    const { earlyData, tickets } = this.#options;
    const body = extensions.get(ExtensionType.early_data);
    if (!body || !earlyData) return false;
    if (body.length > 0) throw malformed('early_data in ClientHello is not empty');
    return (
      isFresh &&
      session.suite === suite.id &&
      session.alpn === alpn &&
      session.earlyContext.equals(earlyData.context) &&
      tickets!.claim(offer.identity)
    );
  }

  #onFinished(message: HandshakeMessage): void {
    const schedule = this.#schedule!;
    const expected = schedule.finished(this.#handshakeSecrets!.client);
    if (message.body.length !== expected.length) throw malformed('Finished has the wrong length');
    if (!timingSafeEqual(message.body, expected)) {
      throw new TlsAlert(Alert.decrypt_error, "the client's Finished does not match the handshake");
    }
    schedule.update(message.raw);
    // RFC 9001 §5.7: 1-RTT packets are read only from here on.
    this.emitSecret(schedule.suite, 'application', 'read', this.#applicationSecrets!.client);
    this.readAt('application');
    this.#state = 'connected';
    this.emit({ type: 'complete' });
    if (this.#mayTicket) this.#sendTicket(schedule);
  }

  /** RFC 8446 §4.6.1: one ticket for each session, which the client uses once. */
  #sendTicket(schedule: KeySchedule): void {
    const { earlyData, tickets } = this.#options;
    // A single ticket needs no nonce to differ from others.
    const nonce = Buffer.alloc(0);
    const { ticket, lifetimeS, ageAdd } = tickets!.issue({
      psk: schedule.resumptionPsk(nonce),
      suite: schedule.suite.id,
      alpn: this.#alpn!,
      serverName: this.#serverName,
      earlyContext: earlyData?.context ?? Buffer.alloc(0),
    });
    const extensions: Extensions = earlyData
      ? new Map([[ExtensionType.early_data, UNLIMITED_EARLY_DATA]])
      : new Map();
    const data = encodeNewSessionTicket({ lifetimeS, ageAdd, nonce, ticket, extensions });
    this.emit({ type: 'data', level: 'application', data });
  }
}
