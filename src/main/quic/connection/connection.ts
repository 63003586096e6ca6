/**
 * A QUIC v1 connection, sans-IO: `receive` · `poll` · `timeout` · `handleTimeout` · `nextEvent`. Datagrams, time
 * (microseconds from an arbitrary origin) and randomness come in as arguments; nothing here does I/O.
 * RFC 9000, 9001, 9002, 9221.
 */
import type { CongestionController } from '../../congestion/controller.ts';
import { CongestionWatch } from '../../recovery/congestion-watch.ts';
import { SPACES } from '../../recovery/types.ts';
import { copyOf } from '../wire/cursor.ts';
import { QuicError, TransportError } from '../wire/errors.ts';
import {
  CID_LENGTH,
  type ClientConfig,
  type CloseReason,
  type ConnectionEvent,
  type ServerConfig,
} from './config.ts';
import { Handshaker, localParameters } from './handshaker.ts';
import type { Inbox } from './inbox.ts';
import { originOf, statusOf } from './observer.ts';
import { Outbox } from './outbox.ts';
import type { Path, PathAddress } from './paths.ts';
import { Receiver } from './receiver.ts';
import { Sender } from './sender.ts';
import { onFramesLost } from './sent-frames.ts';
import { ConnectionState } from './state.ts';

export class Connection {
  readonly #state: ConnectionState;
  readonly #handshaker: Handshaker;
  readonly #receiver: Receiver;
  readonly #sender: Sender;
  #destination: PathAddress;

  /** A client that is about to send its first Initial. */
  static client(config: ClientConfig, to: PathAddress, nowUs: number): Connection {
    const destination = config.random(CID_LENGTH);
    const ids = {
      local: config.random(CID_LENGTH),
      peer: destination,
      originalDestination: destination,
      initialKey: destination,
      retrySource: null,
    };
    const connection = new Connection(new ConnectionState('client', config, ids, to, nowUs));
    connection.#handshaker.start(nowUs);
    connection.#state.restartIdleTimer(nowUs);
    return connection;
  }

  /**
   * A server's side, for a client whose first Initial carried these ids, and a token that was found to say `validated`.
   * Feed it that datagram next.
   */
  static server(
    config: ServerConfig,
    from: PathAddress,
    first: { dcid: Buffer; scid: Buffer; validated?: { retryOf: Buffer | null } | undefined },
    nowUs: number,
  ): Connection {
    const { validated } = first;
    const dcid = copyOf(first.dcid);
    const ids = {
      local: config.random(CID_LENGTH),
      peer: copyOf(first.scid),
      originalDestination: validated?.retryOf ?? dcid,
      initialKey: dcid,
      retrySource: validated?.retryOf ? dcid : null,
    };
    const state = new ConnectionState('server', config, ids, from, nowUs);
    if (validated) state.paths.active.validated = true;
    const connection = new Connection(state);
    connection.#state.restartIdleTimer(nowUs);
    return connection;
  }

  private constructor(state: ConnectionState) {
    this.#state = state;
    this.#handshaker = new Handshaker(state);
    this.#receiver = new Receiver(state, this.#handshaker);
    this.#sender = new Sender(state);
    const { observer } = state.config;
    if (observer) state.observer = observer(originOf(state, localParameters(state)));
    this.#destination = state.paths.active.address;
  }

  // The five calls

  /**
   * Takes a datagram that came from `from`: one object for each path, the same one every time. The buffer is decrypted in
   * place. Never throws: what is wrong ends the connection.
   */
  receive(datagram: Buffer, from: PathAddress, nowUs: number): void {
    if (this.#state.phase === 'draining' || this.#state.phase === 'terminated') return;
    try {
      this.#receiver.receive(datagram, from, nowUs);
    } catch (error) {
      this.#fail(error, nowUs);
    }
    this.#settled(nowUs);
  }

  /** As `receive`, of all datagrams of `inbox`, in order. */
  receiveAll({ datagrams, from, atUs }: Inbox): void {
    const masks = datagrams.length > 1 ? this.#receiver.masksOf(datagrams) : null;
    for (let i = 0; i < datagrams.length; i++) {
      if (this.#state.phase === 'draining' || this.#state.phase === 'terminated') return;
      try {
        this.#receiver.receiveOneOf(datagrams[i]!, from[i]!, atUs[i]!, masks, i);
      } catch (error) {
        this.#fail(error, atUs[i]!);
      }
      this.#settled(atUs[i]!);
    }
  }

  /** The next datagram to send now, to `destination`, or null. Call until null. The buffer is not written to again. Never throws. */
  poll(nowUs: number): Buffer | null {
    const outbox = new Outbox();
    if (!this.pollInto(outbox, nowUs)) return null;
    outbox.finish();
    this.#destination = outbox.to[0]!;
    return outbox.datagrams[0]!;
  }

  /** As `poll`, but the datagram is added to others that leave together; false when there is none. */
  pollInto(outbox: Outbox, nowUs: number): boolean {
    let isSent = false;
    try {
      isSent = this.#sender.poll(nowUs, outbox);
      if (!isSent && this.#watchStall(nowUs)) isSent = this.#sender.poll(nowUs, outbox);
    } catch (cause) {
      // Whoever cannot write packets any more cannot say goodbye either.
      const { code, message: reason } = toQuicError(cause);
      this.#state.terminate({ by: 'local', code, application: false, reason, cause });
      outbox.giveUp();
    }
    if (!isSent) this.#settled(nowUs);
    return isSent;
  }

  /** When `handleTimeout` (or, if the pacer holds a packet, `poll`) wants to be called; null for never. */
  timeout(): number | null {
    const state = this.#state;
    if (state.phase === 'terminated') return null;
    if (state.phase !== 'open') return state.closingDeadlineUs;
    let deadline = state.idleDeadlineUs ?? Number.POSITIVE_INFINITY;
    const recovery = state.recovery.deadlineUs();
    if (recovery !== null && recovery < deadline) deadline = recovery;
    if (state.blockedReminderUs !== null && state.blockedReminderUs < deadline)
      deadline = state.blockedReminderUs;
    const challenge = state.paths.deadlineUs;
    if (challenge !== null && challenge < deadline) deadline = challenge;
    const unacknowledged = state.unacknowledgedDeadlineUs;
    if (unacknowledged !== null && unacknowledged < deadline) deadline = unacknowledged;
    const keepAlive = state.keepAliveDeadlineUs;
    if (keepAlive !== null && keepAlive < deadline) deadline = keepAlive;
    const stalled = state.stall.deadlineUs;
    if (stalled !== null && stalled < deadline) deadline = stalled;
    const paced = this.#sender.pacedUntilUs;
    if (paced !== null && paced < deadline) deadline = paced;
    for (const name of SPACES) {
      const space = state.spaces[name];
      // An acknowledgement that RFC 9000 §8.1 holds back waits for the client, not for a time.
      if (!space.writeKeys || state.recovery.antiAmplificationBlocked) continue;
      const ack = space.received.ackDeadlineUs;
      if (ack !== null && ack < deadline) deadline = ack;
    }
    return deadline === Number.POSITIVE_INFINITY ? null : deadline;
  }

  /** Where the datagram that `poll` returned last is to go. */
  get destination(): PathAddress {
    return this.#destination;
  }

  /** The path that packets take. */
  get path(): PathAddress {
    return this.#state.paths.active.address;
  }

  /** The instant until which the pacer holds the next packet back, null when it does not. */
  get pacedUntilUs(): number | null {
    return this.#sender.pacedUntilUs;
  }

  handleTimeout(nowUs: number): void {
    this.#onTimeout(nowUs);
    this.#settled(nowUs);
  }

  #onTimeout(nowUs: number): void {
    const state = this.#state;
    if (state.closingDeadlineUs !== null && nowUs >= state.closingDeadlineUs) {
      state.terminate({ by: 'local', code: 0, application: false, reason: '' });
      return;
    }
    if (state.phase !== 'open') return;
    if (state.idleDeadlineUs !== null && nowUs >= state.idleDeadlineUs) {
      const idleMs = Math.round((nowUs - state.lastReceivedAtUs) / 1000);
      const reason =
        nowUs >= state.handshakeDeadlineUs
          ? 'the handshake took too long'
          : `nothing received for ${idleMs} ms`;
      state.terminate({ by: 'timeout', code: 0, application: false, reason });
      return;
    }
    const unacknowledged = state.unacknowledgedDeadlineUs;
    if (unacknowledged !== null && nowUs >= unacknowledged) {
      this.#shed(TransportError.NO_VIABLE_PATH, 'the peer acknowledges nothing', nowUs);
      return;
    }
    if (state.keepAliveDeadlineUs !== null && nowUs >= state.keepAliveDeadlineUs) {
      // Once: it is sent again when lost, and the next follows an answer.
      state.keepAliveDeadlineUs = null;
      state.control.add({ type: 'ping' });
    }
    if (this.#watchStall(nowUs)) return;
    if (state.blockedReminderUs !== null && nowUs >= state.blockedReminderUs) {
      state.blockedReminderUs = null;
      state.streams.remindOfBlocks();
    }
    for (const path of state.paths.onTimeout(nowUs, state.ptoUs)) this.#onPathFailed(path);
    const deadline = state.recovery.deadlineUs();
    if (deadline === null || nowUs < deadline) return;
    const { lost, probe } = state.recovery.onTimeout(nowUs);
    state.observer?.onLossTimerExpired(nowUs);
    for (const { space, packet } of lost) {
      state.observer?.onPacketLost(
        {
          space,
          packetNumber: packet.packetNumber,
          isMtuProbe: packet.isMtuProbe ?? false,
          byReordering: false,
        },
        nowUs,
      );
      onFramesLost(state, state.spaces[space], packet.frames, nowUs);
    }
    if (!probe) return;
    // Where nothing large is unanswered, as of a client whose Finished a busy server is slow to take, it is not the size.
    const isLarge = state.largeSentAtUs >= state.unacknowledgedSinceUs;
    if (isLarge && state.mtu.onTimeouts(state.recovery.timeoutsInRow, nowUs)) state.resize();
    this.#sender.owe(probe.space, probe.count);
  }

  nextEvent(): ConnectionEvent | null {
    return this.#state.events.shift() ?? null;
  }

  // What the application does

  /** Opens a stream; null when the peer's limit is reached. */
  openStream(unidirectional: boolean): number | null {
    return this.#state.streams.open(unidirectional);
  }

  /** Queues stream data; false asks to wait for `stream-writable`. */
  write(id: number, data: Buffer): boolean {
    return this.#state.streams.write(id, data);
  }

  unsentBytes(id: number): number {
    return this.#state.streams.unsentBytes(id);
  }

  finish(id: number): void {
    this.#state.streams.finish(id);
  }

  reset(id: number, code: number): void {
    this.#state.streams.reset(id, code);
  }

  stopSending(id: number, code: number): void {
    this.#state.streams.stopSending(id, code);
  }

  /**
   * Reads what is contiguous on a stream into `sink`; `end` tells that the FIN was reached. `nowUs` is to be given by who does
   * not always read right after `receive`.
   */
  read(id: number, sink: (data: Buffer) => void, nowUs?: number): { end: boolean } {
    const { streams, recovery, lastReceivedAtUs } = this.#state;
    const { rtt } = recovery;
    const pace = rtt.hasSample ? { nowUs: nowUs ?? lastReceivedAtUs, rttUs: rtt.smoothedUs } : null;
    return { end: streams.read(id, sink, pace) };
  }

  setPaused(id: number, paused: boolean): void {
    this.#state.streams.setPaused(id, paused);
  }

  sendDatagram(data: Buffer): boolean {
    return this.#state.queueDatagram(data);
  }

  get maxDatagramPayload(): number {
    return this.#state.maxDatagramPayload;
  }

  /** Begins a key update (RFC 9001 §6); false when it is too early for one. */
  updateKeys(nowUs: number): boolean {
    return this.#state.updateKeys(nowUs);
  }

  /**
   * Tries another path, and moves to it once the peer answered there (RFC 9000 §9.2): `migrated` or `path-failed` tells. False
   * when it cannot be tried: too early, the peer forbids it, or gave no connection id for it.
   */
  migrate(to: PathAddress): boolean {
    const { role, handshakeConfirmed, peerIds, paths } = this.#state;
    if (role !== 'client' || !this.isOpen || !handshakeConfirmed) return false;
    if (this.isPinned || !peerIds.hasSpare) return false;
    const path = paths.open(to);
    path.isGoal = true;
    // RFC 9000 §8.1: it is the server that has to be careful with addresses it does not know.
    path.validated = true;
    paths.challenge(path);
    return true;
  }

  /** The peer forbids this end to move to another path (RFC 9000 §9). */
  get isPinned(): boolean {
    return this.#state.peerParameters?.disableActiveMigration ?? false;
  }

  /** Closes with an application code (RFC 9000 §10.2). */
  close(code: number, reason: string, nowUs: number): void {
    this.#state.startClosing(
      nowUs,
      { code, application: true, frameType: 0, reason },
      { by: 'local', code, application: true, reason },
    );
  }

  /** Gives up without a word: the peer does not answer. */
  abandon(reason: CloseReason): void {
    this.#state.terminate(reason);
  }

  get isTerminated(): boolean {
    return this.#state.phase === 'terminated';
  }

  get isOpen(): boolean {
    return this.#state.phase === 'open';
  }

  /** Streams and DATAGRAMs may be sent: the handshake is complete, or early data goes ahead of it. */
  get mayCarryData(): boolean {
    return this.#state.mayCarryData;
  }

  get localId(): Buffer {
    return this.#state.localIds.first;
  }

  get heardFromPeer(): boolean {
    return this.#state.heardFromPeer;
  }

  /** Records from now on what the congestion controller does; times count from the connection's beginning. */
  watchCongestion(everyUs: number, nowUs: number): CongestionWatch {
    const state = this.#state;
    state.watch = new CongestionWatch(state.startedAtUs, everyUs);
    state.watch.observe(state.recovery, nowUs);
    return state.watch;
  }

  /** Records no more, unless another watch has taken this one's place. */
  endWatch(watch: CongestionWatch): void {
    if (this.#state.watch === watch) this.#state.watch = null;
  }

  /** Another congestion controller, on this path and any other. */
  changeController(make: () => CongestionController): void {
    const state = this.#state;
    state.makeController = make;
    state.recovery.changeController(make());
    state.recovery.controller.onDatagramSize(state.datagramBytes);
  }

  /** Facts of the handshake, once `connected`. */
  handshake(): {
    durationUs: number;
    cipherSuite: string;
    group: string;
    alpn: string;
    serverName: string | null;
    retried: boolean;
    resumed: boolean;
    earlyData: 'accepted' | 'rejected' | null;
  } {
    const { tls } = this.#handshaker;
    const { earlyData } = this.#state;
    return {
      durationUs: this.#state.handshakeUs ?? 0,
      cipherSuite: tls.suite?.name ?? '',
      group: tls.group ?? '',
      alpn: tls.alpn ?? '',
      serverName: this.#handshaker.serverName,
      retried: this.#state.retrySourceId !== null,
      resumed: tls.resumed,
      earlyData: earlyData === 'offered' ? null : earlyData,
    };
  }

  stats() {
    const { recovery, streams } = this.#state;
    const { rtt, stats } = recovery;
    const controller = recovery.controller.snapshot();
    return {
      controller: controller.name,
      controllerState: controller.state,
      cwndBytes: controller.cwnd,
      datagramBytes: this.#state.datagramBytes,
      pacingBps: controller.pacingBps,
      bytesInFlight: recovery.bytesInFlight,
      smoothedRttUs: rtt.hasSample ? rtt.smoothedUs : null,
      rttVarUs: rtt.hasSample ? rtt.varianceUs : null,
      minRttUs: rtt.hasSample ? rtt.minUs : null,
      latestRttUs: rtt.hasSample ? rtt.latestUs : null,
      packetsSent: this.#state.packetsSent,
      packetsReceived: this.#state.packetsReceived,
      packetsLost: stats.packetsLost,
      bytesLost: stats.bytesLost,
      spuriousLosses: stats.spuriousLosses,
      congestionEvents: stats.congestionEvents,
      persistentCongestions: stats.persistentCongestions,
      deliveryRateBps: recovery.deliveryRateBps,
      isAppLimited: recovery.isAppLimited,
      bytesSent: this.#state.bytesSent,
      bytesReceived: this.#state.bytesReceived,
      streamsOpened: streams.opened,
      streamBytesSent: streams.bytesSent,
      streamBytesRetransmitted: streams.bytesRetransmitted,
      ptoCount: stats.ptoCount,
      migrations: this.#state.paths.migrations,
      congestionResets: this.#state.congestionResets,
      keyUpdates: this.#state.keyPhases?.updates ?? 0,
    };
  }

  /** For those who look on. */
  #settled(nowUs: number): void {
    const { observer, watch } = this.#state;
    observer?.onSettled(statusOf(this.#state, this.#handshaker.tls), nowUs);
    watch?.observe(this.#state.recovery, nowUs);
  }

  /** RFC 9000 §9.3.2. */
  #onPathFailed(path: Path): void {
    const state = this.#state;
    if (path !== state.paths.active) {
      state.events.push({ type: 'path-failed', path: path.address });
      return;
    }
    if (path.validated) return;
    const fallback = state.paths.takeFallback();
    if (fallback) state.migrate(fallback);
    else {
      const reason = 'the peer moved to an address where nobody answers';
      state.terminate({ by: 'timeout', code: TransportError.NO_VIABLE_PATH, application: false, reason });
    }
  }

  /** Whether the peer was let go of, because it takes too little of what is written for it. */
  #watchStall(nowUs: number): boolean {
    const { stall, streams, phase } = this.#state;
    if (phase !== 'open' || !stall.observe(nowUs, streams.bytesUnsent, streams.bytesSent)) return false;
    this.#shed(TransportError.NO_ERROR, 'the peer takes next to nothing of what it asked for', nowUs);
    return true;
  }

  /** Lets go of a peer that leaves us holding what it will not take. It is told. */
  #shed(code: number, reason: string, nowUs: number): void {
    this.#state.startClosing(
      nowUs,
      { code, application: false, frameType: 0, reason },
      { by: 'timeout', code, application: false, reason },
    );
  }

  #fail(cause: unknown, nowUs: number): void {
    const error = toQuicError(cause);
    const { code, frameType, message } = error;
    // What TLS found is told as its alert alone, and our own defects not at all: the words may name local settings.
    const isPrivate = code >= TransportError.CRYPTO_ERROR || error !== cause;
    this.#state.startClosing(
      nowUs,
      { code, application: false, frameType, reason: isPrivate ? '' : message },
      { by: 'local', code, application: false, reason: message, cause: this.#handshaker.failure ?? cause },
    );
  }
}

/** Anything but a QuicError is a defect of ours, which must end this connection and no other. */
function toQuicError(cause: unknown): QuicError {
  if (cause instanceof QuicError) return cause;
  return new QuicError(TransportError.INTERNAL_ERROR, `internal error: ${String(cause)}`);
}
