/**
 * Runs one connection in real time: datagrams in, events out, packets paced, timers armed. The same for client and
 * server; only how a datagram leaves differs.
 */
import type { Controller } from '../../../shared/domain.ts';
import { LabError } from '../../../shared/errors.ts';
import type { CloseReason, ConnectionEvent, SessionTicket } from '../connection/config.ts';
import type { Connection } from '../connection/connection.ts';
import { Inbox } from '../connection/inbox.ts';
import { Outbox } from '../connection/outbox.ts';
import type { PathAddress } from '../connection/paths.ts';
import type {
  CloseInfo,
  CongestionRecord,
  ConnectionStats,
  ControllerChoice,
  HandshakeInfo,
  QuicSession,
  QuicStream,
} from './api.ts';
import { nowUs } from './clock.ts';
import { controllerMaker, LARGEST_DATAGRAM } from './socket.ts';
import { StreamHandle, type StreamOwner } from './stream-handle.ts';

/** Datagrams sent before the loop gets to read its sockets again. */
const BURST = 64;
/** Of them, so many are made before the first leaves: a receiver that is woken once takes all, and masks come cheaper. */
const MADE_TOGETHER = 16;
/** Room for as many of the largest. Shared by all sessions of a thread: they fill and empty it without a pause. */
const outbox = new Outbox(MADE_TOGETHER * LARGEST_DATAGRAM);
/** Deadlines nearer than this are waited for by spinning on setImmediate: timers come about 1 ms late (spec/congestion.md). */
const SPIN_US = 1500;
/** Longest wait a timer takes; a longer one is waited for in several. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** DATAGRAMs kept for a consumer that has not set its callback yet. */
const EARLY_DATAGRAMS = 256;

export interface SessionHooks {
  transmit(datagram: Buffer, to: PathAddress): void;
  /** Whether the system has taken all that was transmitted. */
  isDrained(): boolean;
  /** The peer may from now on, or does no longer, address packets to this id. */
  onId?(change: 'id-issued' | 'id-retired', id: Buffer): void;
  /** Packets take another path, or one that was tried does not lead to the peer. */
  onPath?(change: 'migrated' | 'path-failed', path: PathAddress): void;
  /** Client: another way to the server, from a socket of its own. */
  openPath?(): Promise<PathAddress>;
  /** Server: the client's early data is taken. */
  onEarly?(session: Session): void;
  /** Client: another socket takes the place of the path's, unknown to the connection. */
  rebindPath?(path: PathAddress): Promise<void>;
  /** The handshake completed at this end. */
  onConnected(session: Session): void;
  /** The connection has ended; its closing period may still run. */
  onClosed(info: CloseReason): void;
  /** Nothing more will be sent or timed: the owner may let go of it. */
  onTerminated(): void;
}

export class Session implements QuicSession, StreamOwner {
  readonly role: 'client' | 'server';
  readonly closed: Promise<CloseInfo>;
  readonly connection: Connection;
  readonly #insecure: boolean;
  readonly #hooks: SessionHooks;
  readonly #inbox = new Inbox();
  readonly #streams = new Map<number, StreamHandle>();
  readonly #deliveries = new Set<StreamHandle>();
  #resolveClosed!: (info: CloseInfo) => void;
  #onStream: ((stream: QuicStream) => void) | null = null;
  #onDatagram: ((data: Buffer, receivedAtUs: number) => void) | null = null;
  #earlyStreams: StreamHandle[] = [];
  #earlyDatagrams: { data: Buffer; atUs: number }[] = [];
  #immediate: NodeJS.Immediate | null = null;
  #timer: NodeJS.Timeout | null = null;
  #timerAtUs = Number.POSITIVE_INFINITY;
  /** When the connection wants its `handleTimeout`, as of the last turn. */
  #deadlineUs = Number.POSITIVE_INFINITY;
  #token: Buffer | null = null;
  #ticket: SessionTicket | null = null;
  onTicket: ((ticket: SessionTicket) => void) | null = null;
  #migration: { to: PathAddress; settle: PromiseWithResolvers<void> } | null = null;
  #isClosed = false;
  #terminated = false;
  /** Callbacks run within the loop may call back into the session. */
  #isLooping = false;

  constructor(
    connection: Connection,
    options: { role: 'client' | 'server'; insecure: boolean },
    hooks: SessionHooks,
  ) {
    this.connection = connection;
    this.role = options.role;
    this.#insecure = options.insecure;
    this.#hooks = hooks;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  // For the socket's side

  /** Takes the first datagram of a connection. */
  receive(datagram: Buffer, from: PathAddress): void {
    this.connection.receive(datagram, from, nowUs());
    this.wake();
  }

  /** Takes a datagram off the socket: it is read, and answered, in the loop, together with others that came with it. */
  deliver(datagram: Buffer, from: PathAddress): void {
    if (this.#terminated) return;
    this.#inbox.add(datagram, from, nowUs());
    this.wake();
  }

  wake(): void {
    if (this.#immediate || this.#terminated) return;
    this.#immediate = setImmediate(this.#run);
  }

  /** Gives up silently. */
  abandon(reason: CloseReason): void {
    this.connection.abandon(reason);
    this.#loop();
  }

  // QuicSession

  get remote(): { address: string; port: number } {
    const { address, port } = this.connection.path;
    return { address, port };
  }

  get handshake(): HandshakeInfo {
    return { ...this.connection.handshake(), insecure: this.#insecure };
  }

  get token(): Buffer | null {
    return this.#token;
  }

  get ticket(): SessionTicket | null {
    return this.#ticket;
  }

  get maxDatagramPayload(): number {
    return this.connection.maxDatagramPayload;
  }

  openStream(options: { unidirectional?: boolean } = {}): QuicStream {
    const { isOpen } = this.connection;
    const id = isOpen ? this.connection.openStream(options.unidirectional ?? false) : null;
    if (id === null) {
      const why = isOpen ? 'the peer’s stream limit is reached' : 'the connection has ended';
      // The peer is told that it is in the way.
      if (isOpen) this.wake();
      throw new LabError('RL_CONFLICT', `No stream can be opened: ${why}`);
    }
    const stream = new StreamHandle(this, id, true);
    this.#streams.set(id, stream);
    return stream;
  }

  sendDatagram(data: Uint8Array): boolean {
    if (!this.connection.isOpen) return false;
    const taken = this.connection.sendDatagram(Buffer.from(data.buffer, data.byteOffset, data.byteLength));
    // A ping leaves in this turn: waiting for the next would count towards its round trip.
    this.#flush();
    this.wake();
    return taken;
  }

  stats(): ConnectionStats {
    const stats = this.connection.stats();
    return { ...stats, controller: stats.controller as Controller };
  }

  watchCongestion(everyUs: number): CongestionRecord {
    const watch = this.connection.watchCongestion(everyUs, nowUs());
    return { take: () => watch.take(), end: () => this.connection.endWatch(watch) };
  }

  changeController(choice: ControllerChoice): void {
    this.connection.changeController(controllerMaker(choice, this.stats().datagramBytes));
  }

  updateKeys(): boolean {
    return this.connection.updateKeys(nowUs());
  }

  async migrate(): Promise<void> {
    const { openPath } = this.#hooks;
    const refused = (why: string): LabError =>
      new LabError('RL_CONFLICT', `The connection cannot be moved: ${why}`);
    if (!openPath) throw refused('only clients move');
    if (this.connection.isPinned)
      throw new LabError('RL_PEER_UNSUPPORTED', 'The server forbids its clients to move', {
        hint: 'It sent disable_active_migration (RFC 9000 §18.2).',
      });
    if (this.#migration) throw refused('it is being moved');
    const to = await openPath();
    if (!this.connection.migrate(to)) {
      this.#hooks.onPath?.('path-failed', to);
      throw refused('the handshake is not confirmed, or the server gave no id for another path');
    }
    const settle = Promise.withResolvers<void>();
    this.#migration = { to, settle };
    this.wake();
    await settle.promise;
  }

  async rebind(): Promise<void> {
    const { rebindPath } = this.#hooks;
    if (!rebindPath || !this.connection.isOpen)
      throw new LabError('RL_CONFLICT', 'The connection cannot be rebound: only open ones of clients can');
    await rebindPath(this.connection.path);
  }

  #onPath(change: 'migrated' | 'path-failed', path: PathAddress): void {
    this.#hooks.onPath?.(change, path);
    const migration = this.#migration;
    if (migration?.to !== path) return;
    this.#migration = null;
    if (change === 'migrated') migration.settle.resolve();
    else
      migration.settle.reject(new LabError('RL_CONNECT_TIMEOUT', 'The new path does not lead to the server'));
  }

  close(code = 0, reason = ''): Promise<void> {
    this.connection.close(code, reason, nowUs());
    // At once, whoever calls from wherever: the socket may be closed next.
    this.#flush();
    this.#loop();
    return Promise.resolve();
  }

  get onStream(): ((stream: QuicStream) => void) | null {
    return this.#onStream;
  }

  set onStream(callback: ((stream: QuicStream) => void) | null) {
    this.#onStream = callback;
    if (!callback) return;
    for (const stream of this.#earlyStreams.splice(0)) callback(stream);
  }

  get onDatagram(): ((data: Buffer, receivedAtUs: number) => void) | null {
    return this.#onDatagram;
  }

  set onDatagram(callback: ((data: Buffer, receivedAtUs: number) => void) | null) {
    this.#onDatagram = callback;
    if (!callback) return;
    for (const { data, atUs } of this.#earlyDatagrams.splice(0)) callback(data, atUs);
  }

  // StreamOwner

  write(id: number, data: Buffer): boolean {
    // Nobody will send it any more, and nobody call for more of it: it is not kept.
    if (!this.connection.isOpen) return false;
    this.wake();
    return this.connection.write(id, data);
  }

  unsentBytes(id: number): number {
    return this.connection.unsentBytes(id);
  }

  finish(id: number): void {
    this.connection.finish(id);
    this.wake();
  }

  reset(id: number, code: number): void {
    this.connection.reset(id, code);
    this.wake();
  }

  stopSending(id: number, code: number): void {
    this.connection.stopSending(id, code);
    this.wake();
  }

  setPaused(id: number, paused: boolean): void {
    this.connection.setPaused(id, paused);
  }

  read(id: number, sink: (data: Buffer) => void): { end: boolean } {
    return this.connection.read(id, sink, nowUs());
  }

  deliverSoon(stream: StreamHandle): void {
    this.#deliveries.add(stream);
    this.wake();
  }

  forget(id: number): void {
    // One that was over before anybody asked for it is not kept for them: of such there could be any number.
    const stream = this.#streams.get(id);
    if (this.#earlyStreams.length > 0)
      this.#earlyStreams = this.#earlyStreams.filter((early) => early !== stream);
    this.#streams.delete(id);
  }

  // The loop

  readonly #run = (): void => {
    this.#immediate = null;
    this.#loop();
  };

  #loop(): void {
    if (this.#terminated) return;
    if (this.#isLooping) {
      this.wake();
      return;
    }
    this.#isLooping = true;
    try {
      this.#turn();
    } finally {
      this.#isLooping = false;
    }
  }

  #turn(): void {
    const { connection } = this;
    if (this.#inbox.datagrams.length > 0) {
      connection.receiveAll(this.#inbox);
      this.#inbox.clear();
    }
    const now = nowUs();
    if (now >= this.#deadlineUs) connection.handleTimeout(now);
    this.#dispatch();
    const sent = this.#flush();
    this.#dispatch();
    if (connection.isTerminated) {
      this.#terminate();
      return;
    }
    if (sent === BURST) this.wake();
    this.#arm();
  }

  /** Sends what may be sent now, up to a burst; calls nobody back. */
  #flush(): number {
    const { connection } = this;
    const { datagrams, to } = outbox;
    for (let sent = 0; sent < BURST; sent += MADE_TOGETHER) {
      let made = 0;
      while (made < MADE_TOGETHER && connection.pollInto(outbox, nowUs())) made++;
      if (made === 0) return sent;
      let haveLeft = false;
      try {
        outbox.finish();
        for (let i = 0; i < made; i++) this.#hooks.transmit(datagrams[i]!, to[i]!);
        haveLeft = this.#hooks.isDrained();
      } finally {
        outbox.clear(haveLeft);
      }
      if (made < MADE_TOGETHER) return sent + made;
    }
    return BURST;
  }

  #dispatch(): void {
    if (this.#deliveries.size > 0) {
      const waiting = [...this.#deliveries];
      this.#deliveries.clear();
      for (const stream of waiting) stream.deliver();
    }
    for (let event = this.connection.nextEvent(); event; event = this.connection.nextEvent())
      this.#event(event);
  }

  #event(event: ConnectionEvent): void {
    switch (event.type) {
      case 'connected':
        this.#hooks.onConnected(this);
        break;
      case 'stream-opened': {
        const stream = new StreamHandle(this, event.id, false);
        this.#streams.set(event.id, stream);
        if (this.#onStream) this.#onStream(stream);
        else this.#earlyStreams.push(stream);
        break;
      }
      case 'stream-readable':
        this.#streams.get(event.id)?.deliver();
        break;
      case 'stream-writable':
        this.#streams.get(event.id)?.onDrain?.();
        break;
      case 'stream-reset':
        this.#streams.get(event.id)?.deliverReset(event.code);
        break;
      case 'datagram':
        if (this.#onDatagram) this.#onDatagram(event.data, event.atUs);
        else if (this.#earlyDatagrams.length < EARLY_DATAGRAMS) this.#earlyDatagrams.push(event);
        break;
      case 'id-issued':
      case 'id-retired':
        this.#hooks.onId?.(event.type, event.id);
        break;
      case 'migrated':
        this.#onPath(event.type, event.to);
        break;
      case 'path-failed':
        this.#onPath(event.type, event.path);
        break;
      case 'token':
        this.#token = event.token;
        break;
      case 'ticket':
        this.#ticket = event.ticket;
        this.onTicket?.(event.ticket);
        break;
      case 'early-data':
        this.#hooks.onEarly?.(this);
        break;
      case 'closed':
        this.#isClosed = true;
        if (this.#migration) this.#onPath('path-failed', this.#migration.to);
        // What is left of an ended connection must not keep the process alive.
        this.#timer?.unref();
        this.#hooks.onClosed(event.info);
        this.#resolveClosed({
          by: event.info.by,
          code: event.info.code,
          application: event.info.application,
          reason: event.info.reason,
        });
        break;
    }
  }

  #arm(): void {
    const { pacedUntilUs } = this.connection;
    const deadline = this.connection.timeout() ?? Number.POSITIVE_INFINITY;
    this.#deadlineUs = deadline;
    if (deadline === Number.POSITIVE_INFINITY) return;
    const now = nowUs();
    if (deadline <= now || (pacedUntilUs !== null && pacedUntilUs - now < SPIN_US)) {
      this.wake();
      return;
    }
    const wakeAtUs = pacedUntilUs === null ? deadline : Math.min(deadline, pacedUntilUs - SPIN_US);
    // A timer that fires earlier than needed finds nothing due and arms the next: cheaper than one per packet.
    if (this.#timer && this.#timerAtUs <= wakeAtUs) return;
    if (this.#timer) clearTimeout(this.#timer);
    this.#timerAtUs = wakeAtUs;
    this.#timer = setTimeout(this.#onTimer, Math.min(MAX_TIMER_MS, Math.ceil((wakeAtUs - now) / 1000)));
    if (this.#isClosed) this.#timer.unref();
  }

  readonly #onTimer = (): void => {
    this.#timer = null;
    this.#timerAtUs = Number.POSITIVE_INFINITY;
    this.#loop();
  };

  #terminate(): void {
    this.#terminated = true;
    if (this.#timer) clearTimeout(this.#timer);
    if (this.#immediate) clearImmediate(this.#immediate);
    this.#timer = null;
    this.#immediate = null;
    this.#hooks.onTerminated();
  }
}
