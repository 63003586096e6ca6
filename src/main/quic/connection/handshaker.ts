/** Joins TLS to packets: CRYPTO data in and out, keys into spaces, transport parameters checked (RFC 9001 §4). */
import type { LabError } from '../../../shared/errors.ts';
import { ClientHandshake } from '../tls/client.ts';
import { ServerHandshake } from '../tls/server.ts';
import { type Level, TlsAlert } from '../tls/types.ts';
import { copyOf } from '../wire/cursor.ts';
import { QuicError, TransportError } from '../wire/errors.ts';
import { PacketProtection } from '../wire/protection.ts';
import {
  DEFAULT_PARAMETERS,
  decodeTransportParameters,
  encodeTransportParameters,
  type TransportParameters,
} from '../wire/transport-parameters.ts';
import { type ClientConfig, type ServerConfig, WINDOWS } from './config.ts';
import { ACTIVE_CID_LIMIT } from './connection-ids.ts';
import { KeyPhases } from './key-phases.ts';
import type { ConnectionState } from './state.ts';

function localParameters(state: ConnectionState): TransportParameters {
  return {
    ...DEFAULT_PARAMETERS,
    maxIdleTimeoutMs: state.config.idleTimeoutMs,
    initialMaxData: WINDOWS.connection,
    initialMaxStreamDataBidiLocal: WINDOWS.stream,
    initialMaxStreamDataBidiRemote: WINDOWS.stream,
    initialMaxStreamDataUni: WINDOWS.stream,
    initialMaxStreamsBidi: WINDOWS.streamsBidi,
    initialMaxStreamsUni: WINDOWS.streamsUni,
    maxDatagramFrameSize: WINDOWS.datagram,
    activeConnectionIdLimit: ACTIVE_CID_LIMIT,
    initialSourceConnectionId: state.localIds.first,
    ...(state.role === 'server' ? { originalDestinationConnectionId: state.originalDestinationId } : {}),
    ...(state.role === 'server' && state.retrySourceId
      ? { retrySourceConnectionId: state.retrySourceId }
      : {}),
    ...(state.role === 'server' && state.config.resetToken
      ? { statelessResetToken: state.config.resetToken(state.localIds.first) }
      : {}),
  };
}

export class Handshaker {
  readonly tls: ClientHandshake | ServerHandshake;
  readonly #state: ConnectionState;
  /** RFC 9001 §5.7: a server reads 1-RTT packets only once the handshake is complete. */
  #heldReadKeys: PacketProtection | null = null;

  constructor(state: ConnectionState) {
    this.#state = state;
    this.setInitialKeys();
    if (state.role === 'client') {
      const config = state.config as ClientConfig;
      this.tls = new ClientHandshake({
        serverName: config.serverName,
        alpn: config.alpn,
        transportParameters: encodeTransportParameters(localParameters(state)),
        verify: config.verify,
        random: config.random,
        ...(config.keyLog ? { keyLog: config.keyLog } : {}),
      });
    } else {
      const config = state.config as ServerConfig;
      this.tls = new ServerHandshake({
        alpn: config.alpn,
        certificate: config.certificate,
        privateKey: config.privateKey,
        transportParameters: () => encodeTransportParameters(localParameters(state)),
        random: config.random,
        ...(config.keyLog ? { keyLog: config.keyLog } : {}),
      });
    }
  }

  /** Makes the Initial keys of `state.initialKeyId` (RFC 9001 §5.2). */
  setInitialKeys(): void {
    const { role, initialKeyId, spaces } = this.#state;
    const keys = PacketProtection.initial(initialKeyId);
    spaces.initial.writeKeys = role === 'client' ? keys.client : keys.server;
    spaces.initial.readKeys = role === 'client' ? keys.server : keys.client;
  }

  /** Name the client asked for with SNI, if it did. */
  get serverName(): string | null {
    return this.tls instanceof ServerHandshake
      ? this.tls.serverName
      : (this.#state.config as ClientConfig).serverName;
  }

  /** What the verifier threw, when that is why the handshake failed. */
  get failure(): LabError | null {
    return this.tls instanceof ClientHandshake ? this.tls.failure : null;
  }

  start(nowUs: number): void {
    if (this.tls instanceof ClientHandshake) this.tls.start();
    this.#pump(nowUs);
  }

  receive(level: Level, offset: number, data: Buffer, nowUs: number): void {
    try {
      for (const chunk of this.#state.spaces[level].receiveCrypto(offset, data))
        this.tls.receive(level, chunk);
    } catch (error) {
      if (!(error instanceof TlsAlert)) throw error;
      // What TLS wanted to say before it failed still goes out.
      this.#pump(nowUs);
      throw new QuicError(TransportError.CRYPTO_ERROR + error.alert, error.message, 0x06);
    }
    this.#pump(nowUs);
  }

  #pump(nowUs: number): void {
    const state = this.#state;
    for (let event = this.tls.nextEvent(); event; event = this.tls.nextEvent()) {
      switch (event.type) {
        case 'data':
          state.spaces[event.level].cryptoOut.write(event.data);
          break;
        case 'secret': {
          const keys = PacketProtection.fromSecret(event.suite, event.secret);
          const space = state.spaces[event.level];
          if (event.direction === 'write') space.writeKeys = keys;
          else if (state.role === 'server' && event.level === 'application') this.#heldReadKeys = keys;
          else space.readKeys = keys;
          if (event.level === 'handshake') state.recovery.hasHandshakeKeys = true;
          break;
        }
        case 'parameters':
          this.#applyPeerParameters(
            decodeTransportParameters(event.raw, state.role === 'client' ? 'server' : 'client'),
          );
          break;
        case 'complete':
          this.#onComplete(nowUs);
          break;
      }
    }
  }

  #onComplete(nowUs: number): void {
    const state = this.#state;
    state.handshakeComplete = true;
    state.handshakeUs = nowUs - state.startedAtUs;
    if (state.role === 'server') state.spaces.application.readKeys = this.#heldReadKeys;
    state.keyPhases = new KeyPhases(state.spaces.application, state.config.packetsPerKey);
    if (state.role === 'server') {
      // RFC 9001 §4.1.2: at the server, complete is confirmed.
      state.control.add({ type: 'handshake_done' });
      const { newToken } = state.config as ServerConfig;
      if (newToken) state.control.add({ type: 'new_token', token: newToken() });
      state.confirmHandshake();
    }
    state.issueIds();
    state.events.push({ type: 'connected' });
  }

  /** RFC 9000 §7.3: connection ids authenticate each other; §18.2: limits take effect. */
  #applyPeerParameters(peer: TransportParameters): void {
    const state = this.#state;
    const expect = (given: Buffer | undefined, expected: Buffer, name: string): void => {
      if (!given?.equals(expected)) {
        throw new QuicError(
          TransportError.TRANSPORT_PARAMETER_ERROR,
          `${name} is not the one in the packets`,
        );
      }
    };
    expect(peer.initialSourceConnectionId, state.peerIds.current, 'initial_source_connection_id');
    if (state.role === 'client') {
      expect(
        peer.originalDestinationConnectionId,
        state.originalDestinationId,
        'original_destination_connection_id',
      );
      if (state.retrySourceId) {
        expect(peer.retrySourceConnectionId, state.retrySourceId, 'retry_source_connection_id');
      } else if (peer.retrySourceConnectionId) {
        throw new QuicError(
          TransportError.TRANSPORT_PARAMETER_ERROR,
          'retry_source_connection_id without Retry',
        );
      }
    }
    state.peerParameters = peer;
    state.recovery.maxAckDelayUs = peer.maxAckDelayMs * 1000;
    state.datagramBytes = Math.min(state.datagramBytes, peer.maxUdpPayloadSize);
    state.recovery.controller.onDatagramSize(state.datagramBytes);
    state.recovery.datagramBytes = state.datagramBytes;
    state.startMtuDiscovery();
    if (peer.statelessResetToken) state.peerIds.setInitialResetToken(copyOf(peer.statelessResetToken));
    state.streams.applyPeerParameters(peer);
  }
}
