/** The client of a TLS 1.3 handshake over QUIC, full or resumed (RFC 8446 §2, §4; RFC 9001 §4, §8). */
import { type KeyObject, timingSafeEqual, X509Certificate } from 'node:crypto';
import { type ErrorCode, type LabError, toLabError } from '../../../shared/errors.ts';
import { QuicError, TransportError } from '../wire/errors.ts';
import { Alert } from './alerts.ts';
import { malformed } from './codec.ts';
import {
  bindersLength,
  checkCookie,
  checkResponseExtensions,
  decodeCodePoints,
  decodeKeyShare,
  decodeProtocols,
  decodeSelectedGroup,
  decodeSelectedPsk,
  decodeSelectedVersion,
  ExtensionType,
  encodeCodePoints,
  encodeKeyShares,
  encodeOfferedPsk,
  encodeOfferedVersions,
  encodeProtocols,
  encodePskModes,
  encodeServerName,
  PSK_DHE_KE,
  required,
  UNLIMITED_EARLY_DATA,
} from './extensions.ts';
import { Handshake } from './handshake.ts';
import { bareHost } from './host-names.ts';
import { type Group, type GroupName, type KeyPair, selectGroups } from './key-exchange.ts';
import { KeySchedule, type TrafficSecrets } from './key-schedule.ts';
import {
  decodeCertificate,
  decodeCertificateRequest,
  decodeCertificateVerify,
  decodeEncryptedExtensions,
  decodeNewSessionTicket,
  decodeServerHello,
  type Extensions,
  encodeCertificate,
  encodeClientHello,
  frame,
  type HandshakeMessage,
  HandshakeType,
  HELLO_RETRY_REQUEST,
  type ServerHello,
  TLS_1_2,
  TLS_1_3,
} from './messages.ts';
import { OFFERED_SCHEMES, schemeById, verifyServerTranscript } from './signatures.ts';
import { type CipherSuite, supportedSuites } from './suites.ts';
import { type ResumptionTicket, TlsAlert } from './types.ts';

export interface ClientHandshakeOptions {
  /** Host name for SNI; null sends none, as an IP address requires (RFC 6066 §3). */
  serverName: string | null;
  alpn: readonly string[];
  /** Our quic_transport_parameters, encoded. */
  transportParameters: Buffer;
  /** Judges the chain (DER, leaf first), throwing LabError RL_CERT_*; null accepts any certificate. */
  verify: ((chain: Buffer[]) => void) | null;
  random: (n: number) => Buffer;
  suites?: readonly CipherSuite[];
  /** Key exchange groups offered, in order of preference, the first with a key share; default all. */
  groups?: readonly GroupName[];
  /** The session to resume, and how long ago its ticket came, milliseconds. */
  resume?: { ticket: ResumptionTicket; ageMs: number } | undefined;
  /** Offer early data with it (RFC 8446 §2.3), where the ticket allows that. */
  earlyData?: boolean | undefined;
  /** Receives SSLKEYLOGFILE lines. */
  keyLog?: (line: string) => void;
}

type State =
  | 'idle'
  | 'server-hello'
  | 'encrypted-extensions'
  | 'certificate-or-request'
  | 'certificate'
  | 'certificate-verify'
  | 'finished'
  | 'connected';

/** RFC 8446 §4.6.1: seven days, whatever the server says. */
const MAX_LIFETIME_S = 604_800;

/** RFC 8446 §6.2: which alert tells the server what was wrong with its certificate. */
const CERTIFICATE_ALERTS: Partial<Record<ErrorCode, number>> = {
  RL_CERT_EXPIRED: Alert.certificate_expired,
  RL_CERT_UNTRUSTED: Alert.unknown_ca,
  RL_CERT_HOST_MISMATCH: Alert.certificate_unknown,
  RL_CERT_INVALID: Alert.bad_certificate,
};

export class ClientHandshake extends Handshake {
  readonly #options: ClientHandshakeOptions;
  readonly #suites: readonly CipherSuite[];
  readonly #random: Buffer;
  readonly #groups: readonly Group[];
  #share: { group: Group; keyPair: KeyPair };
  /** What the newest ClientHello offers. */
  #offered: Extensions = new Map();
  #state: State = 'idle';
  /** Raw ClientHello and, if there was one, HelloRetryRequest with the ClientHello that answered it. */
  readonly #hellos: Buffer[] = [];
  /** Cipher suite of the HelloRetryRequest, once there was one. */
  #retriedSuite: number | null = null;
  /** What is offered for resumption, as long as it is. */
  #resume: ClientHandshakeOptions['resume'];
  #earlyData: boolean;
  #resumed = false;
  #schedule: KeySchedule | null = null;
  #secrets: TrafficSecrets | null = null;
  #serverKey: KeyObject | null = null;
  #certificateRequested = false;
  #alpn: string | null = null;
  #group: GroupName | null = null;
  #failure: LabError | null = null;

  constructor(options: ClientHandshakeOptions) {
    super(options.keyLog);
    this.#options = options;
    this.#suites = options.suites ?? supportedSuites();
    this.#random = options.random(32);
    this.#groups = selectGroups(options.groups);
    this.#share = this.#generate(this.#groups[0]!);
    const { resume } = options;
    this.#resume =
      resume && this.#suites.some(({ id }) => id === resume.ticket.suite.id) ? resume : undefined;
    this.#earlyData = options.earlyData === true && this.#resume?.ticket.earlyData === true;
  }

  #generate(group: Group): { group: Group; keyPair: KeyPair } {
    return { group, keyPair: group.generate(this.#options.random) };
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

  /** Whether the server took up the session of the ticket. */
  get resumed(): boolean {
    return this.#resumed;
  }

  /** Why `verify` refused the certificate; null when it did not. */
  get failure(): LabError | null {
    return this.#failure;
  }

  /** Emits the ClientHello; call once, before anything is received. */
  start(): void {
    this.#sendHello(null);
    if (!this.#earlyData) return;
    const { ticket } = this.#resume!;
    const schedule = new KeySchedule(ticket.suite, ticket.psk);
    this.#feedHellos(schedule);
    const secret = schedule.clientEarlyTraffic();
    this.logEarlySecret(this.#random, secret);
    this.emitSecret(ticket.suite, 'early', 'write', secret);
  }

  #sendHello(cookie: Buffer | null): void {
    this.#offered = this.#offer(cookie);
    const hello = encodeClientHello({
      random: this.#random,
      // RFC 9001 §8.4: no middlebox compatibility mode in QUIC.
      sessionId: Buffer.alloc(0),
      cipherSuites: this.#suites.map((suite) => suite.id),
      compressionMethods: Buffer.from([0]),
      extensions: this.#offered,
    });
    if (this.#resume) {
      const { psk, suite } = this.#resume.ticket;
      const schedule = new KeySchedule(suite, psk);
      this.#feedHellos(schedule);
      const binder = { binder: Buffer.alloc(suite.hashLength) };
      schedule
        .binder(hello.subarray(0, hello.length - bindersLength([binder])))
        .copy(hello, hello.length - suite.hashLength);
    }
    this.#hellos.push(hello);
    this.#state = 'server-hello';
    this.emit({ type: 'data', level: 'initial', data: hello });
  }

  /** Puts what was said so far into a transcript. */
  #feedHellos(schedule: KeySchedule): void {
    this.#hellos.forEach((message, index) => {
      if (index === 1) schedule.replaceByHash();
      schedule.update(message);
    });
  }

  protected override handle(message: HandshakeMessage): void {
    switch (`${this.#state} ${message.type}`) {
      case `server-hello ${HandshakeType.server_hello}`:
        this.#onServerHello(message);
        break;
      case `encrypted-extensions ${HandshakeType.encrypted_extensions}`:
        this.#onEncryptedExtensions(message);
        break;
      case `certificate-or-request ${HandshakeType.certificate_request}`:
        this.#onCertificateRequest(message);
        break;
      case `certificate-or-request ${HandshakeType.certificate}`:
      case `certificate ${HandshakeType.certificate}`:
        this.#onCertificate(message);
        break;
      case `certificate-verify ${HandshakeType.certificate_verify}`:
        this.#onCertificateVerify(message);
        break;
      case `finished ${HandshakeType.finished}`:
        this.#onFinished(message);
        break;
      case `connected ${HandshakeType.new_session_ticket}`:
        this.#onNewSessionTicket(message);
        break;
      default:
        // Also KeyUpdate and post-handshake CertificateRequest: RFC 9001 §6, §4.4.
        throw new TlsAlert(
          Alert.unexpected_message,
          `message of type ${message.type} in state ${this.#state}`,
        );
    }
  }

  #offer(cookie: Buffer | null): Extensions {
    const { serverName, alpn, transportParameters } = this.#options;
    const { group, keyPair } = this.#share;
    const resume = this.#resume;
    return new Map([
      ...(serverName === null
        ? []
        : [[ExtensionType.server_name, encodeServerName(bareHost(serverName))] as const]),
      [ExtensionType.supported_groups, encodeCodePoints(this.#groups.map(({ id }) => id))],
      [ExtensionType.signature_algorithms, encodeCodePoints(OFFERED_SCHEMES)],
      [ExtensionType.application_layer_protocol_negotiation, encodeProtocols(alpn)],
      [ExtensionType.supported_versions, encodeOfferedVersions([TLS_1_3])],
      ...(cookie ? [[ExtensionType.cookie, cookie] as const] : []),
      [ExtensionType.key_share, encodeKeyShares([{ group: group.id, publicKey: keyPair.publicKey }])],
      [ExtensionType.quic_transport_parameters, transportParameters],
      // §4.2.9: without it there are no tickets either.
      [ExtensionType.psk_key_exchange_modes, encodePskModes([PSK_DHE_KE])],
      ...(this.#earlyData ? [[ExtensionType.early_data, Buffer.alloc(0)] as const] : []),
      // §4.2.11: the last; its binder is filled in once the rest is there.
      ...(resume ? [[ExtensionType.pre_shared_key, offeredPsk(resume)] as const] : []),
    ]);
  }

  /** §4.1.4: the server asks for another key share, or to see that this address is ours. */
  #onHelloRetryRequest(message: HandshakeMessage, hello: ServerHello, suite: CipherSuite): void {
    if (this.#retriedSuite !== null)
      throw new TlsAlert(Alert.unexpected_message, 'a second HelloRetryRequest');
    checkResponseExtensions(hello.extensions, 'HelloRetryRequest', this.#offered, [
      'supported_versions',
      'key_share',
      'cookie',
    ]);
    const cookie = hello.extensions.get(ExtensionType.cookie) ?? null;
    if (cookie) checkCookie(cookie);
    const share = hello.extensions.get(ExtensionType.key_share);
    const id = share ? decodeSelectedGroup(share) : null;
    const group = this.#groups.find((candidate) => candidate.id === id);
    // §4.2.8: a group that was offered, and not the one whose share it has.
    if (id !== null && (!group || group === this.#share.group)) {
      throw new TlsAlert(Alert.illegal_parameter, 'HelloRetryRequest for a group that is no choice');
    }
    if (!group && !cookie) {
      throw new TlsAlert(Alert.illegal_parameter, 'HelloRetryRequest that changes nothing');
    }
    this.#retriedSuite = suite.id;
    if (group) this.#share = this.#generate(group);
    this.#hellos.push(message.raw);
    // §4.1.4: a PSK goes with the hash of the suite that was chosen; §4.2.10: no early data any more.
    if (this.#resume?.ticket.suite.hash !== suite.hash) this.#resume = undefined;
    this.#dropEarlyData();
    this.#sendHello(cookie);
  }

  #dropEarlyData(): void {
    if (!this.#earlyData) return;
    this.#earlyData = false;
    this.emit({ type: 'early-data', accepted: false });
  }

  #onServerHello(message: HandshakeMessage): void {
    const hello = decodeServerHello(message.body);
    const versions = hello.extensions.get(ExtensionType.supported_versions);
    if (hello.legacyVersion !== TLS_1_2 || !versions) {
      throw new TlsAlert(Alert.protocol_version, 'the server does not speak TLS 1.3');
    }
    if (decodeSelectedVersion(versions) !== TLS_1_3) {
      throw new TlsAlert(Alert.illegal_parameter, 'the server selected a TLS version that was not offered');
    }
    if (hello.sessionId.length > 0) {
      throw new TlsAlert(Alert.illegal_parameter, 'legacy_session_id_echo is not what was sent');
    }
    if (hello.compressionMethod !== 0) {
      throw new TlsAlert(Alert.illegal_parameter, 'legacy_compression_method is not null');
    }
    const suite = this.#suites.find((candidate) => candidate.id === hello.cipherSuite);
    if (!suite) {
      throw new TlsAlert(Alert.illegal_parameter, 'the server selected a cipher suite that was not offered');
    }
    if (hello.random.equals(HELLO_RETRY_REQUEST)) {
      this.#onHelloRetryRequest(message, hello, suite);
      return;
    }
    checkResponseExtensions(hello.extensions, 'ServerHello', this.#offered, [
      'supported_versions',
      'key_share',
      'pre_shared_key',
    ]);
    if (this.#retriedSuite !== null && this.#retriedSuite !== suite.id) {
      throw new TlsAlert(Alert.illegal_parameter, 'the cipher suite is not that of the HelloRetryRequest');
    }
    const psk = this.#selectedPsk(hello, suite);
    this.#resumed = psk !== null;
    const share = decodeKeyShare(required(hello.extensions, 'key_share', 'ServerHello'));
    const { group, keyPair } = this.#share;
    if (share.group !== group.id) {
      throw new TlsAlert(Alert.illegal_parameter, 'the server selected a group without a key share');
    }
    const sharedSecret = keyPair.agree(share.publicKey);
    this.#group = group.name;

    const schedule = new KeySchedule(suite, psk);
    this.#schedule = schedule;
    this.#feedHellos(schedule);
    schedule.update(message.raw);
    const secrets = schedule.enterHandshake(sharedSecret);
    this.#secrets = secrets;
    this.logSecrets('handshake', this.#random, secrets);
    this.emitSecret(suite, 'handshake', 'read', secrets.server);
    this.emitSecret(suite, 'handshake', 'write', secrets.client);
    this.readAt('handshake');
    this.#state = 'encrypted-extensions';
  }

  /** The PSK that the server took up; null when it did not. */
  #selectedPsk(hello: ServerHello, suite: CipherSuite): Buffer | null {
    const selected = hello.extensions.get(ExtensionType.pre_shared_key);
    if (!selected) return null;
    const { ticket } = this.#resume!;
    // §4.2.11: one of those offered, with a suite of its hash.
    if (decodeSelectedPsk(selected) !== 0 || ticket.suite.hash !== suite.hash) {
      throw new TlsAlert(Alert.illegal_parameter, 'the server selected a PSK that was not offered');
    }
    return ticket.psk;
  }

  #onEncryptedExtensions(message: HandshakeMessage): void {
    const extensions = decodeEncryptedExtensions(message.body);
    checkResponseExtensions(extensions, 'EncryptedExtensions', this.#offered, [
      'server_name',
      'supported_groups',
      'application_layer_protocol_negotiation',
      'quic_transport_parameters',
      'early_data',
    ]);
    if ((extensions.get(ExtensionType.server_name)?.length ?? 0) > 0) {
      throw malformed('server_name in EncryptedExtensions is not empty');
    }
    const groups = extensions.get(ExtensionType.supported_groups);
    if (groups) decodeCodePoints(groups, 'supported_groups');

    const protocols = extensions.get(ExtensionType.application_layer_protocol_negotiation);
    // RFC 9001 §8.1: without an application protocol there is no connection.
    if (!protocols)
      throw new TlsAlert(Alert.no_application_protocol, 'the server chose no application protocol');
    const [protocol, another] = decodeProtocols(protocols);
    if (protocol === undefined || another !== undefined) {
      throw malformed('the server chose more than one application protocol');
    }
    if (!this.#options.alpn.includes(protocol)) {
      throw new TlsAlert(
        Alert.illegal_parameter,
        'the server chose an application protocol that was not offered',
      );
    }
    this.#alpn = protocol;
    this.#onEarlyDataAnswer(extensions.get(ExtensionType.early_data), protocol);
    // RFC 9001 §8.2.
    const raw = required(extensions, 'quic_transport_parameters', 'EncryptedExtensions');
    this.#schedule!.update(message.raw);
    this.emit({ type: 'parameters', raw });
    // §2.2: a resumed session is authenticated by its PSK.
    this.#state = this.#resumed ? 'finished' : 'certificate-or-request';
  }

  #onEarlyDataAnswer(answer: Buffer | undefined, alpn: string): void {
    if (!this.#earlyData) return;
    const { ticket } = this.#resume!;
    if (!answer) {
      this.#dropEarlyData();
      // Who spoke early spoke the protocol of the ticket, and will be sent again.
      if (alpn === ticket.alpn) return;
      throw new TlsAlert(Alert.no_application_protocol, 'the server chose another protocol than before');
    }
    if (answer.length > 0) throw malformed('early_data in EncryptedExtensions is not empty');
    // §4.2.10: only with the first PSK, its suite and its protocol.
    if (!this.#resumed || ticket.suite !== this.#schedule!.suite || ticket.alpn !== alpn) {
      throw new TlsAlert(Alert.illegal_parameter, 'early data taken without its session');
    }
    this.emit({ type: 'early-data', accepted: true });
  }

  #onCertificateRequest(message: HandshakeMessage): void {
    const request = decodeCertificateRequest(message.body);
    if (request.context.length > 0) {
      throw new TlsAlert(Alert.illegal_parameter, 'CertificateRequest in the handshake has a context');
    }
    decodeCodePoints(
      required(request.extensions, 'signature_algorithms', 'CertificateRequest'),
      'signature_algorithms',
    );
    this.#certificateRequested = true;
    this.#schedule!.update(message.raw);
    this.#state = 'certificate';
  }

  #onCertificate(message: HandshakeMessage): void {
    const { context, entries } = decodeCertificate(message.body);
    if (context.length > 0) {
      throw new TlsAlert(Alert.illegal_parameter, "the server's Certificate has a request context");
    }
    for (const entry of entries) {
      checkResponseExtensions(entry.extensions, 'Certificate', this.#offered, []);
    }
    // §4.4.2.4: an empty chain is decode_error.
    if (entries.length === 0) throw malformed('the server sent no certificate');
    this.#verifyChain(entries.map((entry) => entry.certificate));
    try {
      this.#serverKey = new X509Certificate(entries[0]!.certificate).publicKey;
    } catch (cause) {
      throw new TlsAlert(Alert.bad_certificate, "the server's certificate cannot be read", { cause });
    }
    this.#schedule!.update(message.raw);
    this.#state = 'certificate-verify';
  }

  #verifyChain(chain: Buffer[]): void {
    try {
      this.#options.verify?.(chain);
    } catch (error) {
      this.#failure = toLabError(error);
      const alert = CERTIFICATE_ALERTS[this.#failure.code] ?? Alert.internal_error;
      throw new TlsAlert(alert, this.#failure.message, { cause: error });
    }
  }

  #onCertificateVerify(message: HandshakeMessage): void {
    const { scheme: id, signature } = decodeCertificateVerify(message.body);
    const scheme = schemeById(id);
    const key = this.#serverKey!;
    // §4.4.3: offered, meant for handshakes, and of the certificate's kind of key.
    if (!scheme?.fits(key)) {
      throw new TlsAlert(
        Alert.illegal_parameter,
        `signature scheme 0x${id.toString(16)} does not fit the server's ${key.asymmetricKeyType} key`,
      );
    }
    if (!verifyServerTranscript(scheme, key, this.#schedule!.transcriptHash(), signature)) {
      throw new TlsAlert(Alert.decrypt_error, 'the server does not hold the key of its certificate');
    }
    this.#schedule!.update(message.raw);
    this.#state = 'finished';
  }

  #onFinished(message: HandshakeMessage): void {
    const schedule = this.#schedule!;
    const secrets = this.#secrets!;
    const expected = schedule.finished(secrets.server);
    if (message.body.length !== expected.length) throw malformed('Finished has the wrong length');
    if (!timingSafeEqual(message.body, expected)) {
      throw new TlsAlert(Alert.decrypt_error, "the server's Finished does not match the handshake");
    }
    schedule.update(message.raw);
    const application = schedule.enterApplication();
    this.logSecrets('application', this.#random, application);

    const flight: Buffer[] = [];
    if (this.#certificateRequested) {
      // §4.4.2: a client without a certificate says so.
      flight.push(encodeCertificate({ context: Buffer.alloc(0), entries: [] }));
      schedule.update(flight[0]!);
    }
    flight.push(frame(HandshakeType.finished, schedule.finished(secrets.client)));
    schedule.update(flight.at(-1)!);
    this.emit({ type: 'data', level: 'handshake', data: Buffer.concat(flight) });
    this.emitSecret(schedule.suite, 'application', 'read', application.server);
    this.emitSecret(schedule.suite, 'application', 'write', application.client);
    this.readAt('application');
    this.#state = 'connected';
    this.emit({ type: 'complete' });
  }

  #onNewSessionTicket(message: HandshakeMessage): void {
    const { lifetimeS, ageAdd, nonce, ticket, extensions } = decodeNewSessionTicket(message.body);
    const earlyData = extensions.get(ExtensionType.early_data);
    // RFC 9001 §4.6.1: a PROTOCOL_VIOLATION, where TLS itself would allow it.
    if (earlyData && !earlyData.equals(UNLIMITED_EARLY_DATA)) {
      throw new QuicError(TransportError.PROTOCOL_VIOLATION, 'early data of a limited size', 0x06);
    }
    // §4.6.1: not to be kept.
    if (lifetimeS === 0) return;
    const schedule = this.#schedule!;
    this.emit({
      type: 'ticket',
      ticket: {
        identity: Buffer.from(ticket),
        psk: schedule.resumptionPsk(nonce),
        suite: schedule.suite,
        ageAdd,
        lifetimeS: Math.min(lifetimeS, MAX_LIFETIME_S),
        earlyData: earlyData !== undefined,
        alpn: this.#alpn!,
      },
    });
  }
}

/** §4.2.11.1: the age is masked, so that nobody on the way can tell which connections belong together. */
const offeredPsk = ({ ticket, ageMs }: NonNullable<ClientHandshakeOptions['resume']>): Buffer =>
  encodeOfferedPsk({
    identity: ticket.identity,
    obfuscatedAge: (Math.floor(ageMs) + ticket.ageAdd) % 2 ** 32,
    binder: Buffer.alloc(ticket.suite.hashLength),
  });
