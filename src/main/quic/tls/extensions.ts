/** Bodies of the extensions we speak (RFC 8446 §4.2, RFC 6066 §3, RFC 7301 §3.1, RFC 9001 §8.2). */
import type { Reader } from '../wire/cursor.ts';
import { Alert } from './alerts.ts';
import { decode, list, malformed, opaque, uint, vector } from './codec.ts';
import type { Extensions } from './messages.ts';
import { TlsAlert } from './types.ts';

export const ExtensionType = {
  server_name: 0,
  supported_groups: 10,
  signature_algorithms: 13,
  application_layer_protocol_negotiation: 16,
  pre_shared_key: 41,
  early_data: 42,
  supported_versions: 43,
  cookie: 44,
  psk_key_exchange_modes: 45,
  key_share: 51,
  quic_transport_parameters: 0x39,
} as const;

type ExtensionName = keyof typeof ExtensionType;

/** The body of an extension that has to be there; TlsAlert missing_extension otherwise (§9.2). */
export function required(extensions: Extensions, name: ExtensionName, message: string): Buffer {
  const body = extensions.get(ExtensionType[name]);
  if (!body) throw new TlsAlert(Alert.missing_extension, `${name} is missing from ${message}`);
  return body;
}

/**
 * RFC 8446 §4.2: a response may carry only extensions that were offered (else unsupported_extension), and only
 * those that belong into that message (else illegal_parameter).
 */
export function checkResponseExtensions(
  received: Extensions,
  message: string,
  offered: Extensions,
  allowed: readonly ExtensionName[],
): void {
  for (const type of received.keys()) {
    // The one extension that nobody asks for (§4.2.2).
    const isCookie = type === ExtensionType.cookie && message === 'HelloRetryRequest';
    if (!offered.has(type) && !isCookie) {
      throw new TlsAlert(
        Alert.unsupported_extension,
        `${message} has extension ${type}, which was not offered`,
      );
    }
    if (!allowed.some((name) => ExtensionType[name] === type)) {
      throw new TlsAlert(Alert.illegal_parameter, `extension ${type} does not belong into ${message}`);
    }
  }
}

/** supported_groups and signature_algorithms: code points in order of preference. */
export const encodeCodePoints = (codes: readonly number[]): Buffer =>
  vector(2, ...codes.map((code) => uint(code, 2)));

export const decodeCodePoints = (body: Buffer, name: ExtensionName): number[] =>
  decode(body, name, (r) => list(r, 2, 2, (item) => item.u16()));

export const encodeOfferedVersions = (versions: readonly number[]): Buffer =>
  vector(1, ...versions.map((version) => uint(version, 2)));

export const decodeOfferedVersions = (body: Buffer): number[] =>
  decode(body, 'supported_versions', (r) => list(r, 1, 2, (item) => item.u16()));

export const decodeSelectedVersion = (body: Buffer): number =>
  decode(body, 'supported_versions', (r) => r.u16());

export interface KeyShareEntry {
  group: number;
  publicKey: Buffer;
}

const encodeEntry = (entry: KeyShareEntry): Buffer =>
  Buffer.concat([uint(entry.group, 2), vector(2, entry.publicKey)]);

const decodeEntry = (r: Reader): KeyShareEntry => ({ group: r.u16(), publicKey: opaque(r, 2, 1) });

export const encodeKeyShares = (entries: readonly KeyShareEntry[]): Buffer =>
  vector(2, ...entries.map(encodeEntry));

export function decodeKeyShares(body: Buffer): KeyShareEntry[] {
  const entries = decode(body, 'key_share', (r) => list(r, 2, 0, decodeEntry));
  // RFC 8446 §4.2.8: no two entries for one group.
  if (new Set(entries.map((entry) => entry.group)).size < entries.length) {
    throw new TlsAlert(Alert.illegal_parameter, 'two key shares for the same group');
  }
  return entries;
}

export const encodeKeyShare = encodeEntry;

export const decodeKeyShare = (body: Buffer): KeyShareEntry => decode(body, 'key_share', decodeEntry);

/** HelloRetryRequest: the group of which a key share is asked for. */
export const encodeSelectedGroup = (group: number): Buffer => uint(group, 2);

export const decodeSelectedGroup = (body: Buffer): number => decode(body, 'key_share', (r) => r.u16());

/** The bytes that come back as they are: checked for their form only (RFC 8446 §4.2.2). */
export function checkCookie(body: Buffer): void {
  decode(body, 'cookie', (r) => opaque(r, 2, 1));
}

/** psk_dhe_ke: the PSK is joined by an (EC)DHE secret (RFC 8446 §4.2.9). The only mode we speak. */
export const PSK_DHE_KE = 1;

export const encodePskModes = (modes: readonly number[]): Buffer =>
  vector(1, ...modes.map((mode) => uint(mode, 1)));

export const decodePskModes = (body: Buffer): number[] =>
  decode(body, 'psk_key_exchange_modes', (r) => list(r, 1, 1, (item) => item.u8()));

/** pre_shared_key of a ClientHello (RFC 8446 §4.2.11). */
export interface OfferedPsk {
  identity: Buffer;
  obfuscatedAge: number;
  binder: Buffer;
}

/** One identity and its binder. */
export const encodeOfferedPsk = ({ identity, obfuscatedAge, binder }: OfferedPsk): Buffer => {
  const age = Buffer.alloc(4);
  age.writeUInt32BE(obfuscatedAge);
  return Buffer.concat([vector(2, vector(2, identity), age), vector(2, vector(1, binder))]);
};

/** Bytes of the binders at the end of the extension: what the binders themselves do not cover. */
export const bindersLength = (psks: readonly Pick<OfferedPsk, 'binder'>[]): number =>
  psks.reduce((sum, { binder }) => sum + 1 + binder.length, 2);

export function decodeOfferedPsks(body: Buffer): OfferedPsk[] {
  const { identities, binders } = decode(body, 'pre_shared_key', (r) => ({
    identities: list(r, 2, 7, (item) => ({ identity: opaque(item, 2, 1), obfuscatedAge: item.u32() })),
    binders: list(r, 2, 33, (item) => opaque(item, 1, 32)),
  }));
  if (identities.length !== binders.length) {
    throw new TlsAlert(Alert.illegal_parameter, 'pre_shared_key has not one binder for each identity');
  }
  return identities.map((offer, index) => ({ ...offer, binder: binders[index]! }));
}

export const encodeSelectedPsk = (index: number): Buffer => uint(index, 2);

export const decodeSelectedPsk = (body: Buffer): number => decode(body, 'pre_shared_key', (r) => r.u16());

/** early_data of a NewSessionTicket. QUIC knows only one value: as much as flow control allows (RFC 9001 §4.6.1). */
export const UNLIMITED_EARLY_DATA = Buffer.from([0xff, 0xff, 0xff, 0xff]);

export const encodeProtocols = (protocols: readonly string[]): Buffer =>
  vector(2, ...protocols.map((name) => vector(1, Buffer.from(name, 'latin1'))));

/** ALPN names as latin1: opaque bytes on the wire (RFC 7301 §3.1). */
export const decodeProtocols = (body: Buffer): string[] =>
  decode(body, 'application_layer_protocol_negotiation', (r) =>
    list(r, 2, 2, (item) => opaque(item, 1, 1).toString('latin1')),
  );

const HOST_NAME = 0;

export const encodeServerName = (name: string): Buffer =>
  vector(2, uint(HOST_NAME, 1), vector(2, Buffer.from(name, 'ascii')));

/** RFC 6066 §3: the host name, or null when there is only a name of another type. */
export function decodeServerName(body: Buffer): string | null {
  const names = decode(body, 'server_name', (r) =>
    list(r, 2, 1, (item) => ({ type: item.u8(), name: opaque(item, 2, 1).toString('latin1') })),
  );
  const [host, second] = names.filter((entry) => entry.type === HOST_NAME);
  if (!host) return null;
  if (second) throw malformed('two host names in server_name');
  // It reaches logs and screens. Addresses, which should not be here, do no harm.
  if (!/^[\x21-\x7e]{1,253}$/.test(host.name)) {
    throw new TlsAlert(Alert.illegal_parameter, 'server_name is not a host name');
  }
  return host.name;
}
