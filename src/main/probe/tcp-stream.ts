/**
 * A TLS connection over TCP as one stream of the transport interface that QUIC has, so that transfers and pings are the same
 * code over both. TCP has no codes to reset with: a server says its code in the greeting, if that has not been sent yet.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { QuicStream } from '../quic/udp/api.ts';
import { AppError, decodeGreeting, encodeGreeting, GREETING_BYTES, Prefix } from './protocol.ts';

/** How long a refused client may go on sending before it is cut off: at once, it would lose the refusal with the rest. */
const LINGER_MS = 2000;

export interface TcpStreamOptions {
  /** The connection below the TLS. */
  raw: Socket;
  /** Of a server: what it greets with. A client reads the greeting instead. */
  greetsWith?: { congestion: string | null };
  /** Of a client. */
  onGreeting?: (congestion: string | null) => void;
}

export class TcpStream implements QuicStream {
  readonly id = 0;
  readonly unidirectional = false;
  onData: ((data: Buffer) => void) | null = null;
  onEnd: (() => void) | null = null;
  onReset: ((code: number) => void) | null = null;
  onDrain: (() => void) | null = null;

  readonly #socket: TLSSocket;
  readonly #raw: Socket;
  /** What a server greets with, until it has. */
  #greetsWith: { congestion: string | null } | null;
  #queued = 0;
  #isRead = true;

  constructor(socket: TLSSocket, { raw, greetsWith, onGreeting }: TcpStreamOptions) {
    this.#socket = socket;
    this.#raw = raw;
    this.#greetsWith = greetsWith ?? null;
    let greeting = greetsWith ? null : new Prefix(GREETING_BYTES);
    socket.on('data', (data: Buffer) => {
      let rest = data;
      if (greeting !== null) {
        const split = greeting.push(data);
        if (split === null) return;
        greeting = null;
        const said = decodeGreeting(split.head);
        if (said === null || said.code !== AppError.NONE) {
          this.onReset?.(said?.code ?? AppError.BAD_REQUEST);
          raw.resetAndDestroy();
          return;
        }
        onGreeting?.(said.congestion);
        rest = split.rest;
      }
      if (this.#isRead && rest.length > 0) this.onData?.(rest);
    });
    socket.on('end', () => {
      // A server that never greeted did not serve: that the connection is gone is all there is to tell.
      if (greeting !== null) raw.destroy();
      else if (this.#isRead) this.onEnd?.();
    });
    socket.on('drain', () => this.onDrain?.());
    // A client hears of it from its connection, which knows why.
    if (greetsWith) socket.on('close', () => this.onReset?.(AppError.NONE));
  }

  get queuedBytes(): number {
    return this.#socket.destroyed ? 0 : this.#queued;
  }

  write(data: Uint8Array): boolean {
    if (this.#socket.destroyed || this.#socket.writableEnded) return true;
    this.#greet(AppError.NONE);
    this.#queued += data.length;
    return this.#socket.write(data, () => {
      this.#queued -= data.length;
    });
  }

  end(data?: Uint8Array): void {
    if (data) this.write(data);
    this.#greet(AppError.NONE);
    this.#socket.end();
  }

  reset(code: number): void {
    if (this.#greetsWith === null) {
      this.#raw.resetAndDestroy();
      return;
    }
    this.#greet(code);
    this.#socket.end();
    setTimeout(() => this.#raw.resetAndDestroy(), LINGER_MS).unref();
  }

  stopSending(): void {
    this.#isRead = false;
    // Read and dropped, as bytes that nobody reads would keep a refusal from arriving.
    this.#socket.resume();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  #greet(code: number): void {
    if (this.#greetsWith === null || this.#socket.destroyed) return;
    this.#socket.write(encodeGreeting({ code, ...this.#greetsWith }));
    this.#greetsWith = null;
  }
}
