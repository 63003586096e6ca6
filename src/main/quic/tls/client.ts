/** The client of a full TLS 1.3 handshake over QUIC (RFC 8446 §2, §4; RFC 9001 §4, §8). */
import { createHash, type KeyObject, timingSafeEqual, X509Certificate } from 'node:crypto';
import { type ErrorCode, type LabError, toLabError } from '../../../shared/errors.ts';
import { Alert } from './alerts.ts';
import { malformed } from './codec.ts';
import {
  checkResponseExtensions,
  decodeCodePoints,
  decodeKeyShare,
  decodeProtocols,
  decodeSelectedVersion,
  ExtensionType,
  encodeCodePoints,
  encodeKeyShares,
  encodeOfferedVersions,
  encodeProtocols,
  encodeServerName,
  required,
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
  TLS_1_2,
  TLS_1_3,
} from './messages.ts';
import { OFFERED_SCHEMES, schemeById, verifyServerTranscript } from './signatures.ts';
import { type CipherSuite, supportedSuites } from './suites.ts';
import { TlsAlert } from './types.ts';

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
  /** Key exchange groups offered, each with a key share; default all. */
  groups?: readonly GroupName[];
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

/** RFC 8446 §4.1.3: the random that makes a ServerHello a HelloRetryRequest. */
const HELLO_RETRY_REQUEST = createHash('sha256').update('HelloRetryRequest').digest();

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
  readonly #keyPairs: ReadonlyMap<Group, KeyPair>;
  readonly #offered: Extensions;
  #state: State = 'idle';
  /** Raw ClientHello, until the suite, and with it the transcript's hash, is known. */
  #clientHello: Buffer = Buffer.alloc(0);
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
    this.#keyPairs = new Map(
      selectGroups(options.groups).map((group) => [group, group.generate(options.random)]),
    );
    this.#offered = this.#offer();
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

  /** Why `verify` refused the certificate; null when it did not. */
  get failure(): LabError | null {
    return this.#failure;
  }

  /** Emits the ClientHello; call once, before anything is received. */
  start(): void {
    this.#clientHello = encodeClientHello({
      random: this.#random,
      // RFC 9001 §8.4: no middlebox compatibility mode in QUIC.
      sessionId: Buffer.alloc(0),
      cipherSuites: this.#suites.map((suite) => suite.id),
      compressionMethods: Buffer.from([0]),
      extensions: this.#offered,
    });
    this.#state = 'server-hello';
    this.emit({ type: 'data', level: 'initial', data: this.#clientHello });
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
        // Tickets are of no use without resumption; a malformed one is an error all the same.
        decodeNewSessionTicket(message.body);
        break;
      default:
        // Also KeyUpdate and post-handshake CertificateRequest: RFC 9001 §6, §4.4.
        throw new TlsAlert(
          Alert.unexpected_message,
          `message of type ${message.type} in state ${this.#state}`,
        );
    }
  }

  #offer(): Extensions {
    const { serverName, alpn, transportParameters } = this.#options;
    const shares = Array.from(this.#keyPairs, ([group, pair]) => ({
      group: group.id,
      publicKey: pair.publicKey,
    }));
    return new Map([
      ...(serverName === null
        ? []
        : [[ExtensionType.server_name, encodeServerName(bareHost(serverName))] as const]),
      [ExtensionType.supported_groups, encodeCodePoints(shares.map((share) => share.group))],
      [ExtensionType.signature_algorithms, encodeCodePoints(OFFERED_SCHEMES)],
      [ExtensionType.application_layer_protocol_negotiation, encodeProtocols(alpn)],
      [ExtensionType.supported_versions, encodeOfferedVersions([TLS_1_3])],
      [ExtensionType.key_share, encodeKeyShares(shares)],
      [ExtensionType.quic_transport_parameters, transportParameters],
    ]);
  }

  #onServerHello(message: HandshakeMessage): void {
    const hello = decodeServerHello(message.body);
    if (hello.random.equals(HELLO_RETRY_REQUEST)) {
      // Shares of all our groups were offered, so a request for another group is illegal (RFC 8446 §4.1.4).
      throw new TlsAlert(Alert.illegal_parameter, 'HelloRetryRequest though every group had a key share');
    }
    const versions = hello.extensions.get(ExtensionType.supported_versions);
    if (hello.legacyVersion !== TLS_1_2 || !versions) {
      throw new TlsAlert(Alert.protocol_version, 'the server does not speak TLS 1.3');
    }
    if (decodeSelectedVersion(versions) !== TLS_1_3) {
      throw new TlsAlert(Alert.illegal_parameter, 'the server selected a TLS version that was not offered');
    }
    checkResponseExtensions(hello.extensions, 'ServerHello', this.#offered, [
      'supported_versions',
      'key_share',
    ]);
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
    const share = decodeKeyShare(required(hello.extensions, 'key_share', 'ServerHello'));
    const selected = Array.from(this.#keyPairs).find(([group]) => group.id === share.group);
    if (!selected) {
      throw new TlsAlert(Alert.illegal_parameter, 'the server selected a group that was not offered');
    }
    const [group, keyPair] = selected;
    const sharedSecret = keyPair.agree(share.publicKey);
    this.#group = group.name;

    const schedule = new KeySchedule(suite);
    this.#schedule = schedule;
    schedule.update(this.#clientHello);
    schedule.update(message.raw);
    const secrets = schedule.enterHandshake(sharedSecret);
    this.#secrets = secrets;
    this.logSecrets('handshake', this.#random, secrets);
    this.emitSecret(suite, 'handshake', 'read', secrets.server);
    this.emitSecret(suite, 'handshake', 'write', secrets.client);
    this.readAt('handshake');
    this.#state = 'encrypted-extensions';
  }

  #onEncryptedExtensions(message: HandshakeMessage): void {
    const extensions = decodeEncryptedExtensions(message.body);
    checkResponseExtensions(extensions, 'EncryptedExtensions', this.#offered, [
      'server_name',
      'supported_groups',
      'application_layer_protocol_negotiation',
      'quic_transport_parameters',
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
    // RFC 9001 §8.2.
    const raw = required(extensions, 'quic_transport_parameters', 'EncryptedExtensions');
    this.#schedule!.update(message.raw);
    this.emit({ type: 'parameters', raw });
    this.#state = 'certificate-or-request';
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
    this.emit({ type: 'data', level: 'handshake', data: Buffer.concat(flight) });
    this.emitSecret(schedule.suite, 'application', 'read', application.server);
    this.emitSecret(schedule.suite, 'application', 'write', application.client);
    this.readAt('application');
    this.#state = 'connected';
    this.emit({ type: 'complete' });
  }
}
