/** A server whose every message a test can change; the transcript stays right, so that only the change is at fault. */
import * as extensions from '../../../src/main/quic/tls/extensions.ts';
import { type GroupName, selectGroups } from '../../../src/main/quic/tls/key-exchange.ts';
import { KeySchedule, type TrafficSecrets } from '../../../src/main/quic/tls/key-schedule.ts';
import * as messages from '../../../src/main/quic/tls/messages.ts';
import { schemeFor, signServerTranscript } from '../../../src/main/quic/tls/signatures.ts';
import { AES_128_GCM_SHA256 } from '../../../src/main/quic/tls/suites.ts';
import { type Identity, SERVER_PARAMETERS, seededRandom } from './pair.ts';

const { ExtensionType } = extensions;

export class ScriptedServer {
  readonly #clientHello: Buffer;
  readonly #identity: Identity;
  readonly #schedule = new KeySchedule(AES_128_GCM_SHA256);
  #secrets: TrafficSecrets | null = null;

  constructor(clientHello: Buffer, identity: Identity) {
    this.#clientHello = clientHello;
    this.#identity = identity;
    this.#schedule.update(clientHello);
  }

  serverHello(edit: (hello: messages.ServerHello) => void = () => {}, group: GroupName = 'X25519'): Buffer {
    const keyPair = selectGroups([group])[0]!.generate(seededRandom('scripted server'));
    const offered = messages.decodeClientHello(this.#clientHello.subarray(4)).extensions;
    const shares = extensions.decodeKeyShares(offered.get(ExtensionType.key_share)!);
    const id = selectGroups([group])[0]!.id;
    const hello: messages.ServerHello = {
      legacyVersion: messages.TLS_1_2,
      random: Buffer.alloc(32, 7),
      sessionId: Buffer.alloc(0),
      cipherSuite: AES_128_GCM_SHA256.id,
      compressionMethod: 0,
      extensions: new Map([
        [ExtensionType.key_share, extensions.encodeKeyShare({ group: id, publicKey: keyPair.publicKey })],
        [ExtensionType.supported_versions, Buffer.from([messages.TLS_1_3 >> 8, messages.TLS_1_3 & 0xff])],
      ]),
    };
    edit(hello);
    const bytes = this.#sent(messages.encodeServerHello(hello));
    const share = shares.find((entry) => entry.group === id)!;
    this.#secrets = this.#schedule.enterHandshake(keyPair.agree(share.publicKey));
    return bytes;
  }

  encryptedExtensions(edit: (extensions: messages.Extensions) => void = () => {}): Buffer {
    const body: messages.Extensions = new Map([
      [ExtensionType.application_layer_protocol_negotiation, extensions.encodeProtocols(['routelab/1'])],
      [ExtensionType.quic_transport_parameters, SERVER_PARAMETERS],
    ]);
    edit(body);
    return this.#sent(messages.encodeEncryptedExtensions(body));
  }

  certificateRequest(edit: (request: messages.CertificateRequest) => void = () => {}): Buffer {
    const request: messages.CertificateRequest = {
      context: Buffer.alloc(0),
      extensions: new Map([[ExtensionType.signature_algorithms, extensions.encodeCodePoints([0x0403])]]),
    };
    edit(request);
    return this.#sent(messages.encodeCertificateRequest(request));
  }

  certificate(edit: (message: messages.CertificateMessage) => void = () => {}): Buffer {
    const message: messages.CertificateMessage = {
      context: Buffer.alloc(0),
      entries: this.#identity.certificate.map((certificate) => ({ certificate, extensions: new Map() })),
    };
    edit(message);
    return this.#sent(messages.encodeCertificate(message));
  }

  certificateVerify(edit: (message: messages.CertificateVerify) => void = () => {}): Buffer {
    const { privateKey } = this.#identity;
    const scheme = schemeFor(privateKey, [0x0403, 0x0503, 0x0804, 0x0805, 0x0806, 0x0807])!;
    const message = {
      scheme: scheme.id,
      signature: signServerTranscript(scheme, privateKey, this.#schedule.transcriptHash()),
    };
    edit(message);
    return this.#sent(messages.encodeCertificateVerify(message));
  }

  finished(edit: (verifyData: Buffer) => Buffer = (verifyData) => verifyData): Buffer {
    return this.#sent(
      messages.frame(messages.HandshakeType.finished, edit(this.#schedule.finished(this.#secrets!.server))),
    );
  }

  /** What the client's Finished must be; `before` are the messages it sends ahead of it. */
  expectedFinished(...before: Buffer[]): Buffer {
    for (const message of before) this.#schedule.update(message);
    return messages.frame(messages.HandshakeType.finished, this.#schedule.finished(this.#secrets!.client));
  }

  #sent(bytes: Buffer): Buffer {
    this.#schedule.update(bytes);
    return bytes;
  }
}
