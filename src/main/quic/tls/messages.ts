/** Handshake messages of TLS 1.3 (RFC 8446 §4) to and from bytes. Decoded fields are views into the message. */
import { createHash } from 'node:crypto';
import type { Reader } from '../wire/cursor.ts';
import { Alert } from './alerts.ts';
import { decode, list, opaque, uint, vector } from './codec.ts';
import { TlsAlert } from './types.ts';

export const HandshakeType = {
  client_hello: 1,
  server_hello: 2,
  new_session_ticket: 4,
  encrypted_extensions: 8,
  certificate: 11,
  certificate_request: 13,
  certificate_verify: 15,
  finished: 20,
} as const;

/** A whole message as it was framed: `raw` includes the four-byte header and is what the transcript hashes. */
export interface HandshakeMessage {
  type: number;
  body: Buffer;
  raw: Buffer;
}

/** Extension bodies by type, in wire order. */
export type Extensions = Map<number, Buffer>;

export const TLS_1_2 = 0x0303;
export const TLS_1_3 = 0x0304;

/** Header and body of a message (§4). */
export const frame = (type: number, ...body: readonly Uint8Array[]): Buffer =>
  Buffer.concat([uint(type, 1), vector(3, ...body)]);

export interface ClientHello {
  random: Buffer;
  sessionId: Buffer;
  cipherSuites: number[];
  compressionMethods: Buffer;
  extensions: Extensions;
}

export const encodeClientHello = (hello: ClientHello): Buffer =>
  frame(
    HandshakeType.client_hello,
    uint(TLS_1_2, 2),
    hello.random,
    vector(1, hello.sessionId),
    vector(2, ...hello.cipherSuites.map((id) => uint(id, 2))),
    vector(1, hello.compressionMethods),
    encodeExtensions(hello.extensions),
  );

export const decodeClientHello = (body: Buffer): ClientHello =>
  decode(body, 'ClientHello', (r) => {
    // §4.1.2: legacy_version says nothing once supported_versions is there, and without it we refuse anyway.
    r.u16();
    return {
      random: r.bytes(32),
      sessionId: sessionId(r),
      cipherSuites: list(r, 2, 2, (item) => item.u16()),
      compressionMethods: opaque(r, 1, 1),
      // Absent only in hellos older than TLS 1.3; those fail on the missing supported_versions.
      extensions: r.remaining > 0 ? decodeExtensions(r) : new Map(),
    };
  });

export interface ServerHello {
  legacyVersion: number;
  random: Buffer;
  sessionId: Buffer;
  cipherSuite: number;
  compressionMethod: number;
  extensions: Extensions;
}

/** The random that makes a ServerHello a HelloRetryRequest (§4.1.3). */
export const HELLO_RETRY_REQUEST = createHash('sha256').update('HelloRetryRequest').digest();

export const encodeServerHello = (hello: ServerHello): Buffer =>
  frame(
    HandshakeType.server_hello,
    uint(hello.legacyVersion, 2),
    hello.random,
    vector(1, hello.sessionId),
    uint(hello.cipherSuite, 2),
    uint(hello.compressionMethod, 1),
    encodeExtensions(hello.extensions),
  );

export const decodeServerHello = (body: Buffer): ServerHello =>
  decode(body, 'ServerHello', (r) => ({
    legacyVersion: r.u16(),
    random: r.bytes(32),
    sessionId: sessionId(r),
    cipherSuite: r.u16(),
    compressionMethod: r.u8(),
    extensions: r.remaining > 0 ? decodeExtensions(r) : new Map(),
  }));

export const encodeEncryptedExtensions = (extensions: Extensions): Buffer =>
  frame(HandshakeType.encrypted_extensions, encodeExtensions(extensions));

export const decodeEncryptedExtensions = (body: Buffer): Extensions =>
  decode(body, 'EncryptedExtensions', decodeExtensions);

export interface CertificateMessage {
  context: Buffer;
  /** DER and the extensions of each entry, leaf first. */
  entries: { certificate: Buffer; extensions: Extensions }[];
}

export const encodeCertificate = (message: CertificateMessage): Buffer =>
  frame(
    HandshakeType.certificate,
    vector(1, message.context),
    vector(
      3,
      ...message.entries.map((entry) =>
        Buffer.concat([vector(3, entry.certificate), encodeExtensions(entry.extensions)]),
      ),
    ),
  );

export const decodeCertificate = (body: Buffer): CertificateMessage =>
  decode(body, 'Certificate', (r) => ({
    context: opaque(r, 1),
    entries: list(r, 3, 0, (item) => ({
      certificate: opaque(item, 3, 1),
      extensions: decodeExtensions(item),
    })),
  }));

export interface CertificateRequest {
  context: Buffer;
  extensions: Extensions;
}

export const encodeCertificateRequest = (message: CertificateRequest): Buffer =>
  frame(HandshakeType.certificate_request, vector(1, message.context), encodeExtensions(message.extensions));

export const decodeCertificateRequest = (body: Buffer): CertificateRequest =>
  decode(body, 'CertificateRequest', (r) => ({ context: opaque(r, 1), extensions: decodeExtensions(r, 2) }));

export interface CertificateVerify {
  scheme: number;
  signature: Buffer;
}

export const encodeCertificateVerify = (message: CertificateVerify): Buffer =>
  frame(HandshakeType.certificate_verify, uint(message.scheme, 2), vector(2, message.signature));

export const decodeCertificateVerify = (body: Buffer): CertificateVerify =>
  decode(body, 'CertificateVerify', (r) => ({ scheme: r.u16(), signature: opaque(r, 2) }));

export interface NewSessionTicket {
  lifetimeS: number;
  ageAdd: number;
  nonce: Buffer;
  ticket: Buffer;
  extensions: Extensions;
}

export const encodeNewSessionTicket = (message: NewSessionTicket): Buffer => {
  const times = Buffer.alloc(8);
  times.writeUInt32BE(message.lifetimeS, 0);
  times.writeUInt32BE(message.ageAdd, 4);
  return frame(
    HandshakeType.new_session_ticket,
    times,
    vector(1, message.nonce),
    vector(2, message.ticket),
    encodeExtensions(message.extensions),
  );
};

export const decodeNewSessionTicket = (body: Buffer): NewSessionTicket =>
  decode(body, 'NewSessionTicket', (r) => ({
    lifetimeS: r.u32(),
    ageAdd: r.u32(),
    nonce: opaque(r, 1),
    ticket: opaque(r, 2, 1),
    extensions: decodeExtensions(r),
  }));

function sessionId(r: Reader): Buffer {
  const id = opaque(r, 1);
  if (id.length > 32) throw new TlsAlert(Alert.decode_error, 'legacy_session_id is longer than 32 bytes');
  return id;
}

const encodeExtensions = (extensions: Extensions): Buffer =>
  vector(2, ...Array.from(extensions, ([type, body]) => Buffer.concat([uint(type, 2), vector(2, body)])));

function decodeExtensions(r: Reader, min = 0): Extensions {
  const extensions: Extensions = new Map();
  for (const [type, body] of list(r, 2, min, (item) => [item.u16(), opaque(item, 2)] as const)) {
    // §4.2: no more than one extension of the same type in a block.
    if (extensions.has(type)) throw new TlsAlert(Alert.illegal_parameter, `extension ${type} appears twice`);
    extensions.set(type, body);
  }
  return extensions;
}
