/** Runs what a case asks for: one end ours, the other the peer's, the network of the case between them, every file compared. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LinkSettings } from '../../../shared/domain.ts';
import { LabError } from '../../../shared/errors.ts';
import { Relay } from '../../path/relay/relay.ts';
import type {
  ConnectionStats,
  ConnectOptions,
  HandshakeInfo,
  QuicListener,
  QuicSession,
} from '../../quic/udp/api.ts';
import { connectQuic } from '../../quic/udp/client.ts';
import { listenQuic } from '../../quic/udp/server.ts';
import { PAGE, PAGE_PATH } from './chromium.ts';
import { fetcher, HQ, type ServedFile, serveFiles } from './files.ts';
import { type Interference, Middlebox } from './middlebox.ts';
import { NotApplicable, type Peer, type Workplace } from './peer.ts';

export interface TransferOptions {
  paths: readonly string[];
  alpn?: string;
  host?: string;
  retry?: boolean;
  again?: boolean;
  early?: boolean;
  datagrams?: boolean;
  migrate?: boolean;
  keyUpdate?: boolean;
  unknownVersion?: boolean;
  /** A chain of certificates larger than a server may answer to a client's first flight. */
  longChain?: boolean;
  cipherSuites?: readonly string[];
  /** The path each way; none for a direct one. */
  up?: LinkSettings;
  down?: LinkSettings;
  seed?: number;
  interference?: Interference;
  /** What happens while it goes on. */
  during?: (middlebox: Middlebox) => Promise<void>;
  /** A second transfer, of ours alone, shares the path. */
  crossTraffic?: boolean;
}

export interface Outcome {
  handshake: HandshakeInfo;
  stats: ConnectionStats;
  /** Of the files, and from the start of the last connection to their end. */
  bytes: number;
  seconds: number;
  worstAmplification: number;
}

const DATAGRAMS = 10;
const SAMPLE_MS = 10;
const NO_DELAY: LinkSettings = { rateBps: null, delayMs: 0, jitterMs: 0, lossRatio: 0, bufferBytes: null };

/** What one end of ours has seen of its connection. */
interface Seen {
  session: QuicSession;
  startedAt: number;
  endedAt: number;
}

export class Exchange {
  readonly peer: Peer;
  /** Ours. */
  readonly role: 'client' | 'server';
  readonly #place: Workplace;
  readonly #longChain: Pick<Workplace, 'cert' | 'key'>;
  readonly #signal: AbortSignal;
  readonly #toClose: (() => Promise<void> | void)[] = [];

  /** `signal` calls the case off. */
  constructor(
    peer: Peer,
    role: 'client' | 'server',
    place: Workplace,
    longChain: Pick<Workplace, 'cert' | 'key'>,
    signal: AbortSignal,
  ) {
    this.peer = peer;
    this.role = role;
    this.#place = place;
    this.#longChain = longChain;
    this.#signal = signal;
  }

  /** Closes what a case left open. */
  async close(): Promise<void> {
    for (const close of this.#toClose.splice(0).reverse()) await close();
  }

  /** Calls `ask` with the address of the peer's server. */
  async withServer(ask: (host: string, port: number, signal: AbortSignal) => Promise<void>): Promise<void> {
    const host = '127.0.0.1';
    const server = await this.peer.serve!(this.#place, { host, retry: false });
    this.#toClose.push(() => server.close());
    await ask(host, server.port, this.#signal);
  }

  /** One or two connections in the way a case asks for; rejects unless every file arrived as it is. */
  async transfer(options: TransferOptions): Promise<Outcome> {
    const host = options.host ?? '127.0.0.1';
    const alpn = options.alpn ?? this.peer.alpn[0]!;
    try {
      return this.role === 'client'
        ? await this.#asClient(host, alpn, options)
        : await this.#asServer(host, alpn, options);
    } finally {
      await this.close();
    }
  }

  /** Puts the network of the case before a server; returns the port to connect to. */
  async #network(
    host: string,
    port: number,
    options: TransferOptions,
  ): Promise<{ port: number; box: Middlebox | null }> {
    let target = port;
    let box: Middlebox | null = null;
    const { up, down, interference, during, seed = 1 } = options;
    if (interference || during) {
      box = await Middlebox.open(host, target, interference ?? {});
      const opened = box;
      this.#toClose.push(() => opened.close());
      target = box.port;
    }
    if (up || down) {
      const relay = await Relay.open({
        listen: { host, port: 0 },
        to: { host, port: target },
        emulation: { profile: 'interop', up: up ?? NO_DELAY, down: down ?? NO_DELAY, flap: null },
        seed,
      });
      this.#toClose.push(() => relay.close());
      target = relay.port;
    }
    return { port: target, box };
  }

  async #asClient(host: string, alpn: string, options: TransferOptions): Promise<Outcome> {
    const { paths, again = false, early = false, retry = false } = options;
    const place = options.longChain ? { ...this.#place, ...this.#longChain } : this.#place;
    const server = await this.peer.serve!(place, { host, retry });
    this.#toClose.push(() => server.close());
    const { port, box } = await this.#network(host, server.port, options);
    const connectOptions: ConnectOptions = {
      host,
      port,
      serverName: 'localhost',
      alpn: [alpn],
      trust: { ca: [readFileSync(this.#place.ca, 'utf8')], system: false, insecure: false },
      cipherSuites: options.cipherSuites,
      timeoutMs: 30_000,
      signal: this.#signal,
    };
    let ticket: ConnectOptions['ticket'];
    if (again) {
      const first = await this.#connect(connectOptions);
      await this.#fetch(first, alpn, paths.slice(0, 1));
      while (first.ticket === null) await this.#moment();
      ({ ticket } = first);
      await first.close();
    }
    const startedAt = performance.now();
    let fetched: Promise<void> | undefined;
    const session = await this.#connect({
      ...connectOptions,
      ticket: ticket ?? undefined,
      ...(early && {
        onEarly: (soon) => {
          fetched = this.#fetch(soon, alpn, paths);
          // Awaited below, unless the handshake fails before.
          fetched.catch(() => undefined);
        },
      }),
    });
    fetched ??= this.#fetch(session, alpn, paths);
    const asides: Promise<unknown>[] = [];
    if (options.migrate) asides.push(this.#whenConfirmed(() => session.migrate()));
    if (options.keyUpdate) asides.push(this.#updateKeys(session));
    if (options.datagrams) asides.push(this.#pingDatagrams(session));
    if (options.during) asides.push(options.during(box!));
    if (options.crossTraffic) {
      const other = await this.#connect(connectOptions);
      asides.push(this.#fetch(other, alpn, paths));
    }
    await Promise.all([fetched, ...asides]);
    const seconds = (performance.now() - startedAt) / 1000;
    const outcome = this.#outcome({ session, startedAt, endedAt: 0 }, paths, seconds, box);
    await session.close();
    return outcome;
  }

  async #asServer(host: string, alpn: string, options: TransferOptions): Promise<Outcome> {
    const { paths } = options;
    const { cert, key } = options.longChain ? this.#longChain : this.#place;
    const sessions: Seen[] = [];
    const listener = await this.#listen(host, alpn, { cert, key }, options, sessions);
    const { port, box } = await this.#network(host, listener.port, options);
    const out = this.#place.folder();
    const asides: Promise<unknown>[] = [];
    if (options.crossTraffic) {
      const trust = { ca: [readFileSync(this.#place.ca, 'utf8')], system: false, insecure: false };
      const connectOptions = { host, port, serverName: 'localhost', alpn: [HQ], trust, signal: this.#signal };
      const own = await this.#connect(connectOptions);
      sessions.length = 0;
      asides.push(this.#fetch(own, HQ, paths));
    }
    if (options.during) asides.push(options.during(box!));
    await Promise.all([
      this.peer.fetch!(
        { ...this.#place, cert, key },
        {
          host,
          port,
          alpn,
          paths,
          out,
          again: options.again ?? false,
          early: options.early ?? false,
          datagrams: options.datagrams ?? false,
          migrate: options.migrate ?? false,
          keyUpdate: options.keyUpdate ?? false,
          unknownVersion: options.unknownVersion ?? false,
          signal: this.#signal,
        },
      ),
      ...asides,
    ]);
    for (const path of paths) this.#compare(path, readFileSync(join(out, path)));
    const last = sessions.at(-1);
    if (!last) throw new Error('no connection of the peer’s client arrived');
    const seconds = (last.endedAt - last.startedAt) / 1000;
    return this.#outcome(last, paths, seconds, box);
  }

  async #connect(options: ConnectOptions): Promise<QuicSession> {
    for (;;) {
      try {
        const session = await connectQuic(options);
        this.#toClose.push(() => session.close());
        return session;
      } catch (error) {
        // Some servers say nothing when they are ready.
        const isNotReady = error instanceof LabError && error.code === 'RL_PORT_CLOSED';
        if (!isNotReady || this.#signal.aborted) throw error;
        await this.#moment();
      }
    }
  }

  async #listen(
    host: string,
    alpn: string,
    identity: { cert: string; key: string },
    options: TransferOptions,
    sessions: Seen[],
  ): Promise<QuicListener> {
    const listener = await listenQuic({
      host,
      port: 0,
      alpn: [...new Set([alpn, HQ])],
      certificate: readFileSync(identity.cert, 'utf8'),
      privateKey: readFileSync(identity.key, 'utf8'),
      retry: options.retry ? 'always' : 'under-load',
      earlyData: true,
      cipherSuites: options.cipherSuites,
      onSession: (session) => {
        const seen: Seen = { session, startedAt: performance.now(), endedAt: 0 };
        sessions.push(seen);
        // What a transfer took ends with the last byte of it that was sent; when a client leaves says little.
        let sent = 0;
        const timer = setInterval(() => {
          const { streamBytesSent } = session.stats();
          if (streamBytesSent > sent) seen.endedAt = performance.now();
          sent = streamBytesSent;
        }, SAMPLE_MS);
        void session.closed.then(() => clearInterval(timer));
        serveFiles(session, (path) => this.#served(path));
        session.onDatagram = (data) => session.sendDatagram(data);
        // A case that is called off has failed already.
        if (options.keyUpdate) this.#updateKeys(session).catch(() => undefined);
      },
    });
    this.#toClose.push(() => listener.close());
    return listener;
  }

  async #fetch(session: QuicSession, alpn: string, paths: readonly string[]): Promise<void> {
    const fetchFile = fetcher(session, alpn);
    await Promise.all(paths.map(async (path) => this.#compare(path, await fetchFile(path))));
  }

  #served(path: string): ServedFile | null {
    if (path.startsWith(PAGE_PATH)) return { content: Buffer.from(PAGE), type: 'text/html' };
    const content = this.#file(path);
    return content && { content, type: 'application/octet-stream' };
  }

  #file(path: string): Buffer | null {
    try {
      return readFileSync(join(this.#place.www, path));
    } catch {
      return null;
    }
  }

  #compare(path: string, got: Buffer): void {
    const file = this.#file(path);
    if (!file?.equals(got))
      throw new Error(`${path} is not what it was: ${got.length} of ${file?.length} bytes`);
  }

  /** Twice, as soon as may be; fewer when the session is over before. */
  async #updateKeys(session: QuicSession): Promise<void> {
    let isOver = false;
    void session.closed.then(() => {
      isOver = true;
    });
    for (let updates = 0; updates < 2 && !isOver; ) {
      if (session.updateKeys()) updates++;
      await this.#moment();
    }
  }

  async #whenConfirmed(act: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        await act();
        return;
      } catch (error) {
        // Not before the handshake is confirmed, and an id of the peer's is there for the new path.
        if (!(error instanceof LabError)) throw error;
        if (error.code === 'RL_PEER_UNSUPPORTED') throw new NotApplicable(error.message);
        if (error.code !== 'RL_CONFLICT') throw error;
        await this.#moment();
      }
    }
  }

  async #pingDatagrams(session: QuicSession): Promise<void> {
    let echoes = 0;
    session.onDatagram = () => echoes++;
    for (let sent = 0; sent < DATAGRAMS; sent++) {
      if (!session.sendDatagram(Buffer.from(`ping ${sent}`))) throw new Error('the peer takes no DATAGRAMs');
      while (echoes <= sent) await this.#moment();
    }
  }

  /** A turn or so of the loop; rejects once the case is called off. */
  async #moment(): Promise<void> {
    if (this.#signal.aborted) throw new Error('not done in time');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }

  #outcome({ session }: Seen, paths: readonly string[], seconds: number, box: Middlebox | null): Outcome {
    return {
      handshake: session.handshake,
      stats: session.stats(),
      bytes: paths.reduce((sum, path) => sum + this.#file(path)!.length, 0),
      seconds,
      worstAmplification: box?.worstAmplification ?? 0,
    };
  }
}
