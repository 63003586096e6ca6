/** Joins TLS to packets: CRYPTO data in and out, keys into spaces, transport parameters checked (RFC 9001 §4). */
import type { LabError } from '../../../shared/errors.ts';
import { ClientHandshake } from '../tls/client.ts';
import { ServerHandshake } from '../tls/server.ts';
import { type Level, LevelViolation, TlsAlert } from '../tls/types.ts';
import { copyOf } from '../wire/cursor.ts';
import { QuicError, TransportError } from '../wire/errors.ts';
import { PacketProtection } from '../wire/protection.ts';
import {
  DEFAULT_PARAMETERS,
  decodeTransportParameters,
  encodeTransportParameters,
  type TransportParameters,
} from '../wire/transport-parameters.ts';
import { MIN_ACK_DELAY_US } from './ack-frequency.ts';
import { type ClientConfig, type ServerConfig, WINDOWS } from './config.ts';
import { ACTIVE_CID_LIMIT } from './connection-ids.ts';
import { KeyPhases } from './key-phases.ts';
import { onFramesLost } from './sent-frames.ts';
import type { ConnectionState } from './state.ts';

/** What we allow the peer; the same for all our connections. */
const limitsOf = (config: ClientConfig | ServerConfig): TransportParameters => ({
  ...DEFAULT_PARAMETERS,
  maxIdleTimeoutMs: config.idleTimeoutMs,
  initialMaxData: WINDOWS.connection,
  initialMaxStreamDataBidiLocal: WINDOWS.stream,
  initialMaxStreamDataBidiRemote: WINDOWS.stream,
  initialMaxStreamDataUni: WINDOWS.stream,
  initialMaxStreamsBidi: WINDOWS.streamsBidi,
  initialMaxStreamsUni: WINDOWS.streamsUni,
  maxDatagramFrameSize: WINDOWS.datagram,
  activeConnectionIdLimit: ACTIVE_CID_LIMIT,
});

export function localParameters(state: ConnectionState): TransportParameters {
  const { role, config, localIds, originalDestinationId, retrySourceId } = state;
  const common = {
    ...limitsOf(config),
    minAckDelayUs: MIN_ACK_DELAY_US,
    maxAckDelayMs: config.maxAckDelayMs ?? DEFAULT_PARAMETERS.maxAckDelayMs,
    initialSourceConnectionId: localIds.first,
  };
  if (role === 'client') return common;
  return {
    ...common,
    originalDestinationConnectionId: originalDestinationId,
    ...(retrySourceId && { retrySourceConnectionId: retrySourceId }),
    ...(config.resetToken && { statelessResetToken: config.resetToken(localIds.first) }),
  };
}

/** What of the server's parameters holds for early data of a later connection, and may not shrink (RFC 9000 §7.4.1). */
const REMEMBERED = [
  'initialMaxData',
  'initialMaxStreamDataBidiLocal',
  'initialMaxStreamDataBidiRemote',
  'initialMaxStreamDataUni',
  'initialMaxStreamsBidi',
  'initialMaxStreamsUni',
  'activeConnectionIdLimit',
  'maxDatagramFrameSize',
] as const satisfies readonly (keyof TransportParameters)[];

const remembered = (peer: TransportParameters): TransportParameters => ({
  ...DEFAULT_PARAMETERS,
  maxIdleTimeoutMs: peer.maxIdleTimeoutMs,
  maxUdpPayloadSize: peer.maxUdpPayloadSize,
  disableActiveMigration: peer.disableActiveMigration,
  ...Object.fromEntries(REMEMBERED.map((name) => [name, peer[name]])),
});

/** What a ticket lets this client resume: not for another server, nor of a session that trusted more than this one may. */
function resumable({ ticket, peerName, verify }: ClientConfig, nowUs: number) {
  if (!ticket || ticket.peerName !== peerName || (ticket.insecure && verify)) return undefined;
  const ageMs = (nowUs - ticket.receivedAtUs) / 1000;
  return ageMs <= 1000 * ticket.lifetimeS ? { ticket, ageMs } : undefined;
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
        resume: resumable(config, state.startedAtUs),
        earlyData: config.earlyData,
        ...(config.suites && { suites: config.suites }),
        ...(config.keyLog && { keyLog: config.keyLog }),
      });
    } else {
      const config = state.config as ServerConfig;
      this.tls = new ServerHandshake({
        alpn: config.alpn,
        certificate: config.certificate,
        privateKey: config.privateKey,
        transportParameters: () => encodeTransportParameters(localParameters(state)),
        random: config.random,
        tickets: config.tickets,
        earlyData: config.earlyData ? { context: encodeTransportParameters(limitsOf(config)) } : undefined,
        ...(config.suites && { suites: config.suites }),
        ...(config.keyLog && { keyLog: config.keyLog }),
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
      const code =
        error instanceof LevelViolation
          ? TransportError.PROTOCOL_VIOLATION
          : TransportError.CRYPTO_ERROR + error.alert;
      throw new QuicError(code, error.message, 0x06);
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
          if (event.level === 'early') {
            this.#onEarlyKeys(keys);
            break;
          }
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
        case 'early-data':
          if (event.accepted) state.earlyData = 'accepted';
          else this.#onEarlyDataRejected(nowUs);
          break;
        case 'ticket':
          state.events.push({
            type: 'ticket',
            ticket: {
              ...event.ticket,
              receivedAtUs: nowUs,
              peerName: (state.config as ClientConfig).peerName,
              insecure: (state.config as ClientConfig).verify === null,
              limits: remembered(state.peerParameters!),
            },
          });
          break;
        case 'complete':
          this.#onComplete(nowUs);
          break;
      }
    }
  }

  /** Early data may be sent, or comes from now on. */
  #onEarlyKeys(keys: PacketProtection): void {
    const state = this.#state;
    state.spaces.application.earlyKeys = keys;
    if (state.role === 'server') {
      state.earlyData = 'accepted';
      state.events.push({ type: 'early-data' });
      return;
    }
    state.earlyData = 'offered';
    state.peerParameters = (state.config as ClientConfig).ticket!.limits;
    state.streams.applyPeerParameters(state.peerParameters);
  }

  /** RFC 9001 §4.6.2: the server saw nothing of it. What was sent on streams is sent again; DATAGRAMs are lost. */
  #onEarlyDataRejected(nowUs: number): void {
    const state = this.#state;
    const { application } = state.spaces;
    state.earlyData = 'rejected';
    application.earlyKeys = null;
    for (const packet of state.recovery.unacked('application'))
      onFramesLost(state, application, packet.frames, nowUs);
    state.recovery.discardSpace('application');
  }

  #onComplete(nowUs: number): void {
    const state = this.#state;
    state.handshakeComplete = true;
    // The limits of the handshake are over.
    state.restartIdleTimer(nowUs);
    state.handshakeUs = nowUs - state.startedAtUs;
    state.firstOneRttPacket = state.spaces.application.nextPacketNumber;
    if (state.role === 'server') state.spaces.application.readKeys = this.#heldReadKeys;
    else state.spaces.application.earlyKeys = null;
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
    if (state.role === 'client' && state.earlyData) {
      const { limits } = (state.config as ClientConfig).ticket!;
      // RFC 9000 §7.4.1.
      if (state.earlyData === 'accepted' && REMEMBERED.some((name) => peer[name] < limits[name])) {
        const message = 'early data was taken, and less is allowed than when the ticket was given';
        throw new QuicError(TransportError.PROTOCOL_VIOLATION, message, 0x06);
      }
      // A server that rejects it may allow less. What was used beyond that cannot be sent again.
      if (state.earlyData === 'rejected' && !state.streams.restart(peer)) {
        const message = 'early data was rejected, and more of it was sent than is allowed now';
        throw new QuicError(TransportError.INTERNAL_ERROR, message, 0x06);
      }
    }
    state.peerParameters = peer;
    state.recovery.maxAckDelayUs = peer.maxAckDelayMs * 1000;
    state.ackFrequency.applyPeerParameters(peer);
    state.datagramBytes = Math.min(state.datagramBytes, peer.maxUdpPayloadSize);
    state.recovery.controller.onDatagramSize(state.datagramBytes);
    state.recovery.datagramBytes = state.datagramBytes;
    state.startMtuDiscovery();
    if (peer.statelessResetToken) state.peerIds.setInitialResetToken(copyOf(peer.statelessResetToken));
    state.streams.applyPeerParameters(peer);
  }
}
